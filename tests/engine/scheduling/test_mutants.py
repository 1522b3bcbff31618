"""Tests of the laws: each of these faults in the core must break one of them."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bistro_tui.engine.config.model import Config, NodeOrder, PolicyName
from bistro_tui.engine.ids import InvocationId, LevelName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.physical.host import UNKNOWN_HOST, HostResources
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling import recovering
from bistro_tui.engine.scheduling.accounts import Accounts, Used, add
from bistro_tui.engine.scheduling.actions import Action
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.demand import Demand
from bistro_tui.engine.scheduling.gate import Gate
from bistro_tui.engine.scheduling.job_tasks import CODE, RUNNABLE, JobTasks
from bistro_tui.engine.scheduling.judging import Judge
from bistro_tui.engine.scheduling.leftovers import Leftovers
from bistro_tui.engine.scheduling.placement import Placement
from bistro_tui.engine.scheduling.policies.ranked_priority import RankedPriority
from bistro_tui.engine.scheduling.ready import OrderedReady
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.status_book import StatusBook
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import limits, make_config, make_job
from tests.engine.scheduling.test_core_laws import Life, check_against_a_pass

Patch = Callable[[pytest.MonkeyPatch], None]
WORLDS = 400
RANKED = make_config(
    *(make_job(name, priority=rank) for name, rank in (("j0", 2), ("j1", 1))),
    resources=limits(instance={"total": 4}, host={"per_host": 2}, db={"per_db": 1}),
    order=NodeOrder.LEXICOGRAPHIC,
    policy=PolicyName.RANKED_PRIORITY,
)


def skip_the_ancestors(patch: pytest.MonkeyPatch) -> None:
    """Only the task's own node and the worker are asked for room."""
    whole = Placement._full

    def mutant(self: Placement, demand: Demand, leaf: int) -> int:
        step = whole(self, demand, leaf)
        is_own = step == 0 and not demand.first_up
        return step if is_own or step == len(demand.rooms) else -1

    patch.setattr(Placement, "_full", mutant)


def forget_the_worker(patch: pytest.MonkeyPatch) -> None:
    """The worker's resources are never asked for."""
    whole = Placement._full

    def mutant(self: Placement, demand: Demand, leaf: int) -> int:
        step = whole(self, demand, leaf)
        return -1 if step == len(demand.rooms) else step

    patch.setattr(Placement, "_full", mutant)


def wake_no_one(patch: pytest.MonkeyPatch) -> None:
    """What is given back is offered to nobody."""
    whole = State.give_back

    def mutant(self: State, attempt: Attempt) -> None:
        gained = dict(self.gained)
        whole(self, attempt)
        self.gained.clear()
        self.gained.update(gained)

    patch.setattr(State, "give_back", mutant)


def drop_the_baton(patch: pytest.MonkeyPatch) -> None:
    """Who is offered room and cannot use it passes it on to nobody."""

    def fill(self: Placement, node: int) -> None:
        jobs = self._fitting(node)
        if jobs is not None:
            self._try(self._next(jobs), node)

    patch.setattr(Placement, "_fill", fill)


def drop_the_baton_among_many(patch: pytest.MonkeyPatch) -> None:
    """The same where more than one node has room."""

    def run(self: Placement, nodes: list[int]) -> None:
        for node in nodes:
            jobs = self._fitting(node)
            if jobs is not None:
                self._try(self._next(jobs), node)

    patch.setattr(Placement, "_share", run)


def start_replicas_twice(patch: pytest.MonkeyPatch) -> None:
    """A start leaves the other nodes of its name among the candidates."""
    whole = State.stand

    def mutant(self: State, tasks: JobTasks, slot: int, code: int) -> None:
        if tasks.standing[slot] == RUNNABLE and code == CODE[Reason.RUNNING]:
            tasks.restand(slot, code)
        else:
            whole(self, tasks, slot, code)

    patch.setattr(State, "stand", mutant)


def give_back_by_the_present_config(patch: pytest.MonkeyPatch) -> None:
    """What is given back is what the job needs now, not what the attempt took."""
    whole = State.give_back

    def mutant(self: State, attempt: Attempt) -> None:
        tasks = self.jobs.get(attempt.task.job)
        if tasks is not None and attempt.held is None:
            attempt.demand = tasks.demand
        whole(self, attempt)

    patch.setattr(State, "give_back", mutant)


def give_replicas_accounts_of_their_own(patch: pytest.MonkeyPatch) -> None:
    """Nodes of one name do not share an account."""
    whole = State.set_tree

    def mutant(self: State, tree: Any) -> bool:
        changed = whole(self, tree)
        self.places.account_at = None
        return changed

    patch.setattr(State, "set_tree", mutant)


def fit_overdrawn_accounts(patch: pytest.MonkeyPatch) -> None:
    """A need of 0 fits whatever is left."""
    whole = Accounts._checks

    def mutant(
        self: Accounts, level: LevelName, needs: tuple[int, ...]
    ) -> tuple[tuple[Used, int], ...]:
        checks = zip(whole(self, level, needs), needs, strict=True)
        return tuple(
            (used, most if need else sys.maxsize) for (used, most), need in checks
        )

    patch.setattr(Accounts, "_checks", mutant)


def forget_new_limits(patch: pytest.MonkeyPatch) -> None:
    """A limit that grows wakes nobody."""
    whole = State.set_config

    def mutant(self: State, config: Config) -> bool:
        gained = dict(self.gained)
        known = self.config
        changed = whole(self, config)
        if known is not None and not changed:
            self.gained.clear()
            self.gained.update(gained)
        return changed

    patch.setattr(State, "set_config", mutant)


def end_backoffs_early(patch: pytest.MonkeyPatch) -> None:
    """A task in backoff is a candidate."""
    patch.setattr(StatusBook, "is_waiting", lambda self, task: False)


def never_end_backoffs(patch: pytest.MonkeyPatch) -> None:
    """A backoff that is over is not looked at again."""
    patch.setattr(StatusBook, "pop_due", lambda self, now: [])


def ignore_dependencies(patch: pytest.MonkeyPatch) -> None:
    """Whatever a job depends on is taken for done."""
    patch.setattr(Judge, "is_dependency_met", lambda self, job, node: True)


def forget_dependents(patch: pytest.MonkeyPatch) -> None:
    """Nobody who waits for a task hears that it is done."""
    patch.setattr(State, "rejudge_dependents", lambda self, task: None)


def start_before_the_status_is_stored(patch: pytest.MonkeyPatch) -> None:
    """A task that ended may start again while its status is still on its way."""
    whole = Core._task_ended

    def mutant(self: Core, event: ev.TaskEnded, now: Now) -> None:
        whole(self, event, now)
        self.state.attempts.remove(event.task)
        self.state.rejudge(event.task)

    patch.setattr(Core, "_task_ended", mutant)


def start_what_is_done(patch: pytest.MonkeyPatch) -> None:
    """A task that is done is a candidate."""
    whole = Judge.one

    def mutant(self: Judge, tasks: JobTasks, slot: int) -> int:
        code = whole(self, tasks, slot)
        is_done = code == CODE[Reason.DONE]
        return RUNNABLE if is_done and tasks.job.can_run else code

    patch.setattr(Judge, "one", mutant)


def start_while_paused(patch: pytest.MonkeyPatch) -> None:
    """A pause holds nobody back."""

    def mutant(self: Core, events: list[ev.Event], now: Now) -> object:
        self.state.gate.pauses.clear()
        return whole(self, events, now)

    whole = Core.handle
    patch.setattr(Core, "handle", mutant)


def lose_what_is_shown(patch: pytest.MonkeyPatch) -> None:
    """What a full node hid does not come in sight again."""

    def mutant(self: OrderedReady, node: int) -> bool:
        del self.hidden[node]
        return False

    patch.setattr(OrderedReady, "show", mutant)


def forget_what_was_forgiven(patch: pytest.MonkeyPatch) -> None:
    """A forgiven task is not looked at again."""
    whole = StatusBook.stored

    def mutant(
        self: StatusBook, task: TaskId, serial: int, now: Now
    ) -> TaskStatus | None:
        before = self.get(task)
        status = whole(self, task, serial, now)
        was_failed = before is not None and before.is_failed
        return None if was_failed else status

    patch.setattr(StatusBook, "stored", mutant)


def take_what_runs_for_gone(patch: pytest.MonkeyPatch) -> None:
    """A rebuilt job does not know what it runs."""
    whole = Judge.all_of

    def mutant(self: Judge, tasks: JobTasks, running: object) -> bytearray:
        attempts, self._attempts = self._attempts, {}  # type: ignore[assignment]  # any empty one
        try:
            return whole(self, tasks, ())
        finally:
            self._attempts = attempts

    patch.setattr(Judge, "all_of", mutant)


def ignore_the_limit(patch: pytest.MonkeyPatch) -> None:
    """However many run, more may."""
    patch.setattr(Gate, "full", lambda self, running: None)


def overshoot_the_limit(patch: pytest.MonkeyPatch) -> None:
    """The limit is asked for once, and then as much starts as there is room for."""
    whole = Placement.run

    def mutant(self: Placement, now: Now, starts: list[Action], steps: int) -> None:
        gate = self._state.gate
        limit, gate.limit = gate.limit, None
        whole(self, now, starts, steps)
        gate.limit = limit

    patch.setattr(Placement, "run", mutant)


def tell_no_one_of_the_host(patch: pytest.MonkeyPatch) -> None:
    """What the host has counts only from the next config on."""

    def mutant(self: State, host: HostResources) -> None:
        self.host = host

    patch.setattr(State, "set_host", mutant)


def forget_the_host(patch: pytest.MonkeyPatch) -> None:
    """A new config does not know the host that was reported before."""
    whole = State.set_config

    def mutant(self: State, config: Config) -> bool:
        self.host = UNKNOWN_HOST
        return whole(self, config)

    patch.setattr(State, "set_config", mutant)


def keep_what_did_not_start(patch: pytest.MonkeyPatch) -> None:
    """What an attempt took that could not be started is never given back."""
    whole = Core._not_started

    def mutant(self: Core, task: TaskId, invocation: InvocationId) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(State, "give_back", lambda self, attempt: None)
            whole(self, task, invocation)

    patch.setattr(Core, "_not_started", mutant)


def lose_what_did_not_start(patch: pytest.MonkeyPatch) -> None:
    """A task that could not be started is taken for running."""
    whole = Core._not_started

    def mutant(self: Core, task: TaskId, invocation: InvocationId) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(State, "rejudge", lambda self, task: None)
            whole(self, task, invocation)

    patch.setattr(Core, "_not_started", mutant)


def start_beside_an_old_copy(patch: pytest.MonkeyPatch) -> None:
    """A task of which an old copy may live starts all the same."""
    patch.setattr(Leftovers, "__contains__", lambda self, task: False)


def give_away_what_old_copies_take(patch: pytest.MonkeyPatch) -> None:
    """What an old copy takes is not kept for it."""
    patch.setattr(State, "held_at", lambda self, places, needs: ())


def forget_old_copies_in_another_tree(patch: pytest.MonkeyPatch) -> None:
    """What old copies take is lost once the nodes or the resources are others."""
    whole = State.hold_anew

    def mutant(self: State) -> None:
        whole(self)
        for leftover in self.leftovers:
            for used, account, amount in leftover.held:
                add(used, account, -amount)
            leftover.held = ()

    patch.setattr(State, "hold_anew", mutant)


def offer_nobody_what_old_copies_took(patch: pytest.MonkeyPatch) -> None:
    """Nobody hears of the room that an old copy had."""
    whole = recovering._give_back

    def mutant(state: State, task: TaskId, invocation: InvocationId) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(State, "gain", lambda self, account: None)
            whole(state, task, invocation)

    patch.setattr(recovering, "_give_back", mutant)


def take_one_of_two_old_copies_for_all(patch: pytest.MonkeyPatch) -> None:
    """When one old copy of a task is dead, another is taken for dead too."""
    whole = recovering._give_back

    def mutant(state: State, task: TaskId, invocation: InvocationId) -> None:
        leftover = state.leftovers.get(task)
        if leftover is not None and invocation in leftover.attempts:
            one = leftover.attempts[invocation]
            leftover.attempts.clear()
            leftover.attempts[invocation] = one
        whole(state, task, invocation)

    patch.setattr(recovering, "_give_back", mutant)


ALIVE: Mapping[str, Patch] = {
    mutant.__name__: mutant
    for mutant in (
        skip_the_ancestors,
        forget_the_worker,
        wake_no_one,
        drop_the_baton,
        drop_the_baton_among_many,
        start_replicas_twice,
        give_back_by_the_present_config,
        give_replicas_accounts_of_their_own,
        fit_overdrawn_accounts,
        forget_new_limits,
        end_backoffs_early,
        never_end_backoffs,
        ignore_dependencies,
        forget_dependents,
        start_before_the_status_is_stored,
        start_what_is_done,
        start_while_paused,
        lose_what_is_shown,
        forget_what_was_forgiven,
        take_what_runs_for_gone,
        ignore_the_limit,
        overshoot_the_limit,
        tell_no_one_of_the_host,
        forget_the_host,
        keep_what_did_not_start,
        lose_what_did_not_start,
        start_beside_an_old_copy,
        give_away_what_old_copies_take,
        forget_old_copies_in_another_tree,
        offer_nobody_what_old_copies_took,
        take_one_of_two_old_copies_for_all,
    )
}


@pytest.mark.parametrize("name", ALIVE)
def test_a_core_with_this_fault_breaks_a_law(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ALIVE[name](monkeypatch)
    with pytest.raises(AssertionError):
        live_in(WORLDS)


def live_in(worlds: int) -> None:
    for seed in range(worlds):
        Life(seed, lowest_need=0).live()


def use_nodes_from_the_wrong_end(patch: pytest.MonkeyPatch) -> None:
    """The lowest rank is used first."""

    def mutant(self: OrderedReady, top: int, layers: int) -> int | None:
        self._made(top).reverse()
        return whole(self, top, layers)

    whole = OrderedReady.best
    patch.setattr(OrderedReady, "best", mutant)


def prefer_low_priorities(patch: pytest.MonkeyPatch) -> None:
    """The lowest priority takes everything."""
    patch.setattr(
        RankedPriority,
        "choose",
        lambda self, waiting: min(waiting, key=lambda job: job.priority),
    )


ORDER: Mapping[str, Patch] = {
    mutant.__name__: mutant
    for mutant in (use_nodes_from_the_wrong_end, prefer_low_priorities)
}


@pytest.mark.parametrize("name", ORDER)
def test_a_core_with_this_fault_uses_another_order_than_a_pass(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ORDER[name](monkeypatch)
    with pytest.raises(AssertionError):
        pass_in(WORLDS)


def pass_in(worlds: int) -> None:
    for seed in range(worlds):
        check_against_a_pass(RANKED, seed)


def test_the_laws_hold_for_the_core_as_it_is() -> None:
    live_in(60)
    pass_in(60)
