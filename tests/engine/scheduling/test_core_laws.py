"""Laws that hold for every world, every policy and every sequence of events."""

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.config.model import Config, NodeOrder, PolicyName
from bistro_tui.engine.ids import (
    INSTANCE_LEVEL,
    WORKER_LEVEL,
    InvocationId,
    JobName,
    NodeName,
    TaskId,
)
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling import placement
from bistro_tui.engine.scheduling.actions import (
    Action,
    KillTask,
    StartTask,
    StoreStatus,
)
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import (
    START,
    limits,
    make_config,
    make_job,
    make_tree,
)
from tests.engine.scheduling.deep_worlds import deep_config, deep_tree
from tests.engine.scheduling.invariants import check_invariants
from tests.engine.scheduling.oracle import Oracle, Starter, one_pass
from tests.engine.scheduling.random_worlds import (
    JOBS,
    REPORTS,
    measured,
    random_config,
    random_host,
    random_tree,
    variants,
)

STEPS = 24


class Watched:
    """A core whose every start the oracle must allow, and which leaves none out."""

    def __init__(self) -> None:
        self.core = Core(random.Random(7))
        self.oracle = Oracle()
        self.now = START
        self.turns: Counter[JobName] = Counter()
        self.starts: list[JobName] = [JobName("")]
        self.history: list[tuple[tuple[ev.Event, ...], Now, list[Action]]] = []

    def feed(self, *events: ev.Event) -> list[Action]:
        ran = set(self.oracle.running)
        actions = self.core.handle(events, self.now)
        self.history.append((events, self.now, actions))
        self.oracle.storing = {
            (action.task, action.invocation)
            for action in actions
            if isinstance(action, StoreStatus)
            and Bits.OVERWRITEABLE not in action.status.bits
        }
        for event in events:
            self.oracle.take_in(event)
            if isinstance(event, ev.AttemptsAdopted):
                ran |= set(self.oracle.running)
            if isinstance(event, ev.ConfigLoaded):
                gone = [job for job in self.turns if job not in event.config.jobs]
                for job in gone:
                    del self.turns[job]
        for action in actions:
            if isinstance(action, StoreStatus):
                self.oracle.take_in_store(action, self.now)
        for action in actions:
            if isinstance(action, StartTask):
                allowed = self.oracle.may_start(self.now)
                assert (action.task, action.path_to_node) in allowed
                choices = self.oracle.choices(action.job, action.path_to_node)
                assert action.worker in choices, (action.worker, choices)
                self.check_turn(action, allowed)
                self.oracle.take_in_start(action)
            if isinstance(action, KillTask):
                assert action.task in ran
        assert self.oracle.may_start(self.now) == set(), "left unstarted"
        assert {one.task: set(one.attempts) for one in self.core.recovering()} == {
            task: old.invocations for task, old in self.oracle.recovering.items()
        }
        assert {a.task for a in self.core.running()} == set(self.oracle.running) | {
            task for task in self.oracle.unstored if task not in self.forgiven()
        }
        check_invariants(self.core, self.now)
        return actions

    def check_turn(
        self, action: StartTask, allowed: set[tuple[TaskId, tuple[NodeName, ...]]]
    ) -> None:
        """Fail if another job has its turn before, where all share an account."""
        config, mine = self.oracle.config, action.task.job
        assert config is not None
        resources = config.settings.resources
        needs = [n for job in config.jobs.values() for n in job.resources.values()]
        is_shared = any(resources.get(lv) for lv in (INSTANCE_LEVEL, WORKER_LEVEL))
        is_shared = is_shared or self.oracle.limit is not None
        is_shared = is_shared or self.oracle.workers is not None
        # A start may make room in between where a need is below zero.
        if is_shared and min(needs, default=0) >= 0:
            jobs = {task.job for task, _ in allowed}
            if config.settings.scheduler == PolicyName.ROUNDROBIN:
                assert all(self.turns[mine] <= self.turns[job] for job in jobs)
            if config.settings.scheduler == PolicyName.RANKED_PRIORITY:
                highest = max(config.jobs[job].priority for job in jobs)
                assert config.jobs[mine].priority == highest
        self.turns[mine] = len(self.starts)
        self.starts.append(mine)

    def forgiven(self) -> set[TaskId]:
        return {
            task
            for task in self.oracle.unstored
            if task not in {attempt.task for attempt in self.core.running()}
        }

    def replay(self) -> None:
        again = Core(random.Random(7))
        for events, now, actions in self.history:
            assert again.handle(events, now) == actions

    def drain(self) -> None:
        """Let everything end, with nothing more to start."""
        self.feed(ev.StopRequested())
        for task, running in list(self.oracle.running.items()):
            self.feed(ended(task, running.invocation, self.now, 4))
        old = list(self.oracle.recovering.items())
        self.feed(*(ev.AttemptGone(task, i) for task, o in old for i in o.invocations))
        self.feed(*stored(self.oracle))
        assert self.core.running() == ()
        assert self.core.recovering() == ()
        assert self.core.unstored == 0
        assert self.core.state.accounts.in_use() == {}


def ended(task: TaskId, invocation: InvocationId, now: Now, bits: int) -> ev.TaskEnded:
    return ev.TaskEnded(task, invocation, TaskStatus(bits=Bits(bits), time=now.wall))


def stored(oracle: Oracle) -> list[ev.StatusStored]:
    return [ev.StatusStored(one.task, one.serial) for one in oracle.unstored.values()]


class Life:
    """One world and what happens to it, drawn by a seed."""

    def __init__(self, seed: int, lowest_need: int, *, deep: bool = False) -> None:
        self.rng = rng = random.Random(seed)
        depth = rng.choice((1, 2, 3, 4, 4))
        first, second = (
            deep_config(rng, depth, lowest_need)
            if deep
            else random_config(rng, lowest_need)
            for _ in range(2)
        )
        first, second = measured(rng, first), measured(rng, second)
        self.configs = [*variants(rng, first) * 2, second]
        self.trees = [
            deep_tree(rng, depth) if deep else random_tree(rng) for _ in range(2)
        ]
        self.watched = Watched()
        self.has_old_copies = seed % 2 == 1
        self.old_rng = random.Random(seed)

    def live(self) -> int:
        """Run the world; return how many tasks it started."""
        watched, rng = self.watched, self.rng
        loads: list[ev.Event] = [
            ev.StatusesLoaded({}),
            ev.NodesLoaded(self.trees[0]),
            ev.ConfigLoaded(self.configs[0]),
        ]
        for event in rng.sample(loads, len(loads)):
            watched.feed(event)
        for _ in range(STEPS):
            watched.feed(*(self.draw_event() for _ in range(rng.randint(1, 2))))
            due = watched.core.next_due()
            assert due is None or due > watched.now.mono
        watched.replay()
        watched.drain()
        return watched.core.starts

    def draw_event(self) -> ev.Event:
        """Draw something that can happen; ends and stores more often than the rest."""
        rng, watched = self.rng, self.watched
        running, unstored = watched.oracle.running, stored(watched.oracle)
        kinds = ["config", "config", "config", "nodes", "broken", "pause"]
        kinds += ["resume", "resume", "forgive", "time", "time", "limit", "left"]
        kinds += ["host", "host"]
        if self.has_old_copies and self.old_rng.random() < 0.2:
            return self.draw_old_copies()
        kinds += ["end"] * 12 + ["undo"] * 4 + ["kill", "twice"] if running else []
        kinds += ["store"] * 12 + ["stale"] if unstored else []
        match kind := rng.choice(kinds):
            case "end":
                task = rng.choice(list(running))
                bits = rng.choice(REPORTS)
                return ended(task, running[task].invocation, watched.now, bits)
            case "undo":
                task = rng.choice(list(running))
                return ev.TaskNotStarted(task, running[task].invocation, "EAGAIN")
            case "twice":
                task = rng.choice(list(running))
                return ended(task, InvocationId(1, 1), watched.now, 4)
            case "store":
                return rng.choice(unstored)
            case "stale":
                one = rng.choice(unstored)
                return ev.StatusStored(one.task, one.serial + 1000)
            case "kill":
                return ev.KillRequested(rng.choice(list(running)))
            case _:
                return self.draw_other(kind)

    def left(self, task: TaskId, invocation: InvocationId) -> ev.AttemptLeft:
        bits = Bits(self.old_rng.choice(REPORTS))
        status = TaskStatus(bits=bits, time=self.watched.now.wall)
        return ev.AttemptLeft(task, invocation, status)

    def draw_old_copies(self) -> ev.Event:
        """Draw that some are found, or that one of them is dead."""
        rng, found = self.old_rng, self.old_ones()
        if not found or rng.random() < 0.3:
            return ev.AttemptsRecovering(tuple(self.draw_old()))
        one = rng.choice(found)
        return self.left(*one) if rng.random() < 0.5 else ev.AttemptGone(*one)

    def draw_old(self) -> Iterator[ev.RecoveringAttempt]:
        """Draw old copies of tasks that do not run, most of them of the config's."""
        rng, core = self.old_rng, self.watched.core
        names = [node.name for node in core.tree.nodes] or [NodeName("a")]
        for _ in range(rng.randint(1, 3)):
            task = TaskId(JobName(rng.choice((*JOBS, "gone"))), rng.choice(names))
            if core.attempt(task) is None:
                invocation = InvocationId(1, rng.randrange(2))
                yield ev.RecoveringAttempt(task, invocation, self.watched.now.wall)

    def old_ones(self) -> list[tuple[TaskId, InvocationId]]:
        return [
            (task, invocation)
            for task, old in self.watched.oracle.recovering.items()
            for invocation in sorted(old.invocations)
        ]

    def draw_other(self, kind: str) -> ev.Event:
        """Draw what needs no task that runs or is being stored."""
        rng, watched = self.rng, self.watched
        match kind:
            case "left":
                task = TaskId(JobName(rng.choice((*JOBS, "gone"))), NodeName("a"))
                return self.left(task, InvocationId(1, rng.randrange(2)))
            case "limit":
                return ev.StartsLimited(rng.choice((None, None, 0, 1, 2, 4)), "files")
            case "config":
                return ev.ConfigLoaded(rng.choice(self.configs))
            case "host":
                return ev.HostReported(random_host(rng))
            case "nodes":
                return ev.NodesLoaded(rng.choice(self.trees))
            case "broken":
                return ev.ConfigBroken()
            case "pause":
                return ev.StartsPaused("disk", "the disk is full")
            case "resume":
                return ev.StartsResumed("disk")
            case "forgive":
                return ev.Forgive((JobName(rng.choice(JOBS)),))
            case _:
                seconds = rng.choice((0.0, 1.0, 5.0, 70.0))
                now = watched.now
                watched.now = Now(now.wall + seconds, now.mono + seconds)
                return ev.TimePassed()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64))
def test_only_what_bistro_allows_starts_and_nothing_is_left_out(seed: int) -> None:
    Life(seed, lowest_need=0).live()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**64), st.sampled_from((0, 0, 0, -1)))
def test_the_laws_hold_with_any_levels_and_resources_on_any_of_them(
    seed: int, lowest_need: int
) -> None:
    Life(seed, lowest_need, deep=True).live()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**64))
def test_the_laws_hold_for_needs_below_zero_too(seed: int) -> None:
    Life(seed, lowest_need=-1).live()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**64), st.booleans())
def test_the_laws_hold_where_all_with_room_is_gathered_once_no_more_may_run(
    seed: int, deep: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placement, "_FEW_LEFT", 0)
        Life(seed, lowest_need=0, deep=deep).live()


def test_the_worlds_of_the_laws_are_alive() -> None:
    starts = [Life(seed, lowest_need=0).live() for seed in range(20)]
    assert sum(count >= 3 for count in starts) >= 12
    starts = [Life(seed, lowest_need=0, deep=True).live() for seed in range(20)]
    assert sum(count >= 3 for count in starts) >= 12


def determined_configs() -> st.SearchStrategy[Config]:
    """Configs whose next pass has exactly one outcome."""
    needs = st.dictionaries(
        st.sampled_from(("total", "per_host", "per_db")), st.integers(0, 2), max_size=2
    )
    ranked = st.permutations((1.0, 2.0, 3.0)).flatmap(
        lambda order: st.tuples(
            *(
                st.builds(make_job, st.just(name), needs=needs, priority=st.just(p))
                for name, p in zip(JOBS, order, strict=True)
            )
        )
    )
    single = st.tuples(st.builds(make_job, st.just("j0"), needs=needs))
    resources = limits(instance={"total": 4}, host={"per_host": 2}, db={"per_db": 1})
    return st.one_of(
        st.builds(
            lambda found, order: make_config(
                *found,
                resources=resources,
                order=order,
                policy=PolicyName.RANKED_PRIORITY,
            ),
            ranked,
            st.sampled_from((NodeOrder.ORIGINAL, NodeOrder.LEXICOGRAPHIC)),
        ),
        st.builds(
            lambda found, order, policy: make_config(
                *found, resources=resources, order=order, policy=policy
            ),
            single,
            st.sampled_from((NodeOrder.ORIGINAL, NodeOrder.LEXICOGRAPHIC)),
            st.sampled_from(PolicyName),
        ),
    )


@settings(max_examples=100, deadline=None)
@given(determined_configs(), st.integers(0, 2**64))
def test_where_nothing_is_left_to_chance_the_core_does_exactly_what_a_pass_does(
    config: Config, seed: int
) -> None:
    check_against_a_pass(config, seed)


def check_against_a_pass(config: Config, seed: int) -> None:
    """Let tasks end in a world of that seed; every pass has exactly one outcome."""
    rng = random.Random(seed)
    tree = random_tree(rng)
    core, oracle, now = Core(random.Random(0)), Oracle(), START
    events: list[ev.Event] = [
        ev.StatusesLoaded({}),
        ev.NodesLoaded(tree),
        ev.ConfigLoaded(config),
    ]
    for _ in range(8):
        actions = core.handle(events, now)
        for event in events:
            oracle.take_in(event)
        for action in actions:
            if isinstance(action, StoreStatus):
                oracle.take_in_store(action, now)
        starts = [action for action in actions if isinstance(action, StartTask)]
        starter = Starter(oracle)
        one_pass(oracle, now, starter)
        assert [(a.task, a.path_to_node) for a in starts] == starter.started
        for action in starts:
            oracle.running[action.task].invocation = action.invocation
        if not oracle.running:
            break
        task = rng.choice(list(oracle.running))
        bits = rng.choice((4, 8))
        events = [ended(task, oracle.running[task].invocation, now, bits)]
        if rng.random() < 0.5:
            events.extend(stored(oracle))


def test_long_tail_starts_the_jobs_with_the_fewest_candidates_first() -> None:
    tree = make_tree({"h1": ["a", "b", "c"], "h2": ["d"]})
    config = make_config(
        make_job("many"),
        make_job("few", level="host"),
        make_job("one", level="instance"),
        resources=limits(instance={"total": 4}),
        policy=PolicyName.LONG_TAIL,
    )
    core, oracle = Core(random.Random(0)), Oracle()
    events: list[ev.Event] = [
        ev.StatusesLoaded({}),
        ev.NodesLoaded(tree),
        ev.ConfigLoaded(config),
    ]
    actions = core.handle(events, START)
    for event in events:
        oracle.take_in(event)
    starter = Starter(oracle)
    one_pass(oracle, START, starter)
    starts = [(a.task, a.path_to_node) for a in actions if isinstance(a, StartTask)]
    assert starts == starter.started
    assert [str(task) for task, _ in starts] == [
        "one@top",
        "few@h2",
        "few@h1",
        "many@d",
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**64), st.integers(1, 4))
def test_a_decision_in_many_small_steps_starts_all_that_one_large_step_may(
    seed: int, steps: int
) -> None:
    rng = random.Random(seed)
    config, tree = random_config(rng), random_tree(rng)
    core, oracle, now = Core(random.Random(1)), Oracle(), START
    events: list[ev.Event] = [
        ev.StatusesLoaded({}),
        ev.NodesLoaded(tree),
        ev.ConfigLoaded(config),
        ev.StartsLimited(rng.choice((None, 1, 2, 4)), "files"),
    ]
    for _ in range(6):
        for event in events:
            oracle.take_in(event)
        while True:
            for action in core.handle(events, now, steps):
                if isinstance(action, StoreStatus):
                    oracle.take_in_store(action, now)
                elif isinstance(action, StartTask):
                    allowed = oracle.may_start(now)
                    assert (action.task, action.path_to_node) in allowed
                    oracle.take_in_start(action)
            due = core.next_due()
            if due is None or due > now.mono:
                break
            events = []
        assert oracle.may_start(now) == set()
        check_invariants(core, now)
        if not oracle.running:
            break
        task = rng.choice(list(oracle.running))
        events = [ended(task, oracle.running[task].invocation, now, 8)]
        events += stored(oracle)
        if rng.random() < 0.3:
            events.append(ev.StartsLimited(rng.choice((None, 1, 3)), "files"))
