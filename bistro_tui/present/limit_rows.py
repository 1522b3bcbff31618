"""The rows of the limit tree that are in sight: folded, filtered, in order."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from operator import attrgetter

from bistro_tui.engine.view import NodeRow
from bistro_tui.present.filters import Fields, Filter
from bistro_tui.present.limits import (
    WORKER,
    Level,
    Limit,
    LimitRow,
    More,
    NodeUse,
)
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.palette import RUNNING_STATE

MOST_IDLE = 500
"""Idle nodes that are listed below one resource; a filter finds the others."""


def limit_rows(
    levels: Sequence[Level],
    index: NodeIndex,
    nodes: Sequence[NodeRow],
    *,
    is_open: Callable[[Limit], bool],
    wanted: Filter | None = None,
    by_name: bool | None = None,
) -> list[LimitRow]:
    """Return the rows in sight.

    With ``wanted`` all that fits is shown, folded or not, below its resource and its
    level. ``by_name``: resources and nodes in the order of their names, True backwards,
    and not what is full first.
    """
    rows: list[LimitRow] = []
    for level in levels:
        below: list[LimitRow] = []
        limits = level.limits
        if by_name is not None:
            limits = tuple(sorted(limits, key=_resource, reverse=by_name))
        for limit in limits:
            found = _rows_of(limit, index, nodes, is_open=is_open, wanted=wanted)
            if by_name is not None:
                found = _in_order(found, is_down=by_name)
            below += found
        if below or wanted is None:
            rows += [level, *below]
    return rows


_resource = attrgetter("resource")


def _in_order(rows: Sequence[LimitRow], *, is_down: bool) -> list[LimitRow]:
    uses = [row for row in rows if isinstance(row, NodeUse)]
    others = [row for row in rows if not isinstance(row, NodeUse)]
    uses.sort(key=attrgetter("node"), reverse=is_down)
    return [*others[:1], *uses, *others[1:]]


def _rows_of(
    limit: Limit,
    index: NodeIndex,
    nodes: Sequence[NodeRow],
    *,
    is_open: Callable[[Limit], bool],
    wanted: Filter | None,
) -> list[LimitRow]:
    if limit.of_workers:
        return _rows_of_workers(limit, is_open=is_open, wanted=wanted)
    places = index.levels[limit.level]
    is_alone = len(places) == 1
    if wanted is None and not is_alone and not is_open(limit):
        return [limit]

    in_use = frozenset(limit.in_use)
    at_rest: Iterable[int] = (place for place in places if place not in in_use)
    at_work: Iterable[int] = limit.in_use
    if wanted is not None:
        at_rest = fitting(wanted, limit, [*at_rest], index, nodes)
        at_work = fitting(wanted, limit, limit.in_use, index, nodes)

    def uses_of(some: Iterable[int]) -> Iterator[NodeUse]:
        for place in some:
            use = _use(limit, nodes[place], is_alone=is_alone)
            if use is not None:
                yield use

    idle = [*islice(uses_of(at_rest), MOST_IDLE)]
    uses: list[LimitRow] = [*uses_of(at_work), *idle]
    if is_alone:
        return uses
    if wanted is not None:
        return [limit, *uses] if uses else []
    more = limit.idle - len(idle)
    if more > 0:
        uses.append(More(level=limit.level, resource=limit.resource, nodes=more))
    return [limit, *uses]


def _rows_of_workers(
    limit: Limit, *, is_open: Callable[[Limit], bool], wanted: Filter | None
) -> list[LimitRow]:
    uses: list[LimitRow] = [
        use for use in limit.of_workers if wanted is None or _fits(wanted, use)
    ]
    if all(use.is_alone for use in limit.of_workers):
        return uses
    if wanted is None and not is_open(limit):
        return [limit]
    return [limit, *uses] if uses else []


def _fits(wanted: Filter, use: NodeUse) -> bool:
    text = f"{use.level} {use.resource} {use.node}"
    return wanted.matches(text, partial(use_fields, use))


def fitting(
    wanted: Filter,
    limit: Limit,
    places: Sequence[int],
    index: NodeIndex,
    nodes: Sequence[NodeRow],
) -> Sequence[int]:
    """Return the places where the use of a resource fits a filter.

    What is asked of the use is found out once for all nodes that show the same.
    """
    prefix = f"{limit.level} {limit.resource} ".casefold()
    names = index.folded_names
    of_use = [term for term in wanted.terms if term.field in _USE_FIELDS]
    if of_use:
        verdicts: dict[int, bool] = {}
        for place in places:
            key = id(nodes[place].usage)
            if key not in verdicts:
                use = _use(limit, nodes[place])
                fields: Fields = dict if use is None else partial(use_fields, use)
                verdicts[key] = all(term.fits("", fields) for term in of_use)
        places = [place for place in places if verdicts[id(nodes[place].usage)]]
    for term in wanted.terms:
        if term in of_use:
            continue
        if term.kind == "word" and not term.field:
            if term.word in prefix:
                places = places if term.is_wanted else ()
                continue
            word, is_wanted = term.word, term.is_wanted
            places = [place for place in places if (word in names[place]) is is_wanted]
            continue
        fits = term.fits
        places = [
            place
            for place in places
            if fits(prefix + names[place], partial(_named, limit, names[place]))
        ]
    return places


def _named(limit: Limit, node: str) -> Mapping[str, object]:
    return {"level": limit.level, "resource": limit.resource, "node": node}


_USE_FIELDS = ("level", "resource", "status", "use")


def use_fields(row: NodeUse) -> Mapping[str, object]:
    """Return what a filter may name of the use of a resource."""
    used, limit = row.usage.used, row.usage.limit
    return {
        "level": row.level,
        "resource": row.resource,
        "node": row.node,
        "worker": row.node if row.level == WORKER else None,
        "status": use_word(used, limit),
        "use": round(100 * used / limit) if limit else 0,
    }


def use_word(used: int, limit: int) -> str:
    """Return ``full``, ``running`` or ``idle``."""
    if used <= 0:
        return "idle"
    return "full" if used >= limit else RUNNING_STATE.word


def _use(limit: Limit, row: NodeRow, *, is_alone: bool = False) -> NodeUse | None:
    for usage in row.usage:
        if usage.resource == limit.resource:
            return NodeUse(
                level=limit.level, node=row.name, usage=usage, is_alone=is_alone
            )
    return None
