"""Everything that the core knows, and where each task stands."""

import random
from collections.abc import Iterable, Iterator

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling.accounts import Accounts
from bistro_tui.engine.scheduling.attempts import Attempts
from bistro_tui.engine.scheduling.candidates import TOP
from bistro_tui.engine.scheduling.gate import Gate
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.parking import Parking
from bistro_tui.engine.scheduling.places import LOCAL_WORKER, Place, Places
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.status_book import StatusBook


class State:
    """The facts of the core. Only ``Core.handle`` may lead to a change of it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.config: Config | None = None
        self.places = Places(NodeTree(()))
        self.gate = Gate()
        self.accounts = Accounts()
        self.book = StatusBook()
        self.attempts = Attempts()
        self.parking = Parking()
        self.jobs: dict[JobName, JobTasks] = {}
        """The jobs of the config, invalid ones included, in the order of the file."""
        self.open: dict[JobName, None] = {}
        """Jobs that may have a candidate which is not parked."""
        self._dependents: dict[JobName, list[JobName]] = {}

    def set_config(self, config: Config) -> None:
        """Take over ``config``; only the tasks of jobs that changed are judged anew."""
        known, self.config = self.config, config
        self.gate.settings = config.settings
        self._dependents = _dependents(config)
        old_jobs, self.jobs = self.jobs, {}
        for name in config.jobs:
            old = old_jobs.pop(name, None)
            if old is not None and _is_same_job(name, known, config):
                self.jobs[name] = old
            else:
                self._rebuild(name, old)
        for removed in old_jobs.values():
            self._forget(removed)
        if self.accounts.set_limits(config.settings):
            self.unpark_all()

    def set_tree(self, tree: NodeTree) -> None:
        """Take over ``tree``; every job's tasks are judged anew if it is another."""
        self.gate.has_nodes = True
        if tree.nodes == self.places.tree.nodes:
            return
        self.places = Places(tree)
        for attempt in tuple(self.attempts):
            path = self.places.path(attempt.place)
            self.attempts.update(attempt.task, path=path)
        self.rejudge_all()

    def rejudge_all(self) -> None:
        """Judge every task of every job anew."""
        for name, tasks in tuple(self.jobs.items()):
            self._rebuild(name, tasks)

    def rejudge(self, task: TaskId) -> None:
        """Judge one task anew."""
        tasks = self.jobs.get(task.job)
        if tasks is None or task.node not in tasks.standing:
            return
        if tasks.stand(task.node, self._judge(tasks, task.node)):
            self.open[task.job] = None

    def rejudge_dependents(self, task: TaskId) -> None:
        """Judge anew the tasks that wait for ``task``."""
        for job in self._dependents.get(task.job, ()):
            self.rejudge(TaskId(job, task.node))

    def dependents(self, task: TaskId) -> Iterator[tuple[JobTasks, NodeName]]:
        """Return the tasks whose job names the job of ``task`` in depends_on."""
        for job in self._dependents.get(task.job, ()):
            tasks = self.jobs[job]
            if task.node in tasks.standing:
                yield tasks, task.node

    def is_dependency_met(self, job: JobName, node: NodeName) -> bool:
        """Return whether ``job`` is done on ``node``; never for an unknown job."""
        status = self.book.get(TaskId(job, node))
        is_known = self.config is not None and job in self.config.jobs
        return is_known and status is not None and status.is_done

    def path_places(self, leaf: int) -> tuple[Place, ...]:
        """Return the places that a task on ``leaf`` takes resources of."""
        path = self.places.tree.path(leaf)
        return (*(self.places.at[index] for index in path), LOCAL_WORKER)

    def shortage_on_path(self, tasks: JobTasks, leaf: int) -> int | None:
        """Return the topmost node that is too full for a task on ``leaf``, if any.

        The worker is asked last, and stands for TOP.
        """
        needs = tasks.job.resources
        for index in self.places.tree.path(leaf):
            if self.accounts.shortage(self.places.at[index], needs) is not None:
                return index
        if self.accounts.shortage(LOCAL_WORKER, needs) is not None:
            return TOP
        return None

    def park(self, tasks: JobTasks, node: int) -> None:
        """Let what ``tasks`` has at and below ``node`` wait for room there."""
        tasks.candidates.park(node)
        self.parking.add(self._place(node), tasks.job.name, node)

    def unpark(self, gained: Iterable[Place]) -> None:
        """Wake the jobs that wait for room at those places and fit there now."""
        for place in gained:
            for name in self.parking.jobs_at(place):
                tasks = self.jobs[name]
                if self.accounts.shortage(place, tasks.job.resources) is None:
                    for node in self.parking.take(place, name):
                        tasks.candidates.unpark(node)
                    self.open[name] = None

    def unpark_all(self) -> None:
        """Wake every job: limits are others now."""
        self.parking = Parking()
        for name, tasks in self.jobs.items():
            for node in tuple(tasks.candidates.parked):
                tasks.candidates.unpark(node)
            self.open[name] = None

    def _place(self, node: int) -> Place:
        return LOCAL_WORKER if node == TOP else self.places.at[node]

    def _rebuild(self, name: JobName, old: JobTasks | None) -> None:
        assert self.config is not None
        if old is not None:
            self._forget(old)
        tasks = JobTasks(
            self.config.jobs[name],
            self.places,
            self.config.settings.node_order,
            self.rng,
        )
        tasks.last_start = old.last_start if old is not None else 0
        self.jobs[name] = tasks
        tasks.stand_all({node: self._judge(tasks, node) for node in tasks.nodes})
        self.open[name] = None

    def _forget(self, tasks: JobTasks) -> None:
        self.parking.forget(tasks.job.name)
        self.open.pop(tasks.job.name, None)

    def _judge(self, tasks: JobTasks, node: NodeName) -> Reason:
        job = tasks.job
        task = TaskId(job.name, node)
        if task in self.attempts:
            return Reason.RUNNING
        status = self.book.get(task)
        if status is not None and status.is_done:
            return Reason.DONE
        if status is not None and status.is_failed:
            return Reason.FAILED
        if not job.is_valid:
            return Reason.JOB_INVALID
        if not job.enabled:
            return Reason.JOB_DISABLED
        barred = tasks.eligible.barred.get(node)
        if barred is not None:
            return barred
        if self.book.is_waiting(task):
            return Reason.BACKOFF
        if not all(self.is_dependency_met(name, node) for name in job.depends_on):
            return Reason.DEPENDENCY
        return Reason.RUNNABLE


def _is_same_job(name: JobName, known: Config | None, config: Config) -> bool:
    """Return whether nothing that the tasks of that job depend on was edited."""
    job = config.jobs[name]
    return (
        known is not None
        and known.jobs[name] == job
        and known.settings.node_order is config.settings.node_order
        and all((on in known.jobs) == (on in config.jobs) for on in job.depends_on)
    )


def _dependents(config: Config) -> dict[JobName, list[JobName]]:
    dependents: dict[JobName, list[JobName]] = {}
    for name, job in config.jobs.items():
        for dependency in dict.fromkeys(job.depends_on):
            dependents.setdefault(dependency, []).append(name)
    return dependents
