"""What there is to see of a pool. Pure; nothing here changes it."""

from collections.abc import Collection

from bistro_tui.engine.ids import BEFORE_STARTS, TaskId
from bistro_tui.engine.remote.consensus import Consensus
from bistro_tui.engine.remote.given import AllGiven, Given
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.initial_wait import InitialWait
from bistro_tui.engine.remote.messages import RunningTask
from bistro_tui.engine.remote.pool_actions import Adopted, PoolAction, PoolRow
from bistro_tui.engine.remote.records import WorkerRecord
from bistro_tui.engine.remote.worker_state import WorkerState


class PoolLooks:
    """The workers by shard, in the order in which their shards came up."""

    def __init__(
        self, *, consensus: Consensus, wait: InitialWait, given: AllGiven
    ) -> None:
        self._records: dict[str, WorkerRecord] = {}
        self._holders: dict[TaskId, WorkerRecord] = {}
        self._consensus = consensus
        self._wait = wait
        self._given = given
        self._has_given_up = False
        """Whether tasks were lost that may have been alive then."""
        self._had_another_scheduler = False
        """Whether a worker did that may have left tasks somewhere."""

    @property
    def wait_text(self) -> str:
        """What the initial wait waits for; empty: it is over."""
        return self._wait.text

    @property
    def wait_until(self) -> float:
        """When that is over at the latest."""
        return self._wait.until

    @property
    def wait_ends_with_first(self) -> bool:
        """Whether it is over with the first worker, as nobody can be missing."""
        return self._wait.ends_with_first

    @property
    def wait_next_look(self) -> float:
        """Until then nobody looks whether it is over."""
        return self._wait.next_look

    @property
    def has_all_of_before(self) -> bool:
        """Whether all workers that may have tasks of a scheduler before are there.

        They agree that they are all that it had, or what has to be known of each is.
        Unless what others run is not known yet, that ends the wait at the next look.
        """
        return self._consensus.has_initial_consensus() or (
            self._given.awaited is not None
            and not self._given.awaited
            and any(one.is_known for one in self._records.values())
        )

    @property
    def awaited(self) -> Collection[InstanceId] | None:
        """Of those that may have tasks of before, who is missing; None: not known."""
        return self._given.awaited

    @property
    def is_note_behind(self) -> bool:
        """Whether ``given`` has to be on disk before a worker gets or has a task."""
        return self._given.is_behind(has_unstored=self._consensus.has_unstored)

    def given(self) -> tuple[Given, ...] | None:
        """Return who may have tasks, for the next start; None: nobody knows."""
        records = self._records.values()
        return self._given.to_note(
            (one.worker for one in records if one.state is not WorkerState.MUST_DIE),
            is_waiting=bool(self._wait.text),
            is_safe=self._wait.is_safe,
            has_unstored=self._consensus.has_unstored,
        )

    def noted(self, given: tuple[Given, ...] | None) -> None:
        """Take note that this is on disk."""
        self._given.noted(given, has_unstored=self._consensus.has_unstored)

    @property
    def is_at_rest(self) -> bool:
        """Whether no worker, known or not, can have a task of this scheduler's data."""
        return (
            not self._wait.text
            and self._wait.is_safe
            and not self._has_given_up
            and not self._consensus.has_unstored
            and not self._holders
            and all(
                record.state is not WorkerState.NEW and not record.running
                for record in self._records.values()
            )
        )

    @property
    def may_have_tasks(self) -> bool:
        """Whether what workers say does not rule out that one has a task."""
        return self._had_another_scheduler or bool(self._holders)

    @property
    def set_version(self) -> int:
        """Of the present set of workers: another one for each that comes or goes."""
        return self._consensus.current.version

    def rows(self) -> tuple[PoolRow, ...]:
        """Return all workers, in an order that stays as it is."""
        return tuple(self._row(record) for record in self._records.values())

    @property
    def has_workers(self) -> bool:
        """Whether there are any, lost ones among them."""
        return bool(self._records)

    def row(self, shard: str) -> PoolRow | None:
        """Return the owner of ``shard``, None if none is known."""
        record = self._records.get(shard)
        return None if record is None else self._row(record)

    def host(self, shard: str) -> str | None:
        """Return the name of the host of that owner, None if none is known."""
        record = self._records.get(shard)
        return None if record is None else record.worker.lock.hostname

    def running(self, shard: str) -> tuple[RunningTask, ...]:
        """Return what the owner of ``shard`` runs, as far as is known."""
        record = self._records.get(shard)
        return () if record is None else tuple(record.running.values())

    def found(self, task: TaskId) -> list[PoolAction]:
        """Return that a worker has an attempt at that task; empty if none has."""
        holder = self._holders.get(task)
        return [] if holder is None else [Adopted((holder.running[task],))]

    def _row(self, record: WorkerRecord) -> PoolRow:
        row = record.row()
        if row.takes_tasks and self._wait.text:
            return row._replace(takes_tasks=False, why_not=BEFORE_STARTS)
        return row

    def _owner(self, shard: str, worker: InstanceId) -> WorkerRecord | None:
        record = self._records.get(shard)
        if record is None or record.worker.id != worker:
            return None
        return record
