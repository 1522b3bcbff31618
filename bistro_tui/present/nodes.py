"""The node tree: which nodes are in sight, and one row a node."""

from collections.abc import Collection, Sequence

from bistro_tui.engine.view import NodeName, NodeRow, Usage
from bistro_tui.present import words
from bistro_tui.present.clean import clean_name
from bistro_tui.present.filters import Filter
from bistro_tui.present.palette import OFF_STATE, RUNNING_STATE
from bistro_tui.present.spans import Line, Scene, Span, plain_text
from bistro_tui.present.table import Column
from bistro_tui.present.tally import gauge, use_style

_INDENT = 2
_DEEPEST_INDENT = 16


def unfolded(
    nodes: Sequence[NodeRow], folded: Collection[NodeName]
) -> Sequence[NodeRow]:
    """Return the nodes that are not inside a folded one."""
    if not folded:
        return nodes
    shown: list[NodeRow] = []
    hidden_below: int | None = None
    for node in nodes:
        if hidden_below is not None and node.depth > hidden_below:
            continue
        hidden_below = node.depth if node.name in folded else None
        shown.append(node)
    return shown


def matching(nodes: Sequence[NodeRow], wanted: Filter) -> Sequence[NodeRow]:
    """Return the nodes whose name fits, each with the nodes above it."""
    if not wanted:
        return nodes
    kept: list[NodeRow] = []
    path: list[NodeRow] = []
    written = 0  # how many of the path are in `kept` already
    for node in nodes:
        del path[node.depth :]
        written = min(written, len(path))
        path.append(node)
        if wanted.matches(node_text(node)):
            kept.extend(path[written:])
            written = len(path)
    return kept


def node_text(node: NodeRow) -> str:
    """Return what the filter looks at."""
    return node.name


def has_children(nodes: Sequence[NodeRow], index: int) -> bool:
    """Return whether the node at that place has nodes below it."""
    return index + 1 < len(nodes) and nodes[index + 1].depth > nodes[index].depth


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


def usage_text(usage: Usage) -> str:
    """Return ``concurrency 3/3``."""
    return f"{clean_name(usage.resource)} {usage.used}/{usage.limit}"


def usages(node: NodeRow, width: int, scene: Scene) -> Line:
    """Return the node's resources, each with a small bar, as many as fit."""
    spans: list[Span] = []
    room = width
    for number, usage in enumerate(node.usage):
        style = use_style(usage.used, usage.limit)
        numbers = f"{usage.used}/{usage.limit}"
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
        left = len(node.usage) - number
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
    indent = indent_of(node)
    if not node.enabled:
        off = OFF_STATE
        return (
            Span(" " * indent + marker + " ", "faint"),
            Span(f"{off.glyph} {clean_name(node.name)}", "dim"),
            Span(f" {off.word}", off.style),
        )
    style = "strong" if marker.strip() else ""
    return (
        Span(" " * indent + marker + " ", "accent"),
        Span(clean_name(node.name), style),
    )


LEVEL: Column[NodeRow] = Column(title="level", cell=_level, width=8, needs=64, drop=2)
RUNNING: Column[NodeRow] = Column(title="runs", cell=_running, width=6, tight=True)
USAGE: Column[NodeRow] = Column(
    title="resources used/limit", cell=usages, width=16, flex=3, drop=1
)
