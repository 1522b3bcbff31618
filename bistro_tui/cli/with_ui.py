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

from bistro_tui.cli.collecting import loading
from bistro_tui.cli.ending import Ending
from bistro_tui.cli.engine_thread import EngineThread
from bistro_tui.cli.log_lines import file_handler, log_to, log_to_stderr
from bistro_tui.cli.screen_settings import tell_problems
from bistro_tui.cli.signals import ignore
from bistro_tui.cli.talk import say
from bistro_tui.engine.engine import Engine
from bistro_tui.hangup import let_go_of_terminal
from bistro_tui.present.ui_settings import UiSettings

if TYPE_CHECKING:
    from bistro_tui.ui_outcome import UiOutcome

LOG_NAME = "bistro-tui.log"


def serve_with_ui(
    engine: Engine, *, keep_running: bool, log_format: str, settings: UiSettings
) -> Ending:
    """Show the screen until it is closed, and serve until the engine has stopped."""
    # The log file lies in the data directory, which is not ours before it is open.
    early = logging.handlers.MemoryHandler(10_000, flushLevel=logging.CRITICAL + 1)
    log_to(early)
    thread = EngineThread(engine)
    signals = _Signals(is_kept=keep_running)
    with signals.watched():
        thread.start()
        signals.stop_through(thread.request_stop)
        # Imported while the engine opens its files.
        with loading():
            from bistro_tui.app import BistroApp
            from bistro_tui.ui_run import run

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
        tell_problems(app.settings_problems)
        thread.on_end(app.engine_finished)
        shown = run(app)
        match shown.end.value:
            case "quit":
                door.request_stop()
            case "terminal_gone":
                signals.hang_up()
            case "crashed":
                _tell_of_crash(shown, log_format=log_format)
            case "detached":
                signals.is_kept = True
                say(
                    "bistro-tui: the scheduler goes on without a screen (process"
                    f" {os.getpid()}): {attach_by} shows it again, ctrl+c stops it"
                )
            case "stopped":
                pass
        outcome = thread.outcome()
    return Ending(outcome=outcome, signal=signals.caught or shown.stop_signal)


def _attach_by(data_dir: Path) -> str:
    """Return the command that shows this scheduler again, nothing if none could."""
    from bistro_tui.client.address import address_in

    socket = address_in(data_dir).socket
    if socket is None or not socket.exists():
        return ""
    return f"bistro-tui attach {shlex.quote(str(data_dir))}"


def _tell_of_crash(shown: "UiOutcome", *, log_format: str) -> None:
    where = f" ({shown.crash_file})" if shown.crash_file else ""
    say(f"bistro-tui: the UI failed: {shown.error}{where}; the engine goes on")
    log_to_stderr(log_format)


class _Signals:
    """SIGINT and SIGTERM stop the engine, also before it is open.

    So does the end of the terminal, once, unless the engine is to be kept.
    """

    def __init__(self, *, is_kept: bool) -> None:
        self.caught: int | None = None
        self.is_kept = is_kept
        self._is_hung_up = False
        self._request_stop: Callable[[], None] = lambda: None

    def stop_through(self, request_stop: Callable[[], None]) -> None:
        """From now on a signal calls this; one that came earlier does so at once."""
        self._request_stop = request_stop
        if self.caught is not None or (self._is_hung_up and not self.is_kept):
            request_stop()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch inside the block, and ignore them after it."""
        watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in watched:
            signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            ignore(watched)

    def hang_up(self) -> None:
        """Go on without the terminal; what is written from now on goes nowhere."""
        let_go_of_terminal()
        if self._is_hung_up:
            # The kernel and a shell may both tell of it: that is no second wish.
            return
        self._is_hung_up = True
        if not self.is_kept:
            self._request_stop()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self.hang_up()
            return
        if self.caught is None:
            self.caught = number
        self._request_stop()
