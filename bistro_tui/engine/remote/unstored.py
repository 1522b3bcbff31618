"""Ends of attempts that arrived and are not on disk yet. Pure.

A worker that lost its connection sends an end again. It must not be told that it is
kept before it is, and its second copy must not count twice.
"""

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.pool_actions import StatusKind, StatusVerdict, Verdict


class Unstored:
    """Remembers the end of an attempt until it is settled: one at a time of each."""

    def __init__(self) -> None:
        self._ends: dict[InvocationId, tuple[TaskId, bool, InstanceId]] = {}
        """The task, whether it is a real status, and who told of it."""

    @property
    def workers(self) -> set[InstanceId]:
        """Those that told of an end that is not settled."""
        return {worker for _, _, worker in self._ends.values()}

    def judge(
        self,
        task: TaskId,
        invocation: InvocationId,
        kind: StatusKind,
        verdict: StatusVerdict,
        worker: InstanceId,
    ) -> StatusVerdict:
        """Return the verdict, another one if an end of it is just being stored.

        ``worker`` is who tells of it.
        """
        known = self._ends.get(invocation)
        if verdict.verdict is Verdict.ACKNOWLEDGE:
            if (
                kind is StatusKind.OVERWRITEABLE
                and known
                and known[:2] == (task, False)
            ):
                # Nothing better is known of it so far.
                return StatusVerdict(Verdict.STORING)
            return verdict
        if verdict.verdict is Verdict.REFUSED:
            return verdict
        if known is None:
            is_real = kind is not StatusKind.OVERWRITEABLE
            self._ends[invocation] = (task, is_real, worker)
            return verdict
        known_task, is_real, _ = known
        if known_task == task and is_real and verdict.verdict is Verdict.LATE:
            return StatusVerdict(Verdict.STORING)
        # What runs here all the same can end only when that is over.
        text = f"{task}: another status of attempt {invocation} is just being stored"
        return StatusVerdict(Verdict.REFUSED, text)

    def settled(self, task: TaskId, invocation: InvocationId) -> None:
        """Forget the end of that attempt."""
        known = self._ends.get(invocation)
        if known is not None and known[0] == task:
            del self._ends[invocation]
