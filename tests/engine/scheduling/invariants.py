"""What is true of a core after every event."""

import math
from collections import Counter
from typing import Any

from bistro_tui.engine.ids import WORKER_LEVEL, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.job_tasks import CODE, JobTasks
from bistro_tui.engine.scheduling.places import TOP
from bistro_tui.engine.scheduling.reasons import Reason

_OVER = (Reason.DONE, Reason.RUNNING)


def check_invariants(core: Core, now: Now) -> None:
    """Fail if anything that is kept up to date differs from what it is counted from."""
    _check_accounts(core)
    _check_attempts(core)
    _check_workers(core)
    for tasks in core.state.jobs.values():
        _check_job(core, tasks)
        _check_ready(core, tasks)
    _check_waiting(core)
    _check_queries(core, now)


def _check_accounts(core: Core) -> None:
    state = core.state
    held: Counter[tuple[str, int]] = Counter()
    for attempt in core.running():
        if attempt.ended:
            continue
        path = core.tree.path(attempt.leaf)
        places = attempt.places or [state.places.at(node) for node in path]
        found = [(place.level, state.places.nodes_of(place)) for place in places]
        for level, nodes in found:
            for resource, _, _ in state.usage(nodes[0]) if nodes else ():
                held[resource, nodes[0]] += attempt.amount(level, resource)
        account = state.workers.account(attempt.worker)
        for resource, _, _ in state.usage(TOP):
            held[resource, account] += attempt.amount(WORKER_LEVEL, resource)
    for leftover in core.recovering():
        assert leftover.attempts, "it would never be given back"
        assert leftover.task not in state.attempts, "two copies of one task"
        found = [(at.level, state.places.nodes_of(at)) for at in leftover.places]
        for level, nodes in (*found, (WORKER_LEVEL, (TOP,))):
            for resource, _, _ in state.usage(nodes[0]) if nodes else ():
                amount = leftover.needs.get(level, {}).get(resource, 0)
                held[resource, nodes[0]] += amount
    used_now = {
        (resource, account): amount
        for resource, accounts in state.accounts.in_use().items()
        for account, amount in accounts.items()
    }
    assert used_now == {key: amount for key, amount in held.items() if amount}


def _check_workers(core: Core) -> None:
    """Fail if what is known of each worker is not what a look at everything gives."""
    workers, settings = core.state.workers, core.state.config
    if not workers.is_reported or settings is None:
        return
    running = Counter(one.worker for one in core.running() if not one.ended)
    assert {s: n for s in workers._account_of if (n := workers.running(s))} == running
    for worker in workers.all:
        is_free = worker.slots is None or running[worker.shard] < worker.slots
        is_ready = is_free and worker.facts.is_healthy
        assert bool(workers.ready & worker.bit) is is_ready
        assert workers.by_shard[worker.shard] is worker
        for fit in workers._fits.values():
            left = workers.left(worker)
            fits = all(n <= has for n, has in zip(fit.needs, left, strict=True))
            assert bool(fit.mask & worker.bit) is fits
    order = sorted((worker.score, worker.position) for worker in workers.all)
    assert workers._order in ([], order)
    if workers._order:
        assert all(workers._score(one) == one.score for one in workers.all)


def _check_attempts(core: Core) -> None:
    live = [attempt for attempt in core.running() if not attempt.ended]
    assert core.state.attempts.live == len(live)
    due, is_open = core.next_due(), core.state.closed() is None
    assert is_open or due != -math.inf, "it would be asked again and again"


def _check_job(core: Core, tasks: JobTasks) -> None:
    fresh = [core.state._judge.one(tasks, slot) for slot in range(len(tasks.slots))]
    assert list(tasks.standing) == fresh
    assert tasks.counts == [fresh.count(code) for code in range(len(Reason))]
    usable = [c for slot, c in enumerate(fresh) if slot not in tasks.eligible.barred]
    for reason in Reason:
        owed = usable.count(CODE[reason]) if tasks.job.can_run else 0
        assert tasks.owed(reason) == owed


def _check_ready(core: Core, tasks: JobTasks) -> None:
    """Every candidate waits at exactly one node, and would be found from there."""
    ready: Any = tasks.ready
    up = tasks.layout.up
    candidates = {
        leaf
        for slot, code in enumerate(tasks.standing)
        if code == CODE[Reason.RUNNABLE]
        for leaf in tasks.usable(slot)
    }
    found: dict[int, list[int]] = {}
    for leaf in candidates:
        node = leaf
        while node not in ready.hidden:
            assert node != TOP, f"{tasks.name} was left out"
            node = up[node]
        if node != leaf:
            found.setdefault(node, []).append(leaf)
    for node in ready.hidden:
        if node not in candidates:
            lists = ready._lists
            assert node == TOP or node in lists, "a leaf waits that is no candidate"
            seen = _seen(tasks, node)
            assert sorted(seen) == sorted(found.get(node, ())), tasks.name


def _seen(tasks: JobTasks, top: int) -> list[int]:
    """Return the candidates that the lists from ``top`` downwards lead to."""
    ready: Any = tasks.ready
    layout, lists = tasks.layout, ready._lists
    below = lists.get(top, layout.below(top))
    depth, node = 0, top
    while node != TOP:
        depth, node = depth + 1, layout.up[node]
    if depth == layout.depth:
        leaves = [layout.leaf(one) for one in below]
        if not layout.is_random:
            assert list(below) == sorted(set(below))
        present = ready._present
        return [leaf for leaf in leaves if present[layout.local[leaf]] == 1]
    found = []
    for one in below:
        child = one if layout.is_random else layout.leaf(one)
        while layout.up[child] != top:
            child = layout.up[child]
        assert child not in tasks.ready.hidden
        if not layout.is_random:
            shown = lists.get(child, layout.below(child))
            assert shown[-1] == one, "a node stands under another rank than its best"
        found += _seen(tasks, child)
    return found


def _check_waiting(core: Core) -> None:
    state = core.state
    hidden = {
        (node if node != TOP else room.key, room, tasks)
        for tasks in state.jobs.values()
        for node, room in tasks.ready.hidden.items()
    }
    waiting = set(state.waiting.entries())
    assert waiting == hidden
    if state.closed() is None:
        for node, room, tasks in waiting:
            account = node if node < 0 else state.places.account(node)
            assert not room.fits(account), f"{tasks.name} was left out at {node}"


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
        waits = [task for task, reason in core.tasks_of(name) if reason not in _OVER]
        runs = [t for t, reason in core.tasks_of(name) if reason is Reason.RUNNING]
        assert core.open_tasks(name, 10_000) == waits + runs
        assert core.open_tasks(name, 1) == (waits + runs)[:1]
        summary = core.why_job(name)
        waiting = sum(blocker.tasks for blocker in summary.blockers)
        shared = reasons[Reason.RESOURCE] + reasons[Reason.WORKER]
        assert waiting == shared + reasons[Reason.DEPENDENCY]
    tasks = [attempt.task for attempt in core.running()]
    assert len(set(tasks)) == len(tasks)
    assert all(core.reason(TaskId(*task)) is Reason.RUNNING for task in tasks)
    for leftover in core.recovering():
        assert core.knows(leftover.task)
        assert core.reason(leftover.task) not in (Reason.RUNNING, Reason.RUNNABLE)
        assert core.progress().can_progress
