"""A job as the JSON object that programs read: what it inherits is written out. Pure.

Source: Bistro, config/Job (toDynamic): reading it again gives the same job.
"""

import json
import re
from collections.abc import Mapping

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.commands import NO_COMMAND
from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.job_version import job_version
from bistro_tui.engine.config.model import Job, Json, StatusFrom, TaskSubprocess

_STEP = re.compile(
    r"""\.(?P<key>[^\s.\[\]"]+?)(?=: |[.\[])"""
    r"""|\[(?P<index>[0-9]+)\]"""
    r"""|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]"""
)
"""One step of the path of a problem."""


def dump_job(job: Job) -> dict[str, Json]:
    """Return the object of a job: always all that Bistro always has, the rest if set.

    ``errors`` is there if, and only if, the job is invalid. ``version_id`` tells
    whether the job's object in the file is still the same; it is there if that was
    read from a text.
    """
    found: dict[str, Json] = {
        "enabled": job.enabled,
        "owner": job.owner,
        "level_for_tasks": job.level_for_tasks,
        "priority": job.priority,
        "config": job.config,
        "backoff": _backoff(job.backoff),
        "kill_orphan_tasks_after_sec": _orphan_delay(job.kill_orphan_tasks_after_sec),
        "task_subprocess": _task_subprocess(job.task_subprocess),
        "kill_subprocess": {
            "method": job.kill_subprocess.method.value,
            "kill_wait_ms": job.kill_subprocess.kill_wait_ms,
        },
    }
    if job.resources:
        found["resources"] = dict(job.resources)
    if job.filters:
        found["filters"] = {level: _filter(one) for level, one in job.filters.items()}
    _add_what_is_set(found, job)
    if job.written:
        found["version_id"] = int(job_version(json.loads(job.written)))
    if job.errors:
        found["errors"] = error_tree(job)
    return found


def _add_what_is_set(found: dict[str, Json], job: Job) -> None:
    is_by_exit_code = job.status_from is not StatusFrom.FILE
    optional: Mapping[str, Json] = {
        "level_for_host_placement": job.level_for_host_placement,
        "host_placement": job.host_placement,
        "depends_on": list(job.depends_on),
        "create_time": max(0, job.create_time),
        "modify_time": max(0, job.modify_time),
        "command": list(job.command),
        "status_from": job.status_from.value if is_by_exit_code else None,
        "timeout_sec": job.timeout_sec,
        "env": dict(job.env),
    }
    found.update({key: value for key, value in optional.items() if value})


def error_tree(job: Job) -> dict[str, Json]:
    """Return the errors of a job as a tree of its object.

    ``error`` says what is wrong with a value, ``nested`` has the trees of its members
    and items. Source: Bistro, folly/DynamicParser.
    """
    tree: dict[str, Json] = {}
    begin = f"bistro_job->{job.name}"
    for error in job.errors:
        if error == NO_COMMAND:
            # It comes without its whole path.
            node, rest = _descend(tree, f".{error}", 0)
        elif error.startswith(begin):
            node, rest = _descend(tree, error, len(begin))
        else:
            node, rest = tree, error
        before = node.get("error")
        node["error"] = rest if before is None else f"{before}; {rest}"
    return tree


def _descend(tree: dict[str, Json], error: str, at: int) -> tuple[dict[str, Json], str]:
    """Return the part of the tree that an error is about, and its message."""
    steps = []
    while (step := _STEP.match(error, at)) is not None:
        quoted = step["quoted"]
        steps.append(json.loads(quoted) if quoted else step["key"] or step["index"])
        at = step.end()
        if error.startswith(": ", at):
            break
    if not error.startswith(": ", at):
        return tree, error
    node = tree
    for key in steps:
        node = node.setdefault("nested", {}).setdefault(key, {})
    return node, error[at + 2 :]


def _backoff(backoff: Backoff) -> list[Json]:
    return [*backoff.steps, "repeat" if backoff.repeat else "fail"]


def _orphan_delay(seconds: float | None) -> Json:
    if seconds is None:
        return False
    return int(seconds) if seconds.is_integer() else seconds


def _task_subprocess(found: TaskSubprocess) -> Json:
    return {
        "poll_ms": found.poll_ms,
        "max_log_lines_per_poll_interval": found.max_log_lines_per_poll_interval,
        "parent_death_signal": found.parent_death_signal,
        "process_group_leader": found.process_group_leader,
        "use_canary_pipe": found.use_canary_pipe,
        "cgroups": {
            "root": found.cgroups.root,
            "slice": found.cgroups.slice,
            "subsystems": list(found.cgroups.subsystems),
            "kill_without_freezer": found.cgroups.kill_without_freezer,
        },
    }


def _filter(one: LevelFilter) -> Json:
    found: Mapping[str, Json] = {
        "whitelist": sorted(one.whitelist),
        "whitelist_regex": one.whitelist_regex,
        "blacklist": sorted(one.blacklist),
        "blacklist_regex": one.blacklist_regex,
        "tag_whitelist": sorted(one.tag_whitelist),
        "fraction_of_nodes": (
            one.fraction_of_nodes if one.fraction_of_nodes < 1 else None
        ),
    }
    return {key: value for key, value in found.items() if value}
