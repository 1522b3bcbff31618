"""Statuses from workers: told of once, answered when they are on disk."""

import logging
from collections.abc import Callable, Sequence

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ids import InvocationId, NodeName, TaskId
from bistro_tui.engine.logs.attempts import as_bytes, as_seconds
from bistro_tui.engine.remote.bounds import LONGEST_TEXT
from bistro_tui.engine.remote.link import Answerer, Peer
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    Done,
    RunningTask,
    UpdateStatus,
)
from bistro_tui.engine.remote.outcomes import Refused
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.pool_actions import StatusKind, Verdict
from bistro_tui.engine.runners.protocol import AttemptEnded, LateStatus, RunnerReport
from bistro_tui.engine.runners.remote_orders import backoff_of
from bistro_tui.engine.runners.remote_voice import RemoteVoice
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.passed_on import from_text
from bistro_tui.engine.statuses.status import TaskStatus

log = logging.getLogger("bistro_tui")

MOST_KNOWN = 10_000
"""Attempts that are not warned of when they tell their ends once more."""
MOST_ANSWERS = 10
"""To one status that is being stored."""


class RemoteStatuses:
    """A worker sends a status again until it is answered ``Done``."""

    def __init__(
        self,
        pool: Pool,
        *,
        clock: Clock,
        tell: Callable[[RunnerReport], None],
        over: Callable[[InvocationId], None],
        voice: RemoteVoice,
        is_kept: bool = True,
    ) -> None:
        """``over`` hears of attempts that have ended.

        ``is_kept``: whether a scheduler after this one finds what is stored.
        """
        self._pool, self._clock = pool, clock
        self._tell, self._over = tell, over
        self._voice = voice
        self._is_kept = is_kept
        self._unstored: dict[InvocationId, dict[TaskId, list[Answerer]]] = {}
        """Who wants to know when a status is on disk. An attempt is at one task, but
        that is what a worker says."""
        self._known: dict[InvocationId, TaskId] = {}
        """Attempts that told a real end, the newest last."""

    def arrived(self, peer: Peer, body: UpdateStatus, answer: Answerer) -> None:
        """Take a status; ``answer`` is called now or when it is on disk."""
        task, now = body.task, self._clock.now()
        if (task.shard, body.worker) != (peer.shard, peer.worker):
            answer(Refused("it is another worker than the one that connected"))
            return
        status = from_text(body.status, now_wall=now.wall)
        kind = _kind(body.status, status)
        verdict, text = self._pool.status_arrived(body, kind, now.elapsed)
        if verdict is Verdict.REFUSED:
            answer(Refused(text))
            return
        self._say(peer.shard, task, text)
        if _is_an_end(kind) and task.task.job != HEALTH_CHECK:
            self._heard(task)
        if verdict is Verdict.ACKNOWLEDGE:
            answer(Done())
            return
        self._wait(task.task, task.invocation, answer)
        if verdict is Verdict.ENDED:
            self._over(task.invocation)
            self._tell(_ended(body, status))
        elif verdict is Verdict.LATE:
            self._tell(_late(body, status))

    @property
    def is_idle(self) -> bool:
        """Whether every status that arrived is on disk, or needs not be."""
        return not self._unstored

    def settled(self, invocations: Sequence[InvocationId]) -> None:
        """Answer what is on disk by now, or needs not be."""
        for invocation in invocations:
            if self._is_kept:
                self._pool.lost_is_stored(invocation)
            for task, answers in self._unstored.pop(invocation, {}).items():
                self._pool.settled(task, invocation)
                for answer in answers:
                    answer(Done())

    def _say(self, shard: str, task: RunningTask, text: str) -> None:
        if not text:
            return
        found = f"worker {shard}: {text}"
        if self._known.get(task.invocation) == task.task:
            # It did not hear that this is on disk, and tells it once more.
            log.debug("%s", found)
        else:
            self._voice.warn(shard, found)

    def _heard(self, task: RunningTask) -> None:
        self._known.pop(task.invocation, None)
        self._known[task.invocation] = task.task
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]

    def _wait(self, task: TaskId, invocation: InvocationId, answer: Answerer) -> None:
        answers = self._unstored.setdefault(invocation, {}).setdefault(task, [])
        answers.append(answer)
        # It is asked again until it is answered, and those asked before have given up.
        del answers[:-MOST_ANSWERS]


def _is_an_end(kind: StatusKind) -> bool:
    return kind in (StatusKind.DONE, StatusKind.OTHER)


def _ended(body: UpdateStatus, status: TaskStatus) -> AttemptEnded:
    task, exit_text = body.task, body.exit_text[:LONGEST_TEXT]
    name, invocation = task.task, task.invocation
    peak, cpu = as_bytes(body.peak_memory), as_seconds(body.cpu_seconds)
    return AttemptEnded(name, invocation, status, exit_text, peak, cpu)


def _late(body: UpdateStatus, status: TaskStatus) -> LateStatus:
    task, exit_text = body.task, body.exit_text[:LONGEST_TEXT]
    backoff = backoff_of(task)
    worker = NodeName(task.shard)
    return LateStatus(task.task, task.invocation, status, backoff, exit_text, worker)


def _kind(text: str, status: TaskStatus) -> StatusKind:
    if text == "running":
        return StatusKind.RUNNING
    if Bits.OVERWRITEABLE in status.bits:
        return StatusKind.OVERWRITEABLE
    return StatusKind.DONE if status.is_done else StatusKind.OTHER
