"""Tests of the laws of workers: each of these faults must break one of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest

from bistro_tui.engine.config.model import Settings
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.physical.limits import worker_limits
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling import remote_news
from bistro_tui.engine.scheduling.demand import Demand
from bistro_tui.engine.scheduling.events import WorkerFacts
from bistro_tui.engine.scheduling.placement import Placement
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.worker import Worker
from bistro_tui.engine.scheduling.worker_rooms import WorkerRoom
from bistro_tui.engine.scheduling.workers import Workers
from tests.engine.scheduling.test_worker_laws import check_against_a_pass
from tests.engine.scheduling.worker_worlds import WorkerLife

Patch = Callable[[pytest.MonkeyPatch], None]
WORLDS = 250
BROKEN = (AssertionError, IndexError)
LOCAL = NodeName("local")


def reported_as(
    patch: pytest.MonkeyPatch, changed: Callable[[WorkerFacts], WorkerFacts]
) -> None:
    whole = Workers.report

    def mutant(self: Workers, facts: Iterable[WorkerFacts], *, may_grow: bool) -> None:
        whole(self, [changed(one) for one in facts], may_grow=may_grow)

    patch.setattr(Workers, "report", mutant)


def use_the_unhealthy(patch: pytest.MonkeyPatch) -> None:
    """Whoever is connected is taken for healthy."""
    reported_as(patch, lambda one: one._replace(is_healthy=True))


def forget_the_slots(patch: pytest.MonkeyPatch) -> None:
    """A worker takes any number of tasks at once."""
    reported_as(patch, lambda one: one._replace(slots=None))


def forget_the_port(patch: pytest.MonkeyPatch) -> None:
    """An override for a port of a host is never found."""
    reported_as(patch, lambda one: one._replace(port=0))


def ignore_the_filter(patch: pytest.MonkeyPatch) -> None:
    """A job's filter for workers does not count."""
    patch.setattr(
        WorkerRoom,
        "_is_accepted",
        lambda self, host: not self.host or self.host == host,
    )


def ask_for_tags(patch: pytest.MonkeyPatch) -> None:
    """A filter for tags refuses every worker."""

    def mutant(self: WorkerRoom, host: str) -> bool:
        if self.host and self.host != host:
            return False
        return self.filter is None or self.filter.accepts(
            job=self.job, node=host, tags=frozenset()
        )

    patch.setattr(WorkerRoom, "_is_accepted", mutant)


def ignore_the_required_host(patch: pytest.MonkeyPatch) -> None:
    """Any host will do for a job that names one."""

    def mutant(self: WorkerRoom, host: str) -> bool:
        return self.filter is None or self.filter.accepts(
            job=self.job, node=host, tags=self.filter.tag_whitelist
        )

    patch.setattr(WorkerRoom, "_is_accepted", mutant)


def ignore_the_host_of_the_node(patch: pytest.MonkeyPatch) -> None:
    """Any host will do for a node that says which one."""
    patch.setattr(
        WorkerRoom,
        "mask",
        lambda self, node: self.fit.mask & self.accepted & self._table.ready,
    )


def hold_back_the_whole_job(patch: pytest.MonkeyPatch) -> None:
    """A job whose first node has no worker waits, though its others have some."""
    whole = Placement._full

    def mutant(self: Placement, demand: Demand, leaf: int) -> int:
        step = whole(self, demand, leaf)
        is_worker = step >= 0 and self._lacking is demand.worker_room
        return len(demand.rooms) if is_worker else step

    patch.setattr(Placement, "_full", mutant)


def wake_no_one(patch: pytest.MonkeyPatch) -> None:
    """Nobody who waits for a worker hears that one has room."""
    patch.setattr(Workers, "_wake", lambda self, worker: None)


def wake_no_one_at_hosts(patch: pytest.MonkeyPatch) -> None:
    """Only those hear of it who may use any host."""
    whole = Workers._wake

    def mutant(self: Workers, worker: Worker) -> None:
        levels, self.levels = self.levels, frozenset()
        whole(self, worker)
        self.levels = levels

    patch.setattr(Workers, "_wake", mutant)


def begin_at_the_first(patch: pytest.MonkeyPatch) -> None:
    """The first worker that has room takes every task."""
    whole = Workers.choose

    def mutant(self: Workers, room: WorkerRoom, node: int) -> Worker:
        self.next = 0
        return whole(self, room, node)

    patch.setattr(Workers, "choose", mutant)


def forget_whose_turn_it_is(patch: pytest.MonkeyPatch) -> None:
    """After each report the turns begin anew."""
    patch.setattr(Workers, "_next_after", lambda self, old: 0)


def keep_the_number_of_the_turn(patch: pytest.MonkeyPatch) -> None:
    """Whose turn it is goes by the place, though others are in it now."""

    def mutant(self: Workers, old: Sequence[Worker]) -> int:
        return min(self.next, len(self.by_shard))

    patch.setattr(Workers, "_next_after", mutant)


def use_the_idlest(patch: pytest.MonkeyPatch) -> None:
    """The worker with the most left takes the task."""
    whole = Workers._score
    patch.setattr(Workers, "_score", lambda self, worker: -whole(self, worker))


def forget_the_weights(patch: pytest.MonkeyPatch) -> None:
    """All resources count the same."""
    patch.setattr(Workers, "_score", lambda self, worker: sum(self.left(worker)))


def take_all_from_this_host(patch: pytest.MonkeyPatch) -> None:
    """Whoever runs a task, it is booked on the worker of this host."""
    patch.setattr(Workers, "account", lambda self, shard: -1)


def count_nothing_that_ends(patch: pytest.MonkeyPatch) -> None:
    """A slot is never given back."""
    whole = Workers.move

    def mutant(self: Workers, shard: NodeName, number: int) -> None:
        if number > 0:
            whole(self, shard, number)

    patch.setattr(Workers, "move", mutant)


def forget_who_is_gone(patch: pytest.MonkeyPatch) -> None:
    """What runs on a worker that is gone holds nothing of it any more."""
    whole = State.set_workers

    def mutant(self: State, event: ev.WorkersReported) -> bool:
        is_first = whole(self, event)
        for attempt in self.attempts:
            if attempt.worker not in self.workers.by_shard and not attempt.ended:
                self.workers._running.pop(self.workers.account(attempt.worker), None)
        return is_first

    patch.setattr(State, "set_workers", mutant)


def adopt_for_nothing(patch: pytest.MonkeyPatch) -> None:
    """What is found running takes nothing."""
    whole = remote_news._begin

    def mutant(state: State, one: ev.AdoptedAttempt, now: Any) -> None:
        whole(state, one._replace(needs={}), now)

    patch.setattr(remote_news, "_begin", mutant)


def let_the_found_win(patch: pytest.MonkeyPatch) -> None:
    """What is found running takes the place of what runs already."""
    whole = remote_news._adopt

    def mutant(state: State, found: Sequence[ev.AdoptedAttempt], now: Any) -> None:
        for one in found:
            known = state.attempts.get(one.task)
            if known is not None and not known.ended:
                state.give_back(known)
                state.attempts.live -= 1
                state.attempts.remove(one.task)
        whole(state, found, now)

    patch.setattr(remote_news, "_adopt", mutant)


def limit_every_worker_like_this_host(patch: pytest.MonkeyPatch) -> None:
    """What holds for this host holds for all of them."""
    patch.setattr(
        "bistro_tui.engine.scheduling.workers.worker_limits",
        lambda settings, host, shard, port=0: worker_limits(settings, host, LOCAL),
    )


def forget_new_limits(patch: pytest.MonkeyPatch) -> None:
    """Another config leaves the limits of the workers as they are."""
    whole_settings = Workers.set_settings

    def mutant(self: Workers, settings: Settings, host: Any) -> None:
        if not self.all or list(settings.resources) != list(self._settings.resources):
            whole_settings(self, settings, host)

    patch.setattr(Workers, "set_settings", mutant)


LIVES: Mapping[str, Patch] = {
    mutant.__name__: mutant
    for mutant in (
        use_the_unhealthy,
        forget_the_slots,
        forget_the_port,
        ignore_the_filter,
        ask_for_tags,
        ignore_the_required_host,
        ignore_the_host_of_the_node,
        hold_back_the_whole_job,
        wake_no_one,
        wake_no_one_at_hosts,
        begin_at_the_first,
        forget_whose_turn_it_is,
        keep_the_number_of_the_turn,
        use_the_idlest,
        take_all_from_this_host,
        count_nothing_that_ends,
        forget_who_is_gone,
        adopt_for_nothing,
        let_the_found_win,
        limit_every_worker_like_this_host,
        forget_new_limits,
    )
}
CHOICES: Mapping[str, Patch] = {
    mutant.__name__: mutant
    for mutant in (begin_at_the_first, use_the_idlest, forget_the_weights)
}


@pytest.mark.parametrize("name", LIVES)
def test_a_core_with_this_fault_breaks_a_law_of_workers(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    LIVES[name](monkeypatch)
    with pytest.raises(BROKEN):
        live_in(WORLDS)


def live_in(worlds: int) -> None:
    for seed in range(worlds):
        WorkerLife(seed).live()


@pytest.mark.parametrize("name", CHOICES)
def test_a_core_with_this_fault_chooses_another_worker_than_a_pass(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    CHOICES[name](monkeypatch)
    with pytest.raises(BROKEN):
        pass_in(WORLDS)


def pass_in(worlds: int) -> None:
    for seed in range(worlds):
        check_against_a_pass(seed)
