"""The engine on a thread of its own, for when the screen has the main one."""

import asyncio
import threading

from bistro_tui.engine.door import InProcessDoor
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.outcome import Outcome


class EngineThread:
    """Runs an engine to its end; errors come back to whoever asks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = threading.Thread(
            target=self._run, name="bistro engine", daemon=True
        )
        self._opened = threading.Event()
        self._error: BaseException | None = None
        self._outcome: Outcome | None = None
        self._door: InProcessDoor | None = None

    def start(self) -> None:
        """Begin to open the engine."""
        self._thread.start()

    def wait_until_open(self) -> InProcessDoor:
        """Return the door to the opened engine, or raise what went wrong."""
        self._opened.wait()
        if self._error is not None:
            raise self._error
        assert self._door is not None
        return self._door

    def outcome(self) -> Outcome:
        """Wait for the end and return what the run came to."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._outcome is not None
        return self._outcome

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            self._error = error
        finally:
            self._opened.set()

    async def _serve(self) -> None:
        await self._engine.open()
        self._door = InProcessDoor(self._engine, asyncio.get_running_loop())
        self._opened.set()
        self._outcome = await self._engine.run()
