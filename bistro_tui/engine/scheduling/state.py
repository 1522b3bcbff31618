"""Everything that the core knows, and where each task stands."""

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import (
    JobName,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.physical.host import UNKNOWN_HOST, HostResources
from bistro_tui.engine.scheduling.accounts import (
    ALWAYS,
    Accounts,
    Amounts,
    Held,
    Used,
    add,
)
from bistro_tui.engine.scheduling.attempts import Attempt, Attempts
from bistro_tui.engine.scheduling.edits import dependents, is_same_job
from bistro_tui.engine.scheduling.gate import Closed, Gate
from bistro_tui.engine.scheduling.job_tasks import CODE, RUNNABLE, JobTasks
from bistro_tui.engine.scheduling.judging import Judge
from bistro_tui.engine.scheduling.layout import Holders
from bistro_tui.engine.scheduling.leftovers import Leftover, Leftovers
from bistro_tui.engine.scheduling.places import LOCAL_WORKER, TOP, Place, Places
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.status_book import StatusBook
from bistro_tui.engine.scheduling.waiting import OPEN, Waiting

_DONE = CODE[Reason.DONE]


class State:
    """The facts of the core. Only ``Core.handle`` may lead to a change of it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.config: Config | None = None
        self.host = UNKNOWN_HOST
        """What the local worker's limits are measured by."""
        self.places = Places(NodeTree(()))
        self.gate = Gate()
        self.accounts = Accounts()
        self.book = StatusBook()
        self.attempts = Attempts()
        self.leftovers = Leftovers()
        self.waiting = Waiting()
        self.gained: dict[int, None] = {}
        """Nodes at which someone may fit who waits there."""
        self.jobs: dict[JobName, JobTasks] = {}
        """The jobs of the config, invalid ones included, in the order of the file."""
        self._judge = Judge(self.book, self.attempts, self.leftovers)
        self.holders = Holders(self.places, ())
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
            self.holders = Holders(self.places, self.accounts.levels)
            self._recharge()
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
        return True

    def set_host(self, host: HostResources) -> None:
        """Let the limits of the local worker follow ``host``."""
        self.host = host
        if self.config is not None:
            _, relimited = self.accounts.set_limits(self.config.settings, host)
            if relimited:
                self._relimit(relimited)

    def _relimit(self, levels: set[LevelName]) -> None:
        """Let the limits of ``levels`` count that the accounts have now."""
        for tasks in self.jobs.values():
            tasks.demand.relimit()
        for node in self.waiting.at:
            if node != OPEN and self.places.level(node) in levels:
                self.gained[node] = None

    def set_tree(self, tree: NodeTree) -> bool:
        """Take over ``tree``; every job's tasks are judged anew if it is another.

        Returns whether it is.
        """
        self.gate.has_nodes = True
        if tree == self.places.tree:
            return False
        self._name_places()
        for tasks in self.jobs.values():
            self._forget(tasks)
        self.gained.clear()
        self.places = Places(tree)
        self.holders = Holders(self.places, self.accounts.levels)
        self._recharge()
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
            self.config.settings.node_order,
        )
        tasks.last_start = old.last_start if old is not None else 0
        self.jobs[name] = tasks
        tasks.stand_all(self._judge.all_of(tasks, busy), self.rng)
        if tasks.candidates:
            self._open(tasks)

    def _forget(self, tasks: JobTasks) -> None:
        for node, room in tasks.ready.hidden.items():
            self.waiting.remove(node, room, tasks)
        tasks.ready.hidden.clear()

    def _name_places(self) -> None:
        """Let the attempts keep their places by name: their numbers end here."""
        for attempt in self.attempts:
            if not attempt.places:
                path = self.places.tree.path(attempt.leaf)
                attempt.places = tuple(self.places.at(node) for node in path)

    def _recharge(self) -> None:
        """Find what each attempt holds in the accounts of now."""
        for attempt in self.attempts:
            if attempt.places:
                found = self.places.nodes_of(attempt.places[-1])
                attempt.leaf = found[0] if found else -1
            path = self.places.tree.path(attempt.leaf)
            places = attempt.places or [self.places.at(node) for node in path]
            attempt.held = self.held_at(places, attempt.demand.needs)
        for leftover in self.leftovers:
            leftover.held = self.held_at(leftover.places, leftover.needs)
        running = (one.held for one in self.attempts if one.held and not one.ended)
        self.accounts.retake((*running, *(one.held for one in self.leftovers)))

    def held_at(
        self, places: Sequence[Place], needs: Mapping[LevelName, Amounts]
    ) -> Held:
        """Return what one holds that takes ``needs`` at ``places`` and of the worker.

        Only where those places are there now.
        """
        held: list[tuple[Used, int, int]] = []
        for place in (*places, LOCAL_WORKER):
            nodes = self.places.nodes_of(place) if place != LOCAL_WORKER else (TOP,)
            amounts = needs.get(place.level)
            if nodes and amounts:
                account = nodes[0]
                held.extend(
                    (used, account, amount)
                    for used, amount in self.accounts.takes(place.level, amounts)
                )
        return tuple(held)

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
                    self._open(tasks)
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
        return self.gate.closed() or self.gate.full(self.attempts.live)

    def is_dependency_met(self, job: JobName, node: NodeName) -> bool:
        """Return whether ``job`` is done on ``node``; never for an unknown job."""
        return self._judge.is_dependency_met(job, node)

    # Room.

    def give_back(self, attempt: Attempt) -> None:
        """Give back what ``attempt`` took; note who may have room now."""
        if attempt.held is not None:
            for used, account, amount in attempt.held:
                add(used, account, -amount)
                self.gain(account)
            return
        accounts, at, gained = attempt.accounts, self.waiting.at, self.gained
        is_shared = self.places.account_at is not None
        for step, used, amount in attempt.demand.takes:
            account = accounts[step]
            left = used.get(account, 0) - amount
            if left:
                used[account] = left
            else:
                del used[account]
            if is_shared:
                self.gain(account)
            elif account in at:
                gained[account] = None

    def gain(self, account: int) -> None:
        """Take note that ``account`` may have more left than before."""
        at = self.waiting.at
        if self.places.account_at is None or account < 0:
            if account in at:
                self.gained[account] = None
            return
        for node in self.places.twins(account):
            if node in at:
                self.gained[node] = None

    def show(self, tasks: JobTasks, node: int) -> None:
        """Let ``tasks`` wait at ``node`` no longer, but where it is hidden next."""
        self.waiting.remove(node, tasks.ready.hidden[node], tasks)
        if tasks.ready.show(node) and node != TOP:
            self._open(tasks)

    def wait_for_worker(self, tasks: JobTasks) -> None:
        """Let all of ``tasks`` that waits for nothing else wait for the worker."""
        room = tasks.demand.worker_room
        assert room is not None
        self.waiting.remove(TOP, tasks.ready.hidden[TOP], tasks)
        tasks.ready.hidden[TOP] = room
        self.waiting.add(TOP, room, tasks)

    def _open(self, tasks: JobTasks) -> None:
        """Let ``tasks``, which nothing hides, have its turn."""
        if TOP in tasks.ready.hidden:
            return
        tasks.ready.hidden[TOP] = ALWAYS
        self.waiting.add(TOP, ALWAYS, tasks)
        self.gained[OPEN] = None

    def shortage_at(self, node: int, needs: Amounts) -> ResourceName | None:
        """Return the first resource that ``node``, or at TOP the worker, lacks."""
        account = node if node < 0 else self.places.account(node)
        return self.accounts.shortage(self.places.level(node), account, needs)

    def usage(self, node: int) -> tuple[tuple[ResourceName, int, int], ...]:
        """Return (resource, used, limit) of a node, or at TOP of the worker."""
        account = node if node < 0 else self.places.account(node)
        return self.accounts.usage(self.places.level(node), account)

    def nodes_of(self, attempt: Attempt | Leftover) -> tuple[int, ...]:
        """Return the present nodes that ``attempt`` was started on, instance first."""
        if isinstance(attempt, Attempt) and not attempt.places:
            return self.places.tree.path(attempt.leaf)
        found = (self.places.nodes_of(place) for place in attempt.places)
        return tuple(nodes[0] for nodes in found if nodes)

    def held(self, attempt: Attempt | Leftover) -> Held:
        """Return what a living attempt holds: (book, account, amount) each."""
        if isinstance(attempt, Leftover):
            return attempt.held
        if attempt.held is not None:
            return attempt.held
        return tuple(
            (used, attempt.accounts[step], amount)
            for step, used, amount in attempt.demand.takes
        )

    def full_node(self, tasks: JobTasks, leaf: int) -> int | None:
        """Return the topmost node that is too full for a task on ``leaf``, if any.

        The worker is asked last, and stands for TOP.
        """
        needs = tasks.job.resources
        for node in self.places.tree.path(leaf):
            if self.shortage_at(node, needs) is not None:
                return node
        return TOP if self.shortage_at(TOP, needs) is not None else None


def _ignore(tasks: JobTasks) -> None:
    """Do nothing: there is no policy yet."""
