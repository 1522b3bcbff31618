"""Where a task stands as far as it goes itself: the checks before anything shared.

Source: Bistro, scheduler/Scheduler (candidates) and config/Job.
"""

from collections.abc import Collection, Mapping

from bistro_tui.engine.config.model import Job
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.scheduling.attempts import Attempts
from bistro_tui.engine.scheduling.job_tasks import CODE, RUNNABLE, JobTasks
from bistro_tui.engine.scheduling.leftovers import Leftovers
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.status_book import StatusBook

_RUNNING = CODE[Reason.RUNNING]
_DONE = CODE[Reason.DONE]
_FAILED = CODE[Reason.FAILED]
_INVALID = CODE[Reason.JOB_INVALID]
_DISABLED = CODE[Reason.JOB_DISABLED]
_BACKOFF = CODE[Reason.BACKOFF]
_DEPENDENCY = CODE[Reason.DEPENDENCY]
_RECOVERING = CODE[Reason.RECOVERING]


class Judge:
    """Says where tasks stand, by number of the reason."""

    def __init__(
        self, book: StatusBook, attempts: Attempts, leftovers: Leftovers
    ) -> None:
        self._book = book
        self._attempts = attempts
        self._leftovers = leftovers
        self.jobs: Mapping[JobName, Job] = {}
        """The jobs of the config, for what depends on them."""

    def one(self, tasks: JobTasks, slot: int) -> int:
        """Return where the task of ``slot`` stands."""
        job, node = tasks.job, tasks.slots.names[slot]
        task = TaskId(job.name, node)
        if task in self._attempts:
            return _RUNNING
        status = self._book.get(task)
        if status is not None:
            if status.is_done:
                return _DONE
            if status.is_failed:
                return _FAILED
        if not job.is_valid:
            return _INVALID
        if not job.enabled:
            return _DISABLED
        barred = tasks.eligible.barred.get(slot)
        if barred is not None:
            return CODE[barred]
        if self._book.is_waiting(task):
            return _BACKOFF
        if not all(self.is_dependency_met(name, node) for name in job.depends_on):
            return _DEPENDENCY
        return _RECOVERING if task in self._leftovers else RUNNABLE

    def all_of(self, tasks: JobTasks, busy: Collection[NodeName]) -> bytearray:
        """Return where every task of a job stands, by slot.

        ``busy`` is where it runs, is recovering, or where a status is on its way to
        the store. Only tasks that something is known of are looked at one by one.
        """
        job = tasks.job
        usual = RUNNABLE
        if not job.is_valid:
            usual = _INVALID
        elif not job.enabled:
            usual = _DISABLED
        elif job.depends_on:
            usual = _DEPENDENCY
        standing = bytearray([usual]) * len(tasks.slots)
        if job.can_run:
            for slot, reason in tasks.eligible.barred.items():
                standing[slot] = CODE[reason]
            if job.depends_on:
                known = self._known_of(tasks, job.depends_on[0])
                self._rejudge(tasks, standing, known)
        self._judge_known(tasks, standing)
        self._rejudge(tasks, standing, busy)
        return standing

    def _judge_known(self, tasks: JobTasks, standing: bytearray) -> None:
        """Judge the tasks with a status; those that run are judged again after it."""
        find, statuses = tasks.slots.find, self._book.of_job(tasks.name)
        for node in self._known_of(tasks, tasks.name):
            slot = find(node)
            if slot is not None:
                # Most of very many; the others need a look at all that is known.
                is_done = statuses[node].is_done
                standing[slot] = _DONE if is_done else self.one(tasks, slot)

    def _known_of(self, tasks: JobTasks, job: JobName) -> Collection[NodeName]:
        """Return the nodes with a status of ``job``, or enough of them."""
        known = self._book.of_job(job)
        if len(known) <= len(tasks.slots):
            return known
        # Most are of nodes that came and went.
        return [name for name in tasks.slots.names if name in known]

    def _rejudge(
        self, tasks: JobTasks, standing: bytearray, nodes: Collection[NodeName]
    ) -> None:
        for node in nodes:
            slot = tasks.slots.find(node)
            if slot is not None:
                standing[slot] = self.one(tasks, slot)

    def is_dependency_met(self, job: JobName, node: NodeName) -> bool:
        """Return whether ``job`` is done on ``node``; never for an unknown job."""
        if job not in self.jobs:
            return False
        status = self._book.of_job(job).get(node)
        return status is not None and status.is_done
