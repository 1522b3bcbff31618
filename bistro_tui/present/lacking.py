"""Which check keeps a task from running, and which resource it lacks. Pure."""

import re
from collections.abc import Iterable, Sequence

from bistro_tui.engine.view import (
    Check,
    Explanation,
    LevelName,
    NodeName,
    ResourceName,
    Snapshot,
    Usage,
)
from bistro_tui.present.limits import uses_of_workers
from bistro_tui.present.things import ResourceThing

_CHECK_OF_RESOURCES = "resources of "
_CHECK_OF_WORKER = "worker"


def would_run_if(text: str, checks: Iterable[Check]) -> str:
    """Return when a task would run, without what a check that fails has told."""
    for check in checks:
        if not check.ok and check.text:
            text = text.replace(f": {check.text}", "", 1)
    return text


def first_failing(why: Explanation) -> Check | None:
    """Return the check that decides."""
    return next((check for check in why.checks if not check.ok), None)


def resource_in(why: Explanation, shown: Snapshot) -> ResourceThing | None:
    """Return the resource that the task lacks, None if it is not for want of one.

    The deciding check names the node, or its sentence the worker; of the resources
    there it is the one that the sentence says is needed.
    """
    check = first_failing(why)
    if check is None:
        return None
    places: Iterable[tuple[NodeName, LevelName, Sequence[Usage]]] = ()
    if check.check == _CHECK_OF_WORKER:
        places = (
            (use.node, use.level, (use.usage,))
            for use in uses_of_workers(shown)
            if re.search(rf" used on worker {re.escape(use.node)}(;|$)", check.text)
        )
    elif check.check.startswith(_CHECK_OF_RESOURCES):
        name = check.check.removeprefix(_CHECK_OF_RESOURCES)
        places = (
            (node.name, node.level, node.usage)
            for node in shown.nodes
            if node.name == name
        )
    for place, level, usages in places:
        found = [
            usage.resource
            for usage in usages
            if re.search(rf"(?<!\S){re.escape(usage.resource)}[ ,]", check.text + ",")
        ]
        if found:
            longest = ResourceName(max(found, key=len))
            return ResourceThing(node=place, level=level, resource=longest)
    return None
