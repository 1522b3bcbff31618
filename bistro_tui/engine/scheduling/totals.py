"""Sums over everything: tasks by reason, and what is in use on each level."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from bistro_tui.engine.ids import WORKER_LEVEL, JobName, LevelName, ResourceName
from bistro_tui.engine.scheduling.places import TOP
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.standings import counts_of, removed_jobs
from bistro_tui.engine.scheduling.state import State

Usages: TypeAlias = tuple[tuple[ResourceName, int, int], ...]
"""(resource, used, limit) each."""


def each_count(state: State) -> Iterator[tuple[JobName, Mapping[Reason, int]]]:
    """Yield the tasks of each job by reason, removed ones that still run included.

    Jobs may come and go meanwhile.
    """
    for job in (*state.jobs, *removed_jobs(state)):
        yield job, counts_of(state, job)


def sum_of(counts: Mapping[JobName, Mapping[Reason, int]]) -> dict[Reason, int]:
    """Return the tasks of all jobs by reason, zeros included."""
    total: Counter[Reason] = Counter()
    for one in counts.values():
        total.update(one)
    return {reason: total[reason] for reason in Reason}


def usage_by_level(state: State) -> dict[LevelName, Usages]:
    """Return what is in use on each level with resources, summed over its nodes.

    Nodes of one name have one account and count once. Costs what runs, not what is
    there.
    """
    accounts = state.accounts
    return {
        level: state.usage(TOP)
        if level == WORKER_LEVEL
        else accounts.sums(level, len(state.places.slots(level)))
        for level in accounts.all_levels
    }
