"""What the engine has to do with workers that connect to it, if its runner has any."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.options import REMOTE, EngineOptions
from bistro_tui.engine.runners.protocol import TaskRunner
from bistro_tui.engine.scheduling.events import Event, HostReported

if TYPE_CHECKING:
    from bistro_tui.engine.runners.remote import RemoteRunner


class Elsewhere:
    """Nothing at all, with a runner for this host alone."""

    def __init__(self, runner: TaskRunner | None, options: EngineOptions) -> None:
        self._runner = runner
        self.workers: RemoteRunner | None = None
        """What runs tasks there."""
        if options.has_remote_workers:
            self.workers = getattr(runner, "remote", None)
        self.are_all = options.runner_name == REMOTE
        """Whether no task runs on this host."""

    async def open(
        self,
        data_dir: DataDir,
        *,
        on_given_up: Callable[[], None],
        on_looked: Callable[[], None],
    ) -> None:
        """Let workers in; what they say is heard in later turns of the loop.

        ``on_given_up`` hears when ``given_up`` has grown, ``on_looked`` now and then
        that rows may have changed. Raises DataDirUnusable.
        """
        if self.workers is None:
            return
        from bistro_tui.engine.runners.with_workers import open_to_workers

        self.workers.on_given_up = on_given_up
        self.workers.on_looked = on_looked
        await open_to_workers(self.workers, data_dir.run)

    @property
    def address(self) -> str:
        """Where workers connect, as ``HOST:PORT``; empty where none can."""
        door = self.workers.door if self.workers is not None else None
        return door.address if door is not None else ""

    @property
    def given_up(self) -> int:
        """Attempts to be ended that nobody can be asked to end, for too long."""
        return self.workers.given_up if self.workers is not None else 0

    def take_over_no_more(self) -> None:
        """Leave what workers run that come from now on to the next start."""
        if self.workers is not None:
            self.workers.take_over_no_more()

    def follow(self, events: Sequence[Event]) -> None:
        """Let a runner know of this host that has it as one of several workers."""
        host_is = getattr(self._runner, "host_is", None)
        if self.workers is not None and host_is is not None:
            for event in events:
                if isinstance(event, HostReported):
                    host_is(event.host)
