"""How fast short tasks run: ours, the tools people use, and a C program as the limit.

    .venv/bin/python -m benchmarks.dispatch [--tasks N] [--rounds N] [--slots K ...]
    .venv/bin/python -m benchmarks.dispatch --only c xargs bistro --work sh --slots 8

Everybody runs the same tasks in turn, round after round: ``true`` is ``/bin/true``,
``sh`` a shell that prints a line and writes a file. Ours is the whole installed program
with durable statuses and logs; each row that it has to store is looked for after each
run. The C program (limit.c) drains pipes and reads and unlinks the files, as ours does;
the other tools do neither, and GNU parallel has fewer tasks.

Rates are medians (smallest-largest). Those of ours and of GNU parallel leave out the
start, which takes the other tools milliseconds; ``whole`` is with it. Processor times
are per task and in ms: of the process itself, of helpers that are Python, of the whole
tree, of the whole machine; a start is left out likewise. ``bistro watched`` has a
probe on its loop: how late a sleep of 5 ms wakes while tasks are dispatched flat out.
A run of all takes about ten minutes; Ctrl-C shows what there is so far.
Rates compare within one run only; on a machine that others use, look at the ratios.
"""

import argparse
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.contenders import (
    Contender,
    NotInstalledError,
    Sample,
    Work,
    bistro,
    bistro_watched,
    bistro_with_ballast,
    build_limit,
    c_limit,
    fresh_place,
    gnu_parallel,
    make,
    xargs,
)

LIMIT, XARGS, PARALLEL = "c", "xargs", "parallel"
OURS, HEAVY, WATCHED = "bistro", "bistro heavy", "bistro watched"

Cell = tuple[Work, int]
"""The work, and the slots."""
Samples = dict[str, list[Sample]]
"""Of one cell, by contender."""

OF_C = {2: 0.6, 8: 0.8}
OF_XARGS = {2: 1.2, 8: 1.3}
OF_PARALLEL = 6.0
OF_LIGHT = 0.9
"""The rate with ballast, of that without."""
ITSELF_MS = 0.15
LATE_P99_MS = 5.0


def median(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    """Return the median over the rounds."""
    return statistics.median(of(one) for one in samples)


def late_ms(sample: Sample, quantile: float) -> float:
    """Return how late the loop woke, in ms: ``quantile`` of the times no later."""
    late = sorted(sample.late)
    return 1000 * late[min(len(late) - 1, int(quantile * len(late)))]


class Contest:
    """All contenders and what they have done so far."""

    def __init__(self, asked: argparse.Namespace, limit: Path) -> None:
        self._asked = asked
        self._limit = limit
        self._contenders: dict[str, Contender] = {
            LIMIT: c_limit,
            XARGS: xargs,
            "make": make,
            PARALLEL: gnu_parallel,
            OURS: bistro,
            HEAVY: bistro_with_ballast(asked.ballast_gb),
            WATCHED: bistro_watched,
        }
        if asked.only:
            self._contenders = {
                name: found
                for name, found in self._contenders.items()
                if name in asked.only
            }
        if not asked.ballast_gb:
            self._contenders.pop(HEAVY, None)
        self.samples: dict[Cell, Samples] = {
            (Work(work), slots): defaultdict(list)
            for work in asked.work
            for slots in asked.slots
        }

    def round(self) -> None:
        """Run every contender once in every cell."""
        for (work, slots), samples in self.samples.items():
            for name in list(self._contenders):
                tasks = self._asked.tasks
                if name == PARALLEL:
                    tasks = self._asked.parallel_tasks
                try:
                    with fresh_place(self._limit) as place:
                        found = self._contenders[name](work, tasks, slots, place)
                except NotInstalledError as error:
                    print(f"left out: {name} ({error})", flush=True)
                    del self._contenders[name]
                else:
                    samples[name].append(found)
                    title = f"  {work.value} {slots:>2} slots  {name:<16}"
                    print(f"{title}{found.rate:>7,.0f}", flush=True)


def print_cell(cell: Cell, samples: Samples) -> None:
    """Print one line for each contender."""
    work, slots = cell
    title = f"{work.value}, {slots} slots"
    print(
        f"\n{title:<16}{'tasks/s':>22}{'of c':>6}{'whole':>7}"
        f"{'itself':>9}{'helpers':>8}{'tree':>6}{'machine':>8}"
        f"{'late: median':>14}{'p99':>7}{'max':>7}"
    )
    for name, found in samples.items():
        print(_line(name, found, samples.get(LIMIT)), flush=True)


def _line(name: str, found: list[Sample], limit: list[Sample] | None) -> str:
    rates = [one.rate for one in found]
    rate = statistics.median(rates)
    of_limit = f"{rate / _rate(limit):.2f}" if limit else ""
    spread = f"({min(rates):,.0f}-{max(rates):,.0f})"
    text = f"{name:<16}{rate:>7,.0f} {spread:<14}{of_limit:>6}"
    if name == WATCHED:
        p50 = median(found, lambda one: late_ms(one, 0.5))
        p99 = median(found, lambda one: late_ms(one, 0.99))
        longest = max(late_ms(one, 1.0) for one in found)
        return f"{text}{'':>38}{p50:>14.1f}{p99:>7.1f}{longest:>7.1f}"
    whole = median(found, lambda one: one.whole_rate)
    itself = median(found, lambda one: one.used.itself / one.tasks)
    helpers = median(found, lambda one: one.used.helpers / one.tasks)
    tree = median(found, lambda one: one.used.tree / one.tasks)
    machine = median(found, lambda one: one.used.system / one.tasks)
    return (
        f"{text}{whole:>7,.0f}{1000 * itself:>9.3f}{1000 * helpers:>8.3f}"
        f"{1000 * tree:>6.2f}{1000 * machine:>8.2f}"
    )


def _rate(samples: Sequence[Sample]) -> float:
    return median(samples, lambda one: one.rate)


def targets(cell: Cell, samples: Samples) -> list[tuple[str, float, float, bool]]:
    """Return what is wanted: its words, what was found, the bound, whether from below.

    Only where everybody whom it compares took part.
    """
    _, slots = cell
    found: list[tuple[str, float, float, bool]] = []
    if OURS in samples:
        ours = samples[OURS]
        bounds = {
            LIMIT: OF_C.get(slots),
            XARGS: OF_XARGS.get(slots),
            PARALLEL: OF_PARALLEL,
        }
        for peer, bound in bounds.items():
            if peer in samples and bound is not None:
                ratio = _rate(ours) / _rate(samples[peer])
                found.append((f"rate, of {peer}", ratio, bound, True))
        if HEAVY in samples:
            ratio = _rate(samples[HEAVY]) / _rate(ours)
            found.append(("rate with ballast, of that without", ratio, OF_LIGHT, True))
        itself = 1000 * median(ours, lambda one: one.used.itself / one.tasks)
        found.append(("scheduler, ms a task", itself, ITSELF_MS, False))
    if WATCHED in samples:
        p99 = median(samples[WATCHED], lambda one: late_ms(one, 0.99))
        found.append(("loop late, p99 ms", p99, LATE_P99_MS, False))
    return found


def print_targets(contest: Contest) -> None:
    """Print what is wanted, and whether it is so."""
    print("\ntargets")
    for cell, samples in contest.samples.items():
        for what, found, bound, is_least in targets(cell, samples):
            is_met = found >= bound if is_least else found <= bound
            print(
                f"{'ok' if is_met else 'MISSED':<7}{cell[0].value:<5}{cell[1]:>2} slots"
                f"  {what:<36}{found:>7.2f}  {'>=' if is_least else '<='} {bound:.2f}"
            )


def main() -> None:
    """Run the contest asked for."""
    parser = argparse.ArgumentParser(description="short tasks: ours and the peers")
    parser.add_argument("--tasks", type=int, default=4000)
    parser.add_argument("--parallel-tasks", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slots", type=int, nargs="+", default=[2, 4, 8])
    works = [work.value for work in Work]
    parser.add_argument("--work", nargs="+", choices=works, default=works)
    parser.add_argument("--ballast-gb", type=float, default=2.0, help="0: without")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        contest = Contest(asked, build_limit(Path(directory)))
        try:
            for number in range(asked.rounds):
                print(f"round {number + 1} of {asked.rounds}, tasks/s", flush=True)
                contest.round()
        except KeyboardInterrupt:
            print("stopped: what follows has fewer rounds")
    for cell, samples in contest.samples.items():
        print_cell(cell, samples)
    print_targets(contest)


if __name__ == "__main__":
    main()
