"""One row a node: its name, what runs on it, the use of its resources."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bistro_tui.engine.view import NodeName, NodeRow, Usage
from bistro_tui.present import words
from bistro_tui.present.clean import clean_name
from bistro_tui.present.palette import (
    BACKOFF_STATE,
    FAILED_STATE,
    OFF_STATE,
    RUNNING_STATE,
)
from bistro_tui.present.spans import Line, Scene, Span, joined, plain_text
from bistro_tui.present.table import Column
from bistro_tui.present.tally import gauge, use_style

_INDENT = 2
_DEEPEST_INDENT = 16


def subtree(nodes: Sequence[NodeRow], name: NodeName) -> frozenset[NodeName]:
    """Return the names of that node and of all below it; nothing if it is gone."""
    start = next((i for i, node in enumerate(nodes) if node.name == name), None)
    if start is None:
        return frozenset()
    names = {name}
    for node in nodes[start + 1 :]:
        if node.depth <= nodes[start].depth:
            break
        names.add(node.name)
    return frozenset(names)


class Trouble(NamedTuple):
    """Tasks that ended badly on a node and below it."""

    failed: int = 0
    backoff: int = 0


def share_in_use(node: NodeRow) -> float:
    """Return how much of its scarcest resource is in use: 1 is all of it."""
    return max(
        (used / limit if limit else float(used > 0) for _, used, limit in node.usage),
        default=0.0,
    )


def is_full(node: NodeRow) -> bool:
    """Return whether none is left of one of its resources."""
    return any(used >= limit and used > 0 for _, used, limit in node.usage)


def node_word(node: NodeRow) -> str:
    """Return its state in one word: ``off``, ``full``, ``running`` or ``idle``."""
    if not node.enabled:
        return OFF_STATE.word
    if is_full(node):
        return "full"
    return RUNNING_STATE.word if node.running else "idle"


def node_fields(node: NodeRow) -> Mapping[str, object]:
    """Return what a filter may name."""
    return {
        "node": node.name,
        "level": node.level,
        "status": node_word(node),
        "running": node.running,
        "use": round(100 * share_in_use(node)),
    }


def usages(node: NodeRow, width: int, scene: Scene) -> Line:
    """Return the node's resources, each with a small bar, as many as fit."""
    return usage_cells(node.usage, width, scene)


def usage_cells(
    usages: Sequence[Usage], width: int, scene: Scene, *, is_aligned: bool = False
) -> Line:
    """Return some resources, each with a small bar, as many as fit.

    ``is_aligned``: rows below each other have the same ones, so all pieces are as wide
    as they get.
    """
    spans: list[Span] = []
    room = width
    for number, usage in enumerate(usages):
        style = use_style(usage.used, usage.limit)
        limit = str(usage.limit)
        numbers = f"{usage.used:>{len(limit) if is_aligned else 0}}/{limit}"
        name = clean_name(usage.resource)
        bar = gauge(usage.used, usage.limit, 6, plain=scene.plain)
        piece: Line = (
            *bar,
            Span(" "),
            Span(name, "dim"),
            Span(" "),
            Span(numbers, style),
        )
        needed = len(plain_text(piece)) + (3 if spans else 0)
        left = len(usages) - number
        if needed + (4 if left > 1 else 0) > room and spans:
            spans.append(Span(f" +{left}", "dim"))
            break
        if spans:
            spans.append(Span("   "))
        spans.extend(piece if needed <= room else piece[len(bar) + 1 :])
        room -= needed
    return tuple(spans)


def _running(node: NodeRow, width: int, scene: Scene) -> Line:
    if not node.running:
        return (Span("·", "faint"),)
    glyph = RUNNING_STATE.glyph
    return (Span(f"{glyph} {words.count(node.running)}", RUNNING_STATE.style),)


def _level(node: NodeRow, width: int, scene: Scene) -> Line:
    return (Span(clean_name(node.level), "dim"),)


def indent_of(node: NodeRow) -> int:
    """Return how many blanks stand before its fold mark."""
    return min(node.depth * _INDENT, _DEEPEST_INDENT)


def node_name(node: NodeRow, marker: str) -> Line:
    """Return the indented name; ``marker`` is its fold mark or a blank."""
    indent = " " * indent_of(node) + marker + " "
    if not node.enabled:
        return (Span(indent, "faint"), *node_label(node))
    style = "strong" if marker.strip() else ""
    return (Span(indent, "accent"), Span(clean_name(node.name), style))


def node_label(node: NodeRow) -> Line:
    """Return the name; of a node that is off with glyph and word."""
    if node.enabled:
        return (Span(clean_name(node.name)),)
    off = OFF_STATE
    return (
        Span(f"{off.glyph} {clean_name(node.name)}", "dim"),
        Span(f" {off.word}", off.style),
    )


def node_summary(
    node: NodeRow, trouble: Trouble | None, width: int, scene: Scene
) -> Line:
    """Return the name and what is known of a node in one line."""
    parts: list[Line] = [node_label(node)]
    if node.running:
        parts.append(_running(node, width, scene))
    if trouble is not None:
        parts.append(trouble_text(trouble))
    parts.append(usages(node, width, scene))
    return joined(parts)


def node_facts(node: NodeRow) -> Line:
    """Return level and state, for the title of its details."""
    state = node_word(node)
    style = {"off": "off", "full": "blocked", "running": "running"}.get(state, "dim")
    level = clean_name(node.level, limit=20)
    return (Span(f"  {level}", "dim"), Span(f"  {state}", style))


def trouble_text(trouble: Trouble) -> Line:
    """Return ``✗ 3 ↻ 1``; nothing where nothing went wrong."""
    spans: list[Span] = []
    for state, number in zip((FAILED_STATE, BACKOFF_STATE), trouble, strict=True):
        if number:
            gap = " " if spans else ""
            spans.append(Span(f"{gap}{state.glyph} {words.count(number)}", state.style))
    return tuple(spans)


LEVEL: Column[NodeRow] = Column(
    title="level", cell=_level, width=8, needs=64, drop=2, sort=lambda row: row.level
)
RUNNING: Column[NodeRow] = Column(
    title="runs", cell=_running, width=6, tight=True, sort=lambda row: row.running
)
USAGE: Column[NodeRow] = Column(
    title="resources used/limit",
    cell=usages,
    width=16,
    flex=3,
    drop=1,
    sort=lambda row: (share_in_use(row), row.running),
)
