"""The UI from its start to its end, on a terminal that is given back as it was."""

import asyncio
import os

from textual import constants

from bistro_tui.app import BistroApp
from bistro_tui.hangup import let_go_of_terminal, terminal_is_gone
from bistro_tui.own_terminal import own_terminal
from bistro_tui.terminal import signals_to, terminal_kept
from bistro_tui.ui_outcome import UiEnd, UiOutcome, crashed


def run(app: BistroApp) -> UiOutcome:
    """Run the UI until it ends, and say why it did; the terminal is as it was before.

    To be called from the main thread. While it runs, SIGINT, SIGTERM, SIGHUP and
    SIGTSTP are handled here; afterwards by whom they were before. Never raises for
    errors of the UI.
    """
    error: BaseException | str | None = None
    with terminal_kept(), own_terminal(app.crash_dir) as app.terminal:
        with signals_to(app.signal_came):
            try:
                if constants.DRIVER is None and not os.isatty(0):
                    # It went away while this began.
                    app.end = UiEnd.TERMINAL_GONE
                else:
                    asyncio.run(app.run_async(mouse=app.settings.mouse))
            except Exception as caught:  # noqa: BLE001 - errors of the UI end it alone
                error = caught
        app.terminal = None
    error = app.crash or error
    stop_signal = app.stop_signal
    if error is None or app.was_useful:
        app.leave_off()
    if app.end is UiEnd.TERMINAL_GONE or (error is not None and terminal_is_gone()):
        let_go_of_terminal()
        return UiOutcome(end=UiEnd.TERMINAL_GONE, stop_signal=stop_signal)
    if error is not None:
        return crashed(
            error, crash_dir=app.crash_dir, now=app.now(), stop_signal=stop_signal
        )
    return UiOutcome(end=app.end or UiEnd.STOPPED, stop_signal=stop_signal)
