"""What is true of a core after every event."""

from collections import Counter

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.candidates import TOP
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.places import LOCAL_WORKER
from bistro_tui.engine.scheduling.reasons import Reason


def check_invariants(core: Core, now: Now) -> None:
    """Fail if anything that is kept up to date differs from what it is counted from."""
    _check_accounts(core)
    for tasks in core.state.jobs.values():
        _check_job(core, tasks)
        _check_parking(core, tasks)
        if core.closed is None:
            assert tasks.candidates.best() is None, f"{tasks.job.name} was left out"
    _check_queries(core, now)


def _check_accounts(core: Core) -> None:
    held: dict[tuple[object, object], int] = {}
    for attempt in core.running():
        if not attempt.ended:
            for place, amounts in attempt.charges.items():
                for resource, amount in amounts.items():
                    held[place, resource] = held.get((place, resource), 0) + amount
    used = {
        (place, resource): amount
        for place, amounts in core.state.accounts.in_use().items()
        for resource, amount in amounts.items()
    }
    assert used == {key: amount for key, amount in held.items() if amount}


def _check_job(core: Core, tasks: JobTasks) -> None:
    state = core.state
    fresh = {node: state._judge(tasks, node) for node in tasks.nodes}
    assert tasks.standing == fresh
    assert tasks.counts == Counter(fresh.values())
    usable = tasks.eligible.usable
    owed = Counter(r for node, r in fresh.items() if node in usable)
    assert tasks.owed == (owed if tasks.job.can_run else {})
    leaves = {
        leaf
        for node, reason in fresh.items()
        if reason is Reason.RUNNABLE
        for leaf in usable[node]
    }
    assert len(tasks.candidates) == len(leaves)
    assert all(leaf in tasks.candidates for leaf in leaves)


def _check_parking(core: Core, tasks: JobTasks) -> None:
    state = core.state
    for node in tasks.candidates.parked:
        place = LOCAL_WORKER if node == TOP else state.places.at[node]
        assert tasks.job.name in state.parking.jobs_at(place)
        assert state.accounts.shortage(place, tasks.job.resources) is not None


def _check_queries(core: Core, now: Now) -> None:
    for name in core.state.jobs:
        reasons: Counter[Reason] = Counter()
        for task, reason in core.tasks_of(name):
            assert core.knows(task)
            assert core.reason(task) is reason
            explained = core.explain(task, now)
            assert explained.reason is reason
            assert bool(explained.would_run_if) is (
                reason not in (Reason.RUNNING, Reason.DONE)
            )
            reasons[reason] += 1
        assert core.counts(name) == reasons
        summary = core.why_job(name)
        waiting = sum(blocker.tasks for blocker in summary.blockers)
        shared = reasons[Reason.RESOURCE] + reasons[Reason.WORKER]
        assert waiting == shared + reasons[Reason.DEPENDENCY]
    tasks = [attempt.task for attempt in core.running()]
    assert len(set(tasks)) == len(tasks)
    assert all(core.reason(TaskId(*task)) is Reason.RUNNING for task in tasks)
