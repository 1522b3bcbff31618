"""A start after a run that died: real files and a real store, a core of lists."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bistro_tui.engine.clock import Now
from bistro_tui.engine.config.model import Job
from bistro_tui.engine.ids import InvocationId, JobName, TaskId
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.recovery.adoption import Adopters, History
from bistro_tui.engine.recovery.journals import find_journals
from bistro_tui.engine.recovery.recovery import Recovery, Told
from bistro_tui.engine.scheduling.events import (
    AttemptGone,
    AttemptLeft,
    AttemptsRecovering,
    StartsPaused,
    StartsResumed,
)
from bistro_tui.engine.statuses.attempts import LastAttempt, StatusPlace
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import StatusStore
from tests.engine.recovery.builders import PLACE, LeftRun
from tests.engine.recovery.processes import locked_by_child

NOW = 1_700_000_100.0


class Start:
    """One start of a scheduler, as far as the run before concerns it."""

    def __init__(
        self,
        run: Path,
        store: StatusStore,
        *,
        jobs: Sequence[Job] = (),
        remembers: bool = True,
        adopts: bool = True,
        place: StatusPlace = PLACE,
        unknown: Sequence[TaskId] = (),
    ) -> None:
        """``unknown``: tasks of which nobody knows what they take."""
        self._store = store
        self._jobs = {job.name: job for job in jobs}
        self._remembers = remembers
        self._unstored: list[AttemptLeft] = []
        self.known: dict[TaskId, TaskStatus] = {}
        self.adopted: list[AttemptLeft] = []
        self.records: list[AttemptRecord] = []
        self.recorded: tuple[AttemptRecord, ...] = ()
        """Those that are stored."""
        self.written: set[InvocationId] = set()
        """Attempts that the log store has records of."""
        self.output: dict[tuple[TaskId, Stream], list[bytes]] = {}
        self.pauses: list[str] = []
        self.is_resumed = False
        self.recovering: dict[TaskId, set[InvocationId]] = {}
        """The tasks that keep their room now."""
        self.first_recovering: set[str] = set()
        """The nodes of those that ever did."""
        journals, self.troubles = find_journals(run)
        adopters = Adopters(
            place=place,
            clock=self,
            sink=self,
            statuses=self,
            job=self._job,
            status=self.known.get,
            feed=self._adopt,
            flush=self._flush,
            left=self._left,
            recorded=self._written,
            host="here",
        )
        self.recovery = Recovery(
            journals,
            adopters if adopts else None,
            feed=self._hear,
            can_keep_room=lambda task: task not in unknown,
            history=History(
                clock=self,
                job=self._job,
                record=self.records.append,
                flush=self._flush_records,
            ),
        )

    async def run(self) -> None:
        """Do all of it."""
        self.known.update(await self._store.load())
        self.recovery.announce()
        async with asyncio.timeout(20):
            await self.recovery.run()

    # What adopters are asked.

    is_behind = False

    def now(self) -> Now:
        return Now(wall=NOW, mono=0.0)

    def write(self, task: TaskId, stream: Stream, lines: Sequence[bytes]) -> None:
        self.output.setdefault((task, stream), []).extend(lines)

    def partial(self, task: TaskId, stream: Stream, text: bytes) -> None:
        raise NotImplementedError

    async def last_attempts(
        self, tasks: Sequence[TaskId]
    ) -> Mapping[TaskId, LastAttempt]:
        return await self._store.last_attempts(tasks) if self._remembers else {}

    def _job(self, name: JobName) -> Job | None:
        return self._jobs.get(name)

    def _adopt(self, left: Sequence[AttemptLeft]) -> None:
        self.adopted += left
        self._unstored += left
        for task, invocation, _ in left:
            self._let_go(task, invocation)

    @contextmanager
    def _left(self, records: Sequence[AttemptRecord]) -> Iterator[None]:
        before = len(self.adopted)
        yield
        assert len(self.adopted) == before + len(records), "fed outside"
        self.records += records

    async def _written(
        self, invocations: Sequence[InvocationId]
    ) -> Collection[InvocationId]:
        return self.written & set(invocations)

    async def _flush_records(self) -> None:
        self.recorded = tuple(self.records)

    async def _flush(self) -> None:
        rows = [(one.task, one.reported, one.invocation) for one in self._unstored]
        self._unstored.clear()
        await self._store.save_attempts(rows)

    def _hear(self, events: Sequence[Told]) -> None:
        for event in events:
            match event:
                case StartsPaused(_, text):
                    self.pauses.append(text)
                    self.is_resumed = False
                case StartsResumed():
                    self.is_resumed = True
                case AttemptsRecovering(found):
                    assert not self.is_resumed, "they may have started meanwhile"
                    for one in found:
                        self.recovering.setdefault(one.task, set()).add(one.invocation)
                    self.first_recovering = {task.node for task in self.recovering}
                case AttemptGone(task, invocation):
                    self._let_go(task, invocation)

    def _let_go(self, task: TaskId, invocation: InvocationId) -> None:
        self.recovering.get(task, set()).discard(invocation)
        if not self.recovering.get(task):
            self.recovering.pop(task, None)


@asynccontextmanager
async def store_at(directory: Path) -> AsyncIterator[StatusStore]:
    store = await StatusStore.open(directory / "statuses.sql3", "task_statuses")
    try:
        yield store
    finally:
        await store.close()


@contextmanager
def warden_of(run: LeftRun) -> Iterator["subprocess.Popen[bytes]"]:
    """Have a living process hold the journal of ``run``, which names it."""
    run.write()
    with locked_by_child(run.journal) as warden:
        run.warden_pid = warden.pid
        run.write()
        yield warden


def outcome(start: Start) -> dict[str, str]:
    return {
        one.task.node: str(one.reported.data.get("exception", one.reported.bits.name))
        for one in start.adopted
    }
