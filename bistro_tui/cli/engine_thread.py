"""The engine on a thread of its own, for when the screen has the main one."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

from bistro_tui.cli.collecting import loading
from bistro_tui.cli.engine_loop import run_engine
from bistro_tui.cli.talk import say
from bistro_tui.engine.door import InProcessDoor
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.outcome import Outcome
from bistro_tui.engine.serving import serve


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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_end: Callable[[], None] = lambda: None
        self._is_to_stop = False

    def start(self) -> None:
        """Begin to open the engine."""
        self._thread.start()

    def request_stop(self) -> None:
        """Stop the engine, also while it is being opened."""
        self._is_to_stop = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._engine.request_stop)

    def wait_until_open(self) -> InProcessDoor | None:
        """Return the door to the opened engine, None if it was stopped before.

        Raises what went wrong.
        """
        self._opened.wait()
        if self._error is not None:
            raise self._error
        return self._door

    def on_end(self, tell: Callable[[], None]) -> None:
        """Have ``tell`` called on the engine's thread at its end, whatever ends it."""
        self._on_end = tell
        if not self._thread.is_alive():
            tell()

    def outcome(self) -> Outcome | None:
        """Wait for the end and return what the run came to, None if it never ran."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._outcome

    def _run(self) -> None:
        try:
            run_engine(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            self._error = error
        finally:
            self._opened.set()
            self._on_end()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._is_to_stop:
            # Asked for while there was no loop to pass it on to.
            self._engine.request_stop()
        with contextlib.ExitStack() as until_open:
            until_open.enter_context(loading())

            def opened() -> None:
                until_open.close()
                self._door = InProcessDoor(self._engine, asyncio.get_running_loop())
                self._opened.set()

            try:
                self._outcome = await serve(self._engine, on_open=opened, announce=say)
            finally:
                if self._door is not None:
                    self._door.close()
