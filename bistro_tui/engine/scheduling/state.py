"""Everything that the core knows, and where each task stands."""

import random
from collections.abc import Callable, Collection, Iterator

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import (
    JobName,
    LevelName,
    NodeName,
    TaskId,
)
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.physical.host import UNKNOWN_HOST, HostResources
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.demand import host_level
from bistro_tui.engine.scheduling.edits import dependents, is_same_job
from bistro_tui.engine.scheduling.events import Oddity, WorkersReported
from bistro_tui.engine.scheduling.gate import Closed, Gate
from bistro_tui.engine.scheduling.holding import name_places
from bistro_tui.engine.scheduling.job_tasks import CODE, RUNNABLE, JobTasks
from bistro_tui.engine.scheduling.judging import Judge
from bistro_tui.engine.scheduling.places import TOP, Places
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.rooms import Rooms
from bistro_tui.engine.scheduling.status_book import StatusBook

_DONE = CODE[Reason.DONE]


class State(Rooms):
    """The facts of the core. Only ``Core.handle`` may lead to a change of it."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng = rng
        self.config: Config | None = None
        self.host = UNKNOWN_HOST
        """What the local worker's limits are measured by."""
        self.gate = Gate()
        self.book = StatusBook()
        self.oddities: list[Oddity] = []
        """What was heard and ignored, for the log."""
        self.jobs: dict[JobName, JobTasks] = {}
        """The jobs of the config, invalid ones included, in the order of the file."""
        self._judge = Judge(self.book, self.attempts, self.leftovers)
        self._dependents: dict[JobName, list[JobName]] = {}
        self.on_changed: Callable[[JobTasks], None] = _ignore
        """Hears of jobs that have other candidates now, by more than a start."""

    # What changed for many tasks at once.

    def set_config(self, config: Config) -> bool:
        """Take over ``config``; only the tasks of jobs that changed are judged anew.

        Returns whether any job was added, changed or removed.
        """
        known, self.config = self.config, config
        self.gate.settings = config.settings
        self._judge.jobs = config.jobs
        self._dependents = dependents(config)
        is_other, relimited = self.accounts.set_limits(config.settings, self.host)
        if is_other:
            self.workers.forget_rooms()
        self.workers.set_settings(config.settings, self.host)
        if self._find_host_levels() or is_other:
            is_other = True
            self.hold_anew()
        changed = self._set_jobs(known, config, rebuild_all=is_other)
        if relimited:
            self._relimit(relimited)
        return changed

    def _set_jobs(
        self, known: Config | None, config: Config, *, rebuild_all: bool
    ) -> bool:
        old_jobs, self.jobs = self.jobs, {}
        changed: list[tuple[JobName, JobTasks | None]] = []
        for name in config.jobs:
            old = old_jobs.pop(name, None)
            if old is None or rebuild_all or not is_same_job(name, known, config):
                changed.append((name, old))
            if old is not None:
                # Equal is not the same: 1 is true, and tasks are given the words.
                old.job = config.jobs[name]
                self.jobs[name] = old
        if not changed and not old_jobs:
            return False
        busy = self._busy()
        for name, old in changed:
            self._rebuild(name, old, busy.get(name, ()))
        for removed in old_jobs.values():
            self._forget(removed)
        self.jobs = {name: self.jobs[name] for name in config.jobs}
        self.attempts.find_slots(self._find_slot)
        self.leftovers.find_slots(self._find_slot)
        demands = [tasks.demand for tasks in self.jobs.values()]
        self.accounts.keep_rooms(
            room for demand in demands for room in demand.all_rooms
        )
        self.workers.keep_rooms(demand.worker_room for demand in demands)
        return True

    def set_workers(self, event: WorkersReported) -> bool:
        """Take over which workers there are; return whether that is new altogether."""
        is_first = not self.workers.is_reported
        self.workers.report(event.workers, may_grow=event.may_grow)
        if is_first and self.config is not None:
            self._find_host_levels()
            self.hold_anew()
            self._set_jobs(self.config, self.config, rebuild_all=True)
        return is_first

    def _find_host_levels(self) -> bool:
        """Find whose nodes are hosts that jobs need; return whether that changed."""
        known, jobs = self.workers.levels, self.config.jobs if self.config else {}
        if self.workers.is_reported:
            found = {host_level(job) for job in jobs.values() if job.is_valid}
            self.workers.levels = frozenset(lv for lv in found if lv is not None)
        return self.workers.levels != known

    def set_host(self, host: HostResources) -> None:
        """Let the limits of the local worker follow ``host``."""
        self.host = host
        if self.config is not None:
            _, relimited = self.accounts.set_limits(self.config.settings, host)
            self.workers.set_settings(self.config.settings, host)
            if relimited:
                self._relimit(relimited)

    def _relimit(self, levels: set[LevelName]) -> None:
        """Let the limits of ``levels`` count that the accounts have now."""
        for tasks in self.jobs.values():
            tasks.demand.relimit()
        for node in self.waiting.at:
            if node >= TOP and self.places.level(node) in levels:
                self.gained[node] = None

    def set_tree(self, tree: NodeTree) -> bool:
        """Take over ``tree``; every job's tasks are judged anew if it is another.

        Returns whether it is.
        """
        self.gate.has_nodes = True
        if tree == self.places.tree:
            return False
        name_places(self.attempts, self.places)
        for tasks in self.jobs.values():
            self._forget(tasks)
        self.gained.clear()
        self.places = Places(tree)
        self.workers.set_places(self.places)
        self.hold_anew()
        self.rejudge_all()
        self.attempts.find_slots(self._find_slot)
        self.leftovers.find_slots(self._find_slot)
        return True

    def rejudge_all(self) -> None:
        """Judge every task of every job anew."""
        busy = self._busy()
        for name, tasks in tuple(self.jobs.items()):
            self._rebuild(name, tasks, busy.get(name, ()))

    def _busy(self) -> dict[JobName, list[NodeName]]:
        """Return by job where tasks run, are recovering, or have a pending status."""
        found = self.attempts.by_job()
        for task in self.book.pending_tasks:
            if task not in self.attempts:
                found.setdefault(task.job, []).append(task.node)
        for leftover in self.leftovers:
            found.setdefault(leftover.task.job, []).append(leftover.task.node)
        return found

    def _rebuild(
        self, name: JobName, old: JobTasks | None, busy: Collection[NodeName]
    ) -> None:
        assert self.config is not None
        if old is not None:
            self._forget(old)
        tasks = JobTasks(
            self.config.jobs[name],
            self.places,
            self.holders,
            self.accounts,
            self.workers,
            self.config.settings.node_order,
        )
        tasks.last_start = old.last_start if old is not None else 0
        self.jobs[name] = tasks
        tasks.stand_all(self._judge.all_of(tasks, busy), self.rng)
        if tasks.candidates:
            self.open(tasks)

    def _forget(self, tasks: JobTasks) -> None:
        for node, room in tasks.ready.hidden.items():
            self.waiting.remove(node, room, tasks)
        tasks.ready.hidden.clear()

    def _find_slot(self, task: TaskId) -> int | None:
        tasks = self.jobs.get(task.job)
        return tasks.slots.find(task.node) if tasks is not None else None

    # One task.

    def find(self, task: TaskId) -> tuple[JobTasks, int] | None:
        """Return the job and the slot of ``task``, None if there is no such task."""
        tasks = self.jobs.get(task.job)
        if tasks is None:
            return None
        slot = tasks.slots.find(task.node)
        return (tasks, slot) if slot is not None else None

    def rejudge(self, task: TaskId) -> None:
        """Judge one task anew."""
        found = self.find(task)
        if found is not None:
            self.stand(*found, self._judge.one(*found))

    def finish(self, attempt: Attempt, *, is_done: bool) -> None:
        """Take note that ``attempt`` is over and its status on disk."""
        if attempt.slot >= 0:
            tasks, slot = self.jobs[attempt.task.job], attempt.slot
            if is_done:
                tasks.restand(slot, _DONE)
            else:
                self.stand(tasks, slot, self._judge.one(tasks, slot))

    def stand(self, tasks: JobTasks, slot: int, code: int) -> None:
        """Set where a task stands, with all that follows for the candidates."""
        known = tasks.standing[slot]
        if known == code:
            if tasks.touched is not None:
                tasks.touched.add(slot)
            return
        tasks.restand(slot, code)
        ready = tasks.ready
        if known == RUNNABLE:
            for leaf in tasks.usable(slot):
                room = ready.hidden.pop(leaf, None)
                if room is None:
                    ready.discard(leaf)
                else:
                    self.waiting.remove(leaf, room, tasks)
        elif code == RUNNABLE:
            for leaf in tasks.usable(slot):
                if ready.add(leaf):
                    self.open(tasks)
        if RUNNABLE in (known, code):
            self.on_changed(tasks)

    def rejudge_dependents(self, task: TaskId) -> None:
        """Judge anew the tasks that wait for ``task``."""
        if task.job in self._dependents:
            for job in self._dependents[task.job]:
                self.rejudge(TaskId(job, task.node))

    def dependents(self, task: TaskId) -> Iterator[tuple[JobTasks, int]]:
        """Return the tasks whose job names the job of ``task`` in depends_on."""
        for job in self._dependents.get(task.job, ()):
            found = self.find(TaskId(job, task.node))
            if found is not None:
                yield found

    def closed(self) -> Closed | None:
        """Return why nothing more may start at this moment, None if tasks may."""
        closed = self.gate.closed()
        if closed is not None or self.workers.is_reported:
            return closed
        return self.gate.full(self.attempts.live)

    def is_dependency_met(self, job: JobName, node: NodeName) -> bool:
        """Return whether ``job`` is done on ``node``; never for an unknown job."""
        return self._judge.is_dependency_met(job, node)


def _ignore(tasks: JobTasks) -> None:
    """Do nothing: there is no policy yet."""
