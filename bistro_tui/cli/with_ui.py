"""Engine and screen in one process: the engine on its thread, the screen on this one.

The screen may end before the engine (the terminal went away, an error in the UI): the
engine does not notice, and this thread waits for it as a headless program would.
"""

import logging
import logging.handlers
import os
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from bistro_tui.cli.ending import Ending
from bistro_tui.cli.engine_thread import EngineThread
from bistro_tui.cli.log_lines import file_handler, log_to, log_to_stderr
from bistro_tui.cli.talk import say
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.view import EngineControl
from bistro_tui.present.ui_settings import UiSettings

if TYPE_CHECKING:
    from bistro_tui.app import UiOutcome

LOG_NAME = "bistro-tui.log"


def serve_with_ui(
    engine: Engine, *, keep_running: bool, log_format: str, settings: UiSettings
) -> Ending:
    """Show the screen until it is closed, and serve until the engine has stopped."""
    # The log file lies in the data directory, which is not ours before it is open.
    early = logging.handlers.MemoryHandler(10_000, flushLevel=logging.CRITICAL + 1)
    log_to(early)
    thread = EngineThread(engine)
    signals = _Signals()
    with signals.watched():
        thread.start()
        signals.stop_through(thread.request_stop)
        # Imported while the engine opens its files.
        from bistro_tui.app import BistroApp, run

        door = thread.wait_until_open()
        if door is None:
            return Ending(outcome=None, signal=signals.caught)
        log_file = file_handler(engine.data_dir / LOG_NAME)
        early.setTarget(log_file)
        early.close()
        log_to(log_file)
        attach_by = _attach_by(engine.data_dir)
        app = BistroApp(
            door,
            door,
            crash_dir=engine.data_dir,
            attach_by=attach_by,
            settings=settings,
        )
        thread.on_end(app.engine_finished)
        shown = run(app)
        _after_the_screen(shown, door, keep_running=keep_running, log_format=log_format)
        is_kept = keep_running or shown.end.value == "detached"
        signals.survive_terminal(lambda: None if is_kept else door.request_stop())
        if shown.end.value == "detached":
            say(
                "bistro-tui: the scheduler goes on without a screen"
                f" (process {os.getpid()}): {attach_by} shows it again, ctrl+c stops it"
            )
        outcome = thread.outcome()
    return Ending(outcome=outcome, signal=signals.caught or shown.stop_signal)


def _attach_by(data_dir: Path) -> str:
    """Return the command that shows this scheduler again, nothing if none could."""
    from bistro_tui.client.address import address_in

    socket = address_in(data_dir).socket
    if socket is None or not socket.exists():
        return ""
    return f"bistro-tui attach {shlex.quote(str(data_dir))}"


def _after_the_screen(
    shown: "UiOutcome", control: EngineControl, *, keep_running: bool, log_format: str
) -> None:
    """Do what the end of the UI means for the engine."""
    match shown.end.value:
        case "quit":
            control.request_stop()
        case "stopped" | "detached":
            pass
        case "terminal_gone":
            if not keep_running:
                control.request_stop()
        case "crashed":
            where = f" ({shown.crash_file})" if shown.crash_file else ""
            say(f"bistro-tui: the UI failed: {shown.error}{where}; the engine goes on")
            log_to_stderr(log_format)


class _Signals:
    """SIGINT and SIGTERM stop the engine, also before it is open."""

    def __init__(self) -> None:
        self.caught: int | None = None
        self._request_stop: Callable[[], None] = lambda: None

    def stop_through(self, request_stop: Callable[[], None]) -> None:
        """From now on a signal calls this; one that came earlier does so at once."""
        self._request_stop = request_stop
        if self.caught is not None:
            request_stop()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch inside the block and restore the former handlers after it."""
        kept = (*_WATCHED, signal.SIGHUP)
        former = {number: signal.getsignal(number) for number in kept}
        self.watch()
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def survive_terminal(self, hung_up: Callable[[], None]) -> None:
        """From now on the end of the terminal is not ours; ``hung_up`` is told of it.

        What is written afterwards goes nowhere.
        """
        from bistro_tui.terminal import let_go_of_terminal

        def on_hangup(_number: int, _frame: FrameType | None) -> None:
            let_go_of_terminal()
            hung_up()

        signal.signal(signal.SIGHUP, on_hangup)

    def watch(self) -> None:
        """Install the handlers."""
        for number in _WATCHED:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.caught is None:
            self.caught = number
        self._request_stop()


_WATCHED = (signal.SIGINT, signal.SIGTERM)
