"""One row of the limit tree: level, resource or node, with bars of use."""

from collections.abc import Callable, Mapping

from bistro_tui.engine.view import NodeName
from bistro_tui.present import words
from bistro_tui.present.clean import clean_name
from bistro_tui.present.limit_rows import use_fields
from bistro_tui.present.limits import Level, Limit, LimitRow, More, NodeUse
from bistro_tui.present.spans import Line, Scene, Span, plain_text
from bistro_tui.present.table import Column
from bistro_tui.present.tally import gauge, shares, use_style
from bistro_tui.present.things import ResourceThing, Thing

_INDENT = 2
_BAR = 30


def limit_text(row: LimitRow) -> str:
    """Return what the filter looks at."""
    match row:
        case Level():
            return row.name
        case Limit():
            return f"{row.level} {row.resource}"
        case NodeUse():
            return f"{row.level} {row.resource} {row.node}"
        case More():
            return ""


def limit_fields(row: LimitRow) -> Mapping[str, object]:
    """Return what a filter may name."""
    match row:
        case NodeUse():
            return use_fields(row)
        case Limit():
            return {"level": row.level, "resource": row.resource}
        case Level():
            return {"level": row.name}
        case More():
            return {}


def fold_column(row: LimitRow) -> int:
    """Return how many blanks stand before its fold mark."""
    return 0 if isinstance(row, Level) else _INDENT


def name_cell(
    is_open: Callable[[Limit], bool],
) -> Callable[[LimitRow, int, Scene], Line]:
    """Return what makes the first column."""

    def cell(row: LimitRow, width: int, scene: Scene) -> Line:
        blank = " " * _INDENT
        match row:
            case Level():
                return (Span(clean_name(row.name), "title"),)
            case Limit():
                mark = "▾ " if is_open(row) else "▸ "
                return (
                    Span(blank + mark, "accent"),
                    Span(clean_name(row.resource), "strong"),
                )
            case NodeUse() if row.is_alone:
                return (
                    Span(blank * 2),
                    Span(clean_name(row.resource), "strong"),
                    Span(f"  {clean_name(row.node)}", "dim"),
                )
            case NodeUse():
                return (Span(blank * 3), Span(clean_name(row.node)))
            case More():
                return (Span(blank * 3), Span(f"and {row.nodes:,} idle", "dim"))

    return cell


def _bar(row: LimitRow, width: int, scene: Scene) -> Line:
    width = min(width, _BAR)
    match row:
        case Level():
            return strip((row.full, row.busy, row.idle), width, plain=scene.plain)
        case Limit():
            return gauge(row.used, row.total, width, plain=scene.plain)
        case NodeUse():
            used, limit = row.usage.used, row.usage.limit
            return gauge(used, limit, width, plain=scene.plain)
        case More():
            return ()


def strip(nodes: tuple[int, int, int], width: int, *, plain: bool) -> Line:
    """Return the nodes that are full, in use and idle as one bar."""
    strokes = ("#", "+", ".") if plain else ("━", "━", "━")
    styles = ("blocked", "running", "faint")
    parts = zip(strokes, shares(nodes, width), styles, strict=True)
    return tuple(Span(stroke * cells, style) for stroke, cells, style in parts if cells)


def _use(row: LimitRow, width: int, scene: Scene) -> Line:
    match row:
        case Limit():
            style = "blocked" if row.full else use_style(row.used, row.total)
            part, whole = words.count(row.used), words.count(row.total)
            return (Span(f"{part}/{whole}", style),)
        case NodeUse():
            used, limit = row.usage.used, row.usage.limit
            return (Span(f"{used}/{limit}", use_style(used, limit)),)
        case _:
            return ()


def _each(row: LimitRow, width: int, scene: Scene) -> Line:
    if not isinstance(row, Limit):
        return ()
    least, most = row.each
    text = str(least) if least == most else f"{least}–{most}"
    return (Span(text, "dim"),)


def _nodes(row: LimitRow, width: int, scene: Scene) -> Line:
    match row:
        case Level() | Limit():
            counts = node_counts(row, " · ")
            fits = len(plain_text(counts)) <= width
            return counts if fits else node_counts(row, " ")
        case NodeUse() if row.usage.used >= row.usage.limit and row.usage.used > 0:
            return (Span("full", "blocked"),)
        case _:
            return ()


def node_counts(row: Level | Limit, gap: str) -> Line:
    """Return ``3 full · 4 in use · 1 idle``, without what there is none of."""
    spans: list[Span] = []
    parts = (("full", row.full, "blocked"), ("in use", row.busy, "running"),
             ("idle", row.idle, "dim"))  # fmt: skip
    for word, number, style in parts:
        if number:
            if spans:
                spans.append(Span(gap, "faint"))
            spans.append(Span(f"{words.count(number)} {word}", style))
    return tuple(spans)


def usage_facts(used: int, limit: int, scene: Scene) -> Line:
    """Return the use of one resource of a node, for the title of its claims."""
    return (
        Span("  "),
        *gauge(used, limit, 8, plain=scene.plain),
        Span(f" {used}/{limit}", use_style(used, limit)),
    )


def limit_thing(
    row: LimitRow, fullest: Callable[[Limit], NodeName | None]
) -> Thing | None:
    """Return the resource; of many nodes that of the fullest."""
    match row:
        case NodeUse():
            return ResourceThing(node=row.node, level=row.level, resource=row.resource)
        case Limit():
            node = fullest(row)
            if node is None:
                return None
            return ResourceThing(node=node, level=row.level, resource=row.resource)
        case _:
            return None


NAME_WIDTH = 16
COLUMNS: tuple[Column[LimitRow], ...] = (
    Column(title="use", cell=_bar, width=6, flex=1, most=_BAR),
    Column(title="used/limit", cell=_use, width=10, right=True, tight=True,
           sort=lambda row: 0),
    Column(title="each", cell=_each, width=5, right=True, tight=True, drop=2),
    Column(title="nodes", cell=_nodes, width=20, flex=2, most=30, drop=1),
)  # fmt: skip
