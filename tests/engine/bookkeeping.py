"""A scheduler's real core, dispatcher, runner and pool among workers that may lie.

After each step, all that keeps account of attempts has to agree.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec

from bistro_tui.engine.config.model import Config, KillMethod, KillSettings
from bistro_tui.engine.dispatch.dispatcher import Dispatcher
from bistro_tui.engine.ended import EndedAttempts
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.persist import Persister
from bistro_tui.engine.remote import messages as m
from bistro_tui.engine.remote.identity import (
    NO_SET,
    InstanceId,
    MachineLock,
    WorkerSetId,
)
from bistro_tui.engine.remote.link import Answered, Link
from bistro_tui.engine.remote.outcomes import NotSent, Outcome, Refused, Unknown
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.pool_actions import PoolAction, Ticket
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.runners.protocol import AttemptAdopted, AttemptUsage
from bistro_tui.engine.runners.remote import RemoteRunner
from bistro_tui.engine.runners.remote_kills import TOLD_PATIENCE_SEC
from bistro_tui.engine.runners.remote_orders import Orders
from bistro_tui.engine.runners.stored_attempts import StoredAttempts
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import Action, StoreStatus
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.runners.remote_world import SCHEDULER, FakeLink, Served, settle
from tests.engine.scheduling.builders import limits, make_config, make_job, make_tree
from tests.engine.scheduling.invariants import check_invariants
from tests.engine.test_dispatch import Hall

TIMES = PoolTimes(
    heartbeat_grace_period=20,
    healthcheck_period=10,
    healthcheck_grace_period=20,
    lose_unhealthy_worker_after=100,
    worker_check_interval=1_000,
)
SHARDS = ("w1", "w2", "w3")
KILL_WAIT_SEC = 10
"""The longest: of jobs that the config does not know."""
STATUSES = (4, 4, 16, 8, 1056)
"""Done, failed, incomplete, and one that the next real one replaces."""


def _configs() -> tuple[Config, ...]:
    kill = KillSettings(method=KillMethod.TERM_WAIT_KILL, kill_wait_ms=5_000)
    etl = make_job("etl", kill=kill, kill_orphans=2.0)
    # It would not end by itself when it is told to.
    etc = make_job("etc", kill=KillSettings(method=KillMethod.TERM, kill_wait_ms=5_000))
    needs = limits(host={"slots": 2}, worker={"mem": 3})
    return tuple(
        make_config(*jobs, resources=needs, kill_orphans=3.0)
        for jobs in ((etl, etc), (etl, etc), (etc,), (), (etl,))
    )


CONFIGS = _configs()
TREES = (make_tree({"h1": ["a", "b"], "h2": ["c"]}), make_tree({"h1": ["a"]}))


class Broken(AssertionError):
    """Accounts that do not agree."""


class Disk:
    """Takes statuses, and has them when it is told so."""

    def __init__(self) -> None:
        self.waiting: list[StoreStatus] = []
        self.last: dict[TaskId, LastAttempt] = {}
        self.commits = 0

    def store(self, actions: Sequence[StoreStatus]) -> None:
        self.waiting.extend(actions)

    def take(self, number: int) -> list[StoreStatus]:
        batch, self.waiting = self.waiting[:number], self.waiting[number:]
        self.commits += 1
        for one in batch:
            if one.invocation is not None:
                self.last[one.task] = LastAttempt(one.invocation, self.commits)
        return batch

    async def last_attempts(
        self, _tasks: Sequence[TaskId]
    ) -> Mapping[TaskId, LastAttempt]:
        return self.last


class Watched(Core):
    """A core of which is known what it passed over, and which ends are to be stored."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.passed_over: set[tuple[TaskId, InvocationId]] = set()
        self.ends: set[int] = set()
        self.faults: list[str] = []
        self.over: Callable[[], Collection[TaskId]] = set
        """Returns those of which the end was reported, and not told to it yet."""

    def live(self) -> dict[tuple[TaskId, InvocationId], str]:
        attempts = self.state.attempts
        return {(a.task, a.invocation): a.worker for a in attempts if not a.ended}

    def handle(
        self, events: Iterable[ev.Event], now: Now, steps: int = 10**9
    ) -> list[Action]:
        found = list(events)
        before = self.live()
        actions = super().handle(found, now, steps)
        after = self.live()
        for event in found:
            match event:
                case ev.TaskEnded(task, invocation) | ev.TaskLost(task, invocation):
                    if (task, invocation) in before:
                        self.ends |= {
                            one.serial
                            for one in actions
                            if isinstance(one, StoreStatus)
                            and (one.task, one.invocation) == (task, invocation)
                        }
                case ev.AttemptsAdopted(adopted):
                    ids = {(one.task, one.invocation) for one in adopted}
                    passed_over = ids - after.keys()
                    # One that was killed under the same name elsewhere counts as over.
                    others = {task for task, _ in passed_over - before.keys()}
                    over = {
                        one
                        for one in others & set(self.over())
                        if not self.needs_none(one)
                    }
                    if over:
                        self.faults.append(f"{over} kept from running by what is over")
                    self.passed_over |= passed_over
                    self.passed_over -= ids & after.keys()
                case _:
                    pass
        return actions

    def needs_none(self, task: TaskId) -> bool:
        status = self.status(task)
        return status is not None and (status.is_done or status.is_failed)

    def take_oddities(self) -> tuple[ev.Oddity, ...]:
        found = super().take_oddities()
        self.faults += [one.text for one in found if one.is_grave]
        return found


class WatchedPool(Pool):
    """A pool of which is known what it let start that was found to run."""

    faults: list[str]
    found_tasks: Callable[[], Collection[TaskId]]
    """Returns the tasks of attempts of which the core has yet to hear."""

    def dispatched(
        self, task: m.RunningTask, now: float
    ) -> tuple[Ticket | str, list[PoolAction]]:
        ticket, actions = super().dispatched(task, now)
        if isinstance(ticket, Ticket) and task.task in self.found_tasks():
            self.faults.append(f"{task.task} starts, and was found to run before")
        return ticket, actions


@dataclass(eq=False)
class Player:
    """A worker instance; what it says is up to the walk."""

    shard: str
    id: InstanceId
    lock: MachineLock
    link: FakeLink
    is_honest: bool
    runs: dict[InvocationId, m.RunningTask] = field(default_factory=dict)
    ends: dict[InvocationId, m.UpdateStatus] = field(default_factory=dict)
    """Not acknowledged."""
    newest_set: WorkerSetId = NO_SET

    def all_tasks(self) -> list[m.RunningTask]:
        over = [
            msgspec.structs.replace(one.task, is_over=True)
            for one in self.ends.values()
        ]
        return [*self.runs.values(), *over]


class Walk:
    """One world; ``hostility`` is how often a worker says what is not so."""

    def __init__(self, seed: int, hostility: float) -> None:
        self.rng = rng = random.Random(seed)
        self.hostility = hostility
        self.moment = 5_000.0
        self.steps: list[str] = []
        self.hall, self.disk = Hall(), Disk()
        self.core = core = Watched(rng)
        self.ended = EndedAttempts(core.attempt)
        self.dispatcher = Dispatcher(
            core=core,
            clock=self,
            ended=self.ended,
            audience=self.hall,
            on_change=lambda: None,
            on_trouble=self.hall.heard.append,
        )
        core.over = lambda: self.ended._ended
        self.pool = pool = WatchedPool(
            SCHEDULER, TIMES, self.moment, is_first_ever=rng.random() < 0.7
        )
        pool.faults = core.faults
        pool.found_tasks = lambda: {
            report.attempt.task
            for report in (
                *self.dispatcher._turns._reports,
                *self.runner._outbox._reports,
            )
            if isinstance(report, AttemptAdopted)
        }
        self.runner = RemoteRunner(
            self.pool,
            orders=Orders(
                config_dir=Path("/etc/jobs"),
                suicide_kill_wait_ms=5_000,
                keeper=self.disk,
            ),
            clock=self,
            report_all=self.dispatcher.report_all,
            exit_wait_before=lambda: 0.0,
            served=Served(),
            stored=StoredAttempts(self.disk, core.status),
        )
        self.kills = self.runner._kills
        self.kills._time = lambda: self.moment
        self.dispatcher.connect(self.runner, cast("Persister", self.disk))
        self.players: list[Player] = []
        self.seen: list[m.RunningTask] = []
        self.is_stopping = False
        self.found_last: TaskId | None = None
        """Of the worker that came last with what another one has."""
        self.rands = 0

    def now(self) -> Now:
        return Now(1e9 + self.moment, self.moment - 4_000.0, self.moment)

    async def begin(self) -> None:
        await self.runner.open()
        self.dispatcher.feed(
            [
                ev.StatusesLoaded({}),
                ev.NodesLoaded(TREES[0]),
                ev.ConfigLoaded(CONFIGS[0]),
            ]
        )
        self.steps.append("begin")
        for _ in range(self.rng.choice((0, 2, 3))):
            self.came()
        for _ in range(4):
            await self.settle()
            self.all_do_well()
        await self.settle()
        self.pass_time(0.0)

    async def settle(self) -> None:
        for _ in range(4):
            await settle()
        self.check()

    def close(self) -> None:
        self.dispatcher.close()
        self.kills.close()
        if self.runner._ticking is not None:
            self.runner._ticking.cancel()
        self.runner._sets.close()

    # What happens.

    async def step(self) -> None:
        moves = [
            (self.came, 4 if len(self.players) < 3 else 0.7),
            (self.beats, 4),
            (self.all_do_well, 8),
            (self.answers, 25),
            (self.ends_one, 10),
            (self.tells_again, 6),
            (self.tells_anything, 20 * self.hostility),
            (self.leaves, 0.3 + self.hostility),
            (self.link_is_lost, 1),
            (self.link_is_back, 3),
            (self.time_passes, 4),
            (self.disk_takes, 5),
            (self.is_found_elsewhere, 4),
            (self.is_edited, 1.5),
            (self.is_killed, 2),
            (self.is_forgiven, 1),
        ]
        choices = [move for move, _ in moves]
        (move,) = self.rng.choices(choices, [weight for _, weight in moves])
        self.steps.append(move.__name__)
        move()
        if move == self.is_found_elsewhere and self.found_last is not None:
            await self.starts_meanwhile(self.found_last)
        # Some of it comes in one turn of the loop.
        if self.rng.random() < 0.6:
            await self.settle()
        for _ in range(self.rng.randint(0, 3)):
            await asyncio.sleep(0)

    def note(self, *words: object) -> None:
        self.steps[-1] += " " + " ".join(map(str, words))

    def lies(self) -> bool:
        return self.rng.random() < self.hostility

    def came(self) -> None:
        rng, shard = self.rng, self.rng.choice(SHARDS)
        number = rng.randint(1, 3) if rng.random() < 0.4 else 0
        player = self.new_player(shard, [self.any_task(shard) for _ in range(number)])
        self.note(player.shard, player.id.rand, *player.runs.values())

    def new_player(self, shard: str, tasks: Sequence[m.RunningTask]) -> Player:
        rng = self.rng
        self.rands += 1
        lock = MachineLock(f"{shard}.example", 0, rng.choice(("one", "one", "two")))
        worker = InstanceId(2_000 + self.rands, self.rands)
        player = Player(
            shard, worker, lock, FakeLink(shard, worker), rng.random() > self.hostility
        )
        older = [one for one in self.players if one.lock == lock]
        for one in older:
            # They cannot live at the same time.
            if player.is_honest:
                self.cut(one)
                self.players.remove(one)
        player.runs = {task.invocation: task for task in tasks}
        self.players.append(player)
        self.connect(player)
        return player

    def is_found_elsewhere(self) -> None:
        """Let a worker come that has an attempt, or a task, that another one has."""
        live = self.core.live()
        names = [*live, *((one.task, one.invocation) for one in self.disk.waiting)]
        self.found_last = None
        if not names:
            return
        rng = self.rng
        task, invocation = rng.choice(names)
        shard = rng.choice(SHARDS)
        found = msgspec.structs.replace(self.new_task(shard), task=task)
        if invocation is not None and rng.random() < 0.5:
            found = msgspec.structs.replace(found, invocation=invocation)
        player = self.new_player(shard, [found])
        self.note(player.shard, player.id.rand, found)
        self.found_last = found.task
        self.beat(player)
        while player.link.asked:
            self.answer(player)

    async def starts_meanwhile(self, found: TaskId) -> None:
        """Let what waits start in the very turn in which the pool hears of one."""
        self.steps.append("meanwhile")
        moves = self.rng.choices((self.disk_takes, self.time_passes), k=2)
        if self.rng.random() < 0.5:
            # The dispatcher has more to do: what is told it has to wait for its turn.
            asyncio.get_running_loop().call_soon(moves.pop())
            self.dispatcher.report(AttemptUsage(()))
        for _ in range(6):
            if self.pool.found(found):
                break
            await asyncio.sleep(0)
        for move in moves:
            move()

    def any_task(self, shard: str) -> m.RunningTask:
        """What a worker may have from a scheduler before, or make up."""
        rng = self.rng
        if self.seen and self.lies():
            found = rng.choice(self.seen)
            change: dict[str, Any] = {}
            if rng.random() < 0.8:
                change["shard"] = shard
            if rng.random() < 0.3:
                change["task"] = self.any_name()
            if rng.random() < 0.2:
                change["invocation"] = rng.choice(self.seen).invocation
            return msgspec.structs.replace(found, **change)
        return self.new_task(shard)

    def new_task(self, shard: str) -> m.RunningTask:
        rng = self.rng
        self.rands += 1
        node = self.any_name()
        made = m.RunningTask(
            task=node,
            invocation=InvocationId(900, self.rands),
            shard=shard,
            resources={"host": {"slots": 1}, "worker": {"mem": rng.randint(0, 2)}},
            path=(("instance", "top"), ("host", "h1"), ("db", node.node)),
            next_backoff=m.TaskBackoff(10, False),
            started=1e9 + 900.0 + rng.randint(0, 9_999),
            suicide_kill_wait_ms=5_000,
            pid=rng.choice((None, 77)),
            is_over=rng.random() < 0.2,
        )
        self.seen.append(made)
        return made

    def any_name(self) -> TaskId:
        job = self.rng.choice(("etl", "etl", "etc", "gone"))
        return TaskId(JobName(job), NodeName(self.rng.choice("abcd")))

    def connect(self, player: Player) -> None:
        player.link = FakeLink(player.shard, player.id)
        self.runner.handlers.on_link(cast("Link", player.link))

    def cut(self, player: Player) -> None:
        if player.link.is_open:
            player.link.is_open = False
            asked, player.link.asked = player.link.asked, []
            for _, answered in asked:
                answered(self.rng.choice((NotSent("cut"), Unknown("cut"))))
            self.runner.handlers.on_end(cast("Link", player.link), "cut")

    def one(self, *, is_linked: bool = True) -> Player | None:
        found = [one for one in self.players if one.link.is_open is is_linked]
        return self.rng.choice(found) if found else None

    def beats(self) -> None:
        player = self.one()
        if player is not None:
            self.beat(player)

    def beat(self, player: Player) -> None:
        self.note(player.shard, player.id.rand)

        def answered(reply: m.Reply | Refused) -> None:
            if isinstance(reply, m.HeartbeatReply):
                player.newest_set = reply.worker_set

        worker = m.Worker(
            player.shard, player.lock, player.id, 10.0, m.Usable(4.0), slots=None
        )
        beat = m.Heartbeat(worker, player.newest_set)
        self.runner.handlers.handle(cast("Link", player.link), beat, answered)

    def all_do_well(self) -> None:
        """Let most workers beat and answer all that they were asked."""
        for player in tuple(self.players):
            if player.link.is_open and self.rng.random() < 0.8:
                self.beat(player)
                while player in self.players and player.link.asked:
                    self.answer(player)

    def answers(self) -> None:
        """Let a worker answer something, mostly as it should."""
        waiting = [one for one in self.players if one.link.asked]
        if waiting:
            self.answer(self.rng.choice(waiting))

    def answer(self, player: Player) -> None:
        rng = self.rng
        index = rng.randrange(len(player.link.asked)) if rng.random() < 0.3 else 0
        body, answered = player.link.asked.pop(index)
        self.note(player.shard, player.id.rand, type(body).__name__)
        if not player.is_honest and self.lies():
            self.answer_badly(player, body, answered)
            return
        if rng.random() < 0.05:
            answered(Unknown("too late"))
            if rng.random() < 0.5:
                return
            answered = _nobody
        self.answer_well(player, body, answered)

    def answer_well(self, player: Player, body: m.Request, answered: Answered) -> None:
        rng = self.rng
        match body:
            case m.GetRunningTasks():
                answered(m.RunningTasks(tuple(player.all_tasks())))
            case m.RunTask(task):
                self.take(player, task, answered)
            case m.NotifyIfNotRunning(tasks):
                answered(m.Done())
                for task in tasks:
                    if task.invocation not in player.runs.keys() | player.ends.keys():
                        self.tell(player, task, self.status(1056))
            case m.KillTask(task):
                answered(m.Done())
                if rng.random() < 0.7 and task.invocation in player.runs:
                    self.end_there(player, task, 8)
            case m.RequestSuicide():
                answered(m.Done())
                if rng.random() < 0.7:
                    self.cut(player)
                    self.players.remove(player)
            case _:
                raise AssertionError(body)

    def take(self, player: Player, task: m.RunningTask, answered: Answered) -> None:
        if task.task.job == m.HEALTH_CHECK:
            answered(m.Done())
            self.tell(player, task, "done")
            return
        self.seen.append(task)
        if self.rng.random() < 0.15:
            answered(Refused("it is dying"))
        else:
            player.runs[task.invocation] = task
            answered(m.Done())

    def answer_badly(self, player: Player, body: m.Request, answered: Answered) -> None:
        rng = self.rng
        lies = [self.any_task(player.shard) for _ in range(rng.randint(0, 4))]
        outcomes: list[Outcome] = [
            m.Done(),
            Refused("no"),
            NotSent("no"),
            Unknown("no"),
            m.RunningTasks(tuple(lies)),
            m.RunningTasks((*lies, *lies)),
        ]
        outcome = rng.choice(outcomes)
        self.note("badly", outcome)
        answered(outcome)

    def ends_one(self) -> None:
        having = [one for one in self.players if one.runs]
        if having:
            player = self.rng.choice(having)
            task = self.rng.choice(list(player.runs.values()))
            self.end_there(player, task, self.rng.choice(STATUSES))

    def end_there(self, player: Player, task: m.RunningTask, bits: int) -> None:
        del player.runs[task.invocation]
        body = self.update(player, task, self.status(bits))
        player.ends[task.invocation] = body
        self.note(player.shard, player.id.rand, "ends", task.task, task.invocation)
        if player.link.is_open:
            self.send(player, body)

    def tells_again(self) -> None:
        having = [one for one in self.players if one.ends and one.link.is_open]
        if having:
            player = self.rng.choice(having)
            message = self.rng.choice(list(player.ends.values()))
            self.note(player.shard, player.id.rand, message.task.task)
            self.send(player, message)

    def tells_anything(self) -> None:
        player = self.one()
        if player is not None:
            task, rng = self.any_task(player.shard), self.rng
            text = rng.choice(("running", "?!", *map(self.status, STATUSES)))
            self.tell(player, task, text, "lie")

    def status(self, bits: int) -> str:
        """Return a status that no other is like."""
        self.rands += 1
        return _text(bits, self.rands)

    def update(self, player: Player, task: m.RunningTask, text: str) -> m.UpdateStatus:
        return m.UpdateStatus(
            task=task,
            status=text,
            exit_text="exited with status 0",
            peak_memory=None,
            cpu_seconds=None,
            scheduler=SCHEDULER,
            worker=player.id,
        )

    def tell(self, player: Player, task: m.RunningTask, text: str, *words: str) -> None:
        name = (task.task, task.invocation, task.shard)
        self.note(player.shard, player.id.rand, *name, text, *words)
        self.send(player, self.update(player, task, text))

    def send(self, player: Player, body: m.UpdateStatus) -> None:
        task = body.task

        def answered(reply: m.Reply | Refused) -> None:
            if isinstance(reply, m.Done):
                self.may_be_forgotten(body)
                player.ends.pop(task.invocation, None)

        self.runner.handlers.handle(cast("Link", player.link), body, answered)

    def leaves(self) -> None:
        player = self.one()
        if player is not None:
            is_over = not player.runs and not player.ends
            news = m.Leaving(is_over or self.lies())
            self.runner.handlers.heard(cast("Link", player.link), news)

    def link_is_lost(self) -> None:
        player = self.one()
        if player is not None:
            self.note(player.shard, player.id.rand)
            self.cut(player)

    def link_is_back(self) -> None:
        player = self.one(is_linked=False)
        if player is not None:
            self.note(player.shard, player.id.rand)
            self.connect(player)

    def time_passes(self) -> None:
        self.pass_time(
            self.rng.choice((0.5, 1.0, 1.0, 5.0, 11.0, 11.0, 25.0, 45.0, 130.0))
        )

    def pass_time(self, seconds: float) -> None:
        self.note(seconds)
        self.moment += seconds
        if self.runner._ticking is not None:
            self.runner._ticking.cancel()
        self.runner._tick()
        self.dispatcher.feed([ev.TimePassed()])

    def disk_takes(self) -> None:
        number = self.rng.choice((1, 2, 100))
        batch = self.disk.take(number)
        self.note([(one.task, one.serial) for one in batch])
        self.dispatcher.stored(batch)

    def is_edited(self) -> None:
        index, tree = self.rng.randrange(len(CONFIGS)), self.rng.choice(TREES)
        self.note(index)
        if self.rng.random() < 0.3:
            self.dispatcher.feed([ev.NodesLoaded(tree)])
        else:
            self.dispatcher.feed([ev.ConfigLoaded(CONFIGS[index])])

    def is_killed(self) -> None:
        live = list(self.core.live())
        if live:
            task, _ = self.rng.choice(live)
            self.note(task)
            at_once = self.rng.random() < 0.3
            self.dispatcher.feed([ev.KillRequested(task, at_once)])

    def is_forgiven(self) -> None:
        self.dispatcher.feed([ev.Forgive((JobName("etl"), JobName("etc")))])

    # What is true.

    def may_be_forgotten(self, body: m.UpdateStatus) -> None:
        """Fail if a worker is told so of an end that is not on disk and counts."""
        name = (body.task.task, body.task.invocation)
        waiting = [_status_text(one.status) for one in self.disk.waiting]
        if body.status in waiting:
            self.core.faults.append(f"{name} is not on disk")

    def check(self) -> None:
        core, live = self.core, self.core.live()
        self.law(not core.faults, core.faults)
        ends = {one.serial for one in self.disk.waiting} & core.ends
        self.law(
            self.dispatcher.unfinished == len(live) + len(ends),
            "unfinished",
            self.dispatcher.unfinished,
            len(live),
            len(ends),
        )
        tasks = self.runner._tasks._running
        runs = {(one.task, one.invocation): one.shard for one in tasks.values()}
        self.law(all(key == one.invocation for key, one in tasks.items()), "keys")
        for name, shard in live.items():
            self.law(runs.get(name) == shard, "the runner lacks", name, shard, runs)
        for name in runs.keys() - live.keys():
            # It had another attempt, or knew that the task needs none.
            self.law(name in core.passed_over, "the core lacks", name, runs[name])
        rows = [one for row in self.pool.rows() for one in self.pool.running(row.shard)]
        there = sorted((one.task, one.invocation, one.shard) for one in rows)
        self.law(len({one.task for one in rows}) == len(rows), "runs twice", there)
        held = sorted((*name, shard) for name, shard in runs.items())
        self.law(there == held, "the pool has", there, "the runner", held)
        wanted = set(self.kills._wanted)
        self.law(wanted <= tasks.keys(), "kills of none", wanted)
        for attempt in core.state.attempts:
            if attempt.stopping and not attempt.ended:
                self.law(attempt.invocation in wanted, "no kill", attempt.task)
        if not self.disk.waiting:
            waiting = self.runner._statuses._unstored
            self.law(self.runner._statuses.is_idle, "never answered", waiting)
            self.law(not self.pool._unstored.workers, "never settled")
            self.law(len(core.state.attempts) == len(live), "ends that stay")
        if self.is_stopping:
            stopping = all(one.stopping or one.ended for one in core.state.attempts)
            self.law(stopping, "an attempt that is not ended at a stop")
        if self.rng.random() < 0.1:
            check_invariants(core, self.now())
        if not live:
            self.law(not core.state.workers._running, "slots that nobody gives back")
            in_use = core.state.accounts.in_use()
            self.law(not any(in_use.values()), "resources nobody has", in_use)

    def law(self, holds: bool, *words: object) -> None:
        if not holds:
            raise Broken(" ".join(map(str, words)) + "\n" + "\n".join(self.steps))

    # The end.

    async def stop(self, *, silently: bool) -> None:
        """Ask it to stop; fail if it does not, whatever workers say or keep back."""
        await self.settle()
        self.steps.append("stop")
        self.is_stopping = True
        self.runner.take_over_no_more()
        self.dispatcher.feed([ev.StopRequested()])
        await self.settle()
        for _ in range(KILL_WAIT_SEC + int(TOLD_PATIENCE_SEC)):
            for _ in range(0 if silently else self.rng.randint(0, 8)):
                await self.step()
            self.steps.append("a second")
            self.pass_time(1.0)
            await self.settle()
        while self.disk.waiting:
            self.disk_takes()
            await self.settle()
        left = self.dispatcher.unfinished - self.runner.given_up
        self.law(left <= 0, "it does not stop", left)
        check_invariants(self.core, self.now())


def _text(bits: int, number: object) -> str:
    return f'{{"result_bits":{bits},"data":{{"n":{number}}}}}'


def _status_text(status: TaskStatus) -> str:
    return _text(int(status.bits), status.data.get("n"))


def _nobody(_outcome: Outcome) -> None:
    """Its link has given up waiting."""


async def walk(seed: int, hostility: float, steps: int) -> int:
    """Do so many steps and a stop; return how many attempts began."""
    world = Walk(seed, hostility)
    try:
        await world.begin()
        for _ in range(steps):
            await world.step()
        await world.stop(silently=seed % 3 == 0)
    finally:
        world.close()
    return world.core.state.attempts.serial
