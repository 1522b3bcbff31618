"""Where statuses are kept: what every status store is, and how one is opened."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.foreign import is_failure
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.installed import Part, described
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.storable import check_storable

STORE_METHODS = ("load", "save", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreContext:
    """What a status store is opened with."""

    data_dir: Path
    """The data directory, of which a store may use files of its own."""
    table: str
    """The value of ``--status-table``."""
    clock: Clock
    read_only: bool = False
    """Only ``load`` will be called, and nothing may be made or changed: another
    scheduler may be using the store, or nobody ever has."""


class StatusKeeper(Protocol):
    """An open status store. All calls come from one loop, one at a time."""

    async def load(self) -> Mapping[TaskId, TaskStatus]:
        """Return everything that is stored."""
        ...

    async def save(self, rows: Sequence[tuple[TaskId, TaskStatus]]) -> None:
        """Write all rows or none; durable when this returns.

        A later row for the same task replaces an earlier one. After an exception the
        same rows come again a second later, until they are stored.
        """
        ...

    async def close(self) -> None:
        """Give back what is open."""
        ...


StatusStoreFactory: TypeAlias = Callable[[StoreContext], Awaitable[StatusKeeper]]
"""What an entry point of ``bistro_tui.status_stores`` names."""


@runtime_checkable
class AttemptKeeper(Protocol):
    """A store that also knows from which attempt each status is."""

    @property
    def commits(self) -> int:
        """How many commits were begun, over all runs; 0 if it does not count them."""
        ...

    async def save_attempts(
        self, rows: Sequence[tuple[TaskId, TaskStatus, InvocationId | None]]
    ) -> None:
        """Write all rows or none, as ``StatusKeeper.save`` does.

        None leaves the attempt that is stored for that task.
        """
        ...

    async def last_attempts(
        self, tasks: Sequence[TaskId]
    ) -> Mapping[TaskId, LastAttempt]:
        """Return the last attempt at each of these tasks, where it is known."""
        ...


def with_attempts(store: StatusKeeper) -> AttemptKeeper:
    """Return ``store`` itself if it knows attempts, else one that forgets them."""
    return store if isinstance(store, AttemptKeeper) else _WithoutAttempts(store)


class _WithoutAttempts:
    commits = 0

    def __init__(self, store: StatusKeeper) -> None:
        self._store = store

    async def save_attempts(
        self, rows: Sequence[tuple[TaskId, TaskStatus, InvocationId | None]]
    ) -> None:
        await self._store.save([(task, status) for task, status, _ in rows])

    async def last_attempts(
        self, _tasks: Sequence[TaskId]
    ) -> Mapping[TaskId, LastAttempt]:
        return {}


class GuardedStore:
    """A plug-in's store: whatever it raises is one of the errors that we expect."""

    def __init__(self, part: Part, store: StatusKeeper, data_dir: Path) -> None:
        self._part, self._store, self._data_dir = part, store, data_dir

    async def load(self) -> Mapping[TaskId, TaskStatus]:
        """Return everything that is stored; DataDirUnusable if that fails."""
        try:
            found = dict(await self._store.load())
            return dict(_checked(key, status) for key, status in found.items())
        except BaseException as error:
            if not is_failure(error):
                raise
            raise unusable_store(self._part, self._data_dir, error) from error

    async def save(self, rows: Sequence[tuple[TaskId, TaskStatus]]) -> None:
        """Write all rows; OSError if that fails."""
        try:
            await self._store.save(rows)
        except BaseException as error:
            if not is_failure(error):
                raise
            raise OSError(f"{self._part}: {described(error)}") from error

    async def close(self) -> None:
        """Close it; OSError if that fails."""
        try:
            await self._store.close()
        except BaseException as error:
            if not is_failure(error):
                raise
            raise OSError(f"{self._part}: {described(error)}") from error


def _checked(key: object, status: object) -> tuple[TaskId, TaskStatus]:
    match key:
        case (str(job), str(node)):
            task = TaskId(JobName(job), NodeName(node))
        case _:
            raise TypeError(f"a TaskId is wanted, not {key!r}")
    if not isinstance(status, TaskStatus):
        raise TypeError(f"a TaskStatus is wanted, not {status!r}")
    try:
        check_storable(status)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the status of {task} is none: {error}") from error
    return task, status


def unusable_store(part: Part, data_dir: Path, error: BaseException) -> DataDirUnusable:
    """Return what to tell a person about a plug-in's store that cannot be used."""
    return DataDirUnusable(
        data_dir,
        f"the {part} cannot be used: {described(error)}",
        "repair that, or choose another one with --status-store",
    )
