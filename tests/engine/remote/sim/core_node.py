"""A simulated scheduler with the real core: limits, retries, forgiving, edits.

What stands between core and pool does here what ``Dispatcher`` and ``RemoteRunner`` do.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from bistro_tui.engine.dispatch.settling import Settling
from bistro_tui.engine.dispatch.worker_reports import INITIAL_WAIT
from bistro_tui.engine.ids import NodeName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.remote import messages, pool_actions
from bistro_tui.engine.remote.link import Peer
from bistro_tui.engine.remote.messages import RunningTask
from bistro_tui.engine.runners.protocol import AttemptEnded, LateStatus, RunnerReport
from bistro_tui.engine.runners.remote_orders import Orders, adopted
from bistro_tui.engine.runners.remote_statuses import RemoteStatuses
from bistro_tui.engine.runners.remote_voice import RemoteVoice
from bistro_tui.engine.runners.stored_attempts import StoredAttempts
from bistro_tui.engine.runners.worker_facts import all_facts
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import StartTask, StoreStatus
from tests.engine.remote.sim.limits import EDITS, config_of, tree_of
from tests.engine.remote.sim.network import Answer
from tests.engine.remote.sim.scheduler_node import SchedulerNode

_WALL = 1e9


class _Quiet:
    """Says nothing of what workers cause."""

    def warn(self, shard: str, text: str) -> bool:
        return False


class CoreNode(SchedulerNode):
    """One run of it; statuses are on disk in batches, a little later."""

    has_limits = True

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.tasks = list(self.entries)
        self.law, self.disk = self.truth.limits, self.truth.statuses
        if not self.law.edits:
            self.law.edited(EDITS[0])
        self.core = self._core(random.Random(self.events.rng.getrandbits(64)))
        self.orders = Orders(
            config_dir=Path("/jobs"),
            suicide_kill_wait_ms=self.times.suicide_task_kill_wait_ms,
            keeper=self.disk,
        )
        self.statuses = RemoteStatuses(
            self.pool,
            clock=self,
            tell=self._heard,
            over=lambda _: None,
            voice=cast("RemoteVoice", _Quiet()),
        )
        self.settling = Settling(self.statuses.settled)
        self.stored_attempts = StoredAttempts(self.disk, self.core.status)
        self._shards: dict[TaskId, str] = {}
        self._happened: list[ev.Event] = []
        self._is_feeding = self._is_storing = False
        self._unstored: list[StoreStatus] = []
        self._feed(
            ev.StartsPaused(INITIAL_WAIT, self.pool.wait_text or "at first"),
            ev.WorkersReported((), may_grow=True),
            ev.StatusesLoaded(self.disk.known()),
            ev.NodesLoaded(tree_of(self.tasks)),
            ev.ConfigLoaded(config_of(self.law.edits[-1])),
        )

    def now(self) -> Now:
        elapsed = self.process.clock()
        return Now(_WALL + elapsed, elapsed, elapsed)

    def add_task(self, task: TaskId) -> None:
        super().add_task(task)
        self.tasks.append(task)
        self._feed(ev.NodesLoaded(tree_of(self.tasks)))

    def shard_of(self, task: TaskId) -> str:
        return self._shards.get(task, "")

    def explain(self, task: TaskId) -> str:
        return str(self.core.explain(task, self.now()))

    # What a person does.

    def edits(self) -> dict[str, Callable[[], None]]:
        return {"forgive": self._forgive, "edit": self._edit}

    def _forgive(self) -> None:
        if self.process.runs:
            self._feed(ev.ForgiveTasks(tuple(self.tasks)))

    def _edit(self) -> None:
        if self.process.runs:
            found = self.events.rng.choice(EDITS)
            self.events.tell(f"scheduler: {found}")
            self.law.edited(found)
            self._feed(ev.ConfigLoaded(config_of(found)))

    # Core.

    def _dispatch(self) -> None:
        if self.events.is_calm:
            # Else what has failed would never be done.
            self._forgive()
        self._feed(ev.TimePassed())

    def _feed(self, *events: ev.Event) -> None:
        self._happened += events
        if self._is_feeding:
            return
        self._is_feeding = True
        while self._happened:
            batch, self._happened = self._happened, []
            now = self.now()
            lost = [one for one in batch if isinstance(one, ev.TaskLost)]
            stores: list[StoreStatus] = []
            starts: list[StartTask] = []
            for action in self.core.handle(batch, now):
                if isinstance(action, StoreStatus):
                    stores.append(action)
                elif isinstance(action, StartTask):
                    starts.append(action)
            for one in lost:
                if any(store.invocation == one.invocation for store in stores):
                    self._note_lost(one)
            self._store(stores)
            for one in lost:
                self.settling.unless_storing(one.invocation)
            for start in starts:
                self._begin(start)
        self._is_feeding = False

    def _note_lost(self, one: ev.TaskLost) -> None:
        self.events.tell(f"scheduler: {one.task} lost")
        wait = one.safe_sec / self.process.host.rate
        self.law.lost(one.invocation)
        self.disk.lost(one.task, one.invocation, self.events.now + wait)

    def _begin(self, start: StartTask) -> None:
        now = self.now()
        running = self.orders.running_task(start, now_wall=now.wall)
        ticket, actions = self.pool.dispatched(running, now.elapsed)
        if isinstance(ticket, str):
            undone = ev.TaskNotStarted(start.task, start.invocation, ticket)
            # First: what runs in its place is told of next.
            self._feed(undone)
            self._act(actions)
            return
        self._shards[start.task] = running.shard
        self._send(running, ticket)
        self._act(actions)

    # Disk.

    def _store(self, stores: Sequence[StoreStatus]) -> None:
        self.settling.storing(stores)
        self._unstored += stores
        if self._unstored and not self._is_storing:
            self._is_storing = True
            wait = self.events.rng.uniform(0.0, self._disk.slowness)
            self.process.after(wait, self._commit)

    def _commit(self) -> None:
        self._is_storing = False
        batch, self._unstored = self._unstored, []
        self.disk.commits += 1
        for one in batch:
            self.disk.store(one.task, one.status, one.invocation)
            if one.status.is_done:
                self.truth.is_done(one.task)
        self.settling.stored(batch)
        self._feed(*(ev.StatusStored(one.task, one.serial) for one in batch))

    # What workers say.

    def _status_arrived(self, message: messages.UpdateStatus, answer: Answer) -> None:
        peer = Peer(message.task.shard, message.worker, "")
        self.statuses.arrived(peer, message, answer)

    def _heard(self, report: RunnerReport) -> None:
        if isinstance(report, AttemptEnded):
            task, invocation = report.task, report.invocation
            self.events.tell(f"scheduler: {task} {invocation} ended")
            self.truth.is_believed_over(task, invocation)
            self._feed(ev.TaskEnded(task, invocation, report.reported))
            self.settling.unless_storing(invocation)
        elif isinstance(report, LateStatus):
            task, invocation = report.task, report.invocation
            self.events.tell(f"scheduler: late {task} {invocation}")
            self._feed(
                ev.LateStatus(
                    task,
                    invocation,
                    report.reported,
                    report.next_backoff,
                    report.worker,
                )
            )
            self.settling.unless_storing(invocation)

    # What the pool wants.

    def _act(self, actions: list[pool_actions.PoolAction]) -> None:
        happened: list[ev.Event] = []
        others: list[pool_actions.PoolAction] = []
        for action in actions:
            found = self._events(action)
            if found is None:
                others.append(action)
            else:
                happened += found
        is_resumed = [one for one in happened if isinstance(one, ev.StartsResumed)]
        if happened or len(others) < len(actions):
            facts = all_facts(self.pool.rows())
            happened = [one for one in happened if one not in is_resumed]
            self._feed(ev.WorkersReported(facts, may_grow=True), *happened)
        for action in others:
            self._do(action)
        if is_resumed:
            running = (one for one in self.core.running() if not one.ended)
            self.truth.wait_is_over({one.invocation for one in running})
            self._feed(*is_resumed)

    def _events(self, action: pool_actions.PoolAction) -> list[ev.Event] | None:
        """Return what the core hears of it; None: it is to be done."""
        match action:
            case pool_actions.WorkersAreOthers():
                return []
            case pool_actions.NotStarted(one, text):
                self.events.tell(f"scheduler: {one.task} {one.invocation} not started")
                self.truth.is_believed_over(one.task, one.invocation)
                return [ev.TaskNotStarted(one.task, one.invocation, text)]
            case pool_actions.TasksLost(tasks):
                return [
                    ev.TaskLost(one.task, one.invocation, NodeName(one.shard), safe_sec)
                    for one, safe_sec in tasks
                ]
            case pool_actions.Adopted(tasks):
                for one in tasks:
                    self.events.tell(f"scheduler: adopts {one.task} {one.invocation}")
                    self._shards[one.task] = one.shard
                    self.law.found_again(one.invocation)
                return [ev.AttemptsAdopted(tuple(adopted(one) for one in tasks))]
            case pool_actions.WaitIs(""):
                self.events.tell("scheduler: wait: over")
                return [ev.StartsResumed(INITIAL_WAIT)]
            case pool_actions.WaitIs(text):
                return [ev.StartsPaused(INITIAL_WAIT, text)]
            case _:
                return None

    def _alive_of(self, tasks: Sequence[RunningTask]) -> Sequence[RunningTask]:
        looking = self.stored_attempts.among(tasks)
        try:
            looking.send(None)
        except StopIteration as found:
            over = found.value
            return [one for one in tasks if one.invocation not in over]
        raise AssertionError("nothing here has to wait")
