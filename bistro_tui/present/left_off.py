"""Where a person left the screen, as JSON that comes back whatever became of it.

A file of an older or newer version, or one that somebody edited, is read as far as it
is understood: what is not says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bistro_tui.engine.ids import JobName, LevelName, NodeName, ResourceName, TaskId
from bistro_tui.present.table import Order
from bistro_tui.present.things import (
    JobThing,
    NodeThing,
    ResourceThing,
    TaskThing,
    Thing,
    WorkerThing,
)

_LONGEST = 4096
"""Characters of a name or a filter that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaneLeft:
    """What one pane was narrowed to and sorted by."""

    filter_text: str = ""
    order: Order | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLeft:
    """How one page was left."""

    thing: Thing | None = None
    """What the cursor was on."""
    pane: int = 0
    """The number of the pane with the keyboard."""
    panes: tuple[PaneLeft, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenLeft:
    """How the main screen was left."""

    page: str
    """The key of the page in sight."""
    pages: Mapping[str, PageLeft] = field(default_factory=dict)
    """By key, those that were visited."""


def to_json(left: ScreenLeft) -> dict[str, Any]:
    """Return what ``from_json`` understands."""
    return {
        "page": left.page,
        "pages": {
            key: {
                "thing": _thing_json(page.thing),
                "pane": page.pane,
                "panes": [
                    {
                        "filter": pane.filter_text,
                        "order": None
                        if pane.order is None
                        else [pane.order.title, pane.order.down],
                    }
                    for pane in page.panes
                ],
            }
            for key, page in left.pages.items()
        },
    }


def from_json(told: object) -> ScreenLeft | None:
    """Return how the screen was left; None if that cannot be told."""
    if not isinstance(told, dict) or not isinstance(told.get("page"), str):
        return None
    pages = told.get("pages")
    found = {
        key: _page(page)
        for key, page in (pages.items() if isinstance(pages, dict) else ())
        if isinstance(key, str) and isinstance(page, dict)
    }
    return ScreenLeft(page=told["page"], pages=found)


def _page(told: dict[str, Any]) -> PageLeft:
    panes = told.get("panes")
    pane = told.get("pane")
    return PageLeft(
        thing=_thing(told.get("thing")),
        pane=pane if isinstance(pane, int) and pane >= 0 else 0,
        panes=tuple(_pane(one) for one in (panes if isinstance(panes, list) else ())),
    )


def _pane(told: object) -> PaneLeft:
    if not isinstance(told, dict):
        return PaneLeft()
    return PaneLeft(
        filter_text=_text(told.get("filter")), order=_order(told.get("order"))
    )


def _order(told: object) -> Order | None:
    match told:
        case [str(title), bool(down)]:
            return Order(title=title, down=down)
        case _:
            return None


def _thing_json(thing: Thing | None) -> list[str] | None:
    match thing:
        case None:
            return None
        case JobThing():
            return ["job", thing.name]
        case NodeThing():
            return ["node", thing.name]
        case ResourceThing():
            return ["resource", thing.node, thing.level, thing.resource]
        case TaskThing():
            return ["task", thing.task.job, thing.task.node]
        case WorkerThing():
            return ["worker", thing.shard]


def _thing(told: object) -> Thing | None:
    match told:
        case ["job", str(name)]:
            return JobThing(name=JobName(_text(name)))
        case ["node", str(name)]:
            return NodeThing(name=NodeName(_text(name)))
        case ["resource", str(node), str(level), str(resource)]:
            return ResourceThing(
                node=NodeName(_text(node)),
                level=LevelName(_text(level)),
                resource=ResourceName(_text(resource)),
            )
        case ["task", str(job), str(node)]:
            return TaskThing(task=TaskId(JobName(_text(job)), NodeName(_text(node))))
        case ["worker", str(shard)]:
            return WorkerThing(shard=NodeName(_text(shard)))
        case _:
            return None


def _text(told: object) -> str:
    return told[:_LONGEST] if isinstance(told, str) else ""
