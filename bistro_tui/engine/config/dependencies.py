"""Jobs that can never run because of what they depend on. Pure.

They are legal, as in Bistro (config/Job.cpp): a dependency may be added later.
"""

from collections.abc import Iterator, Mapping, Sequence

from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.config.model import Job, Json
from bistro_tui.engine.config.reading import Report
from bistro_tui.engine.ids import JobName

_MAX_SHOWN = 8
"""Jobs of a cycle that are named."""


def warn_of_dependencies(
    jobs: Mapping[JobName, Job], raw: Mapping[str, Json], prefix: str, report: Report
) -> None:
    """Warn of every dependency on an unknown job, and once of every cycle.

    ``raw`` is the config; the key of a job in it is ``prefix`` and its name.
    """

    def warn(job: JobName, other: JobName, message: str) -> None:
        key = prefix + job
        index = _index(raw.get(key), other)
        with report.about(job):
            report.warn((key, "depends_on", *index), message)

    for name, job in jobs.items():
        for other in job.depends_on:
            if other not in jobs:
                near = report.suggest(other, jobs)
                unknown = f"depends on the unknown job {show(other)}"
                warn(name, other, f"{unknown}, so it never runs{near}")
    for cycle in _cycles(jobs):
        first = cycle[0]
        if len(cycle) == 1:
            warn(first, first, "depends on itself, so it never runs")
            continue
        rest = ["…"] if len(cycle) > _MAX_SHOWN else []
        shown = " → ".join([*cycle[:_MAX_SHOWN], *rest, first])
        warn(first, cycle[1], f"these jobs wait for each other for ever: {shown}")


def _index(job: Json, other: JobName) -> tuple[int, ...]:
    """Return the index of a dependency in the job as it is written, if it is there."""
    items = job.get("depends_on") if isinstance(job, dict) else None
    if isinstance(items, list) and other in items:
        return (items.index(other),)
    return ()


def _cycles(jobs: Mapping[JobName, Job]) -> Iterator[tuple[JobName, ...]]:
    """Return one shortest cycle of every knot of jobs that wait for each other."""
    known = {
        name: [other for other in job.depends_on if other in jobs]
        for name, job in jobs.items()
    }
    order = {name: number for number, name in enumerate(jobs)}
    for knot in _knots(known):
        first = min(knot, key=order.__getitem__)
        if len(knot) > 1 or first in known[first]:
            yield _shortest_cycle(known, first, frozenset(knot))


def _knots(known: Mapping[JobName, Sequence[JobName]]) -> Iterator[list[JobName]]:
    """Return the strongly connected components. Source: Tarjan, 1972."""
    number: dict[JobName, int] = {}
    low: dict[JobName, int] = {}
    stack: list[JobName] = []
    on_stack: set[JobName] = set()
    for start in known:
        if start in number:
            continue
        # With a stack of its own: a chain may be longer than Python recurses.
        work = [(start, iter(known[start]))]
        number[start] = low[start] = len(number)
        stack.append(start)
        on_stack.add(start)
        while work:
            name, others = work[-1]
            for other in others:
                if other not in number:
                    number[other] = low[other] = len(number)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(known[other])))
                    break
                if other in on_stack:
                    low[name] = min(low[name], number[other])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[name])
                if low[name] == number[name]:
                    yield _popped(stack, on_stack, name)


def _popped(
    stack: list[JobName], on_stack: set[JobName], last: JobName
) -> list[JobName]:
    knot: list[JobName] = []
    while not knot or knot[-1] != last:
        knot.append(stack.pop())
    on_stack.difference_update(knot)
    return knot


def _shortest_cycle(
    known: Mapping[JobName, Sequence[JobName]], first: JobName, knot: frozenset[JobName]
) -> tuple[JobName, ...]:
    came_from: dict[JobName, JobName] = {}
    todo = [first]
    for name in todo:
        for other in known[name]:
            if other == first:
                cycle = [name]
                while cycle[-1] != first:
                    cycle.append(came_from[cycle[-1]])
                return tuple(reversed(cycle))
            if other in knot and other not in came_from:
                came_from[other] = name
                todo.append(other)
    raise AssertionError(f"{first} is in no cycle")
