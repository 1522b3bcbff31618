"""The first module that the program loads: quiet on signals from its first moment."""

import os
import signal
import sys


def main() -> None:
    """Run the command line; a signal before it is loaded ends the program quietly."""
    is_batch = any(
        word.replace("_", "-").startswith("--exit-when-done") for word in sys.argv[1:]
    )

    def end(number: int, _frame: object) -> None:
        # Nothing was begun, so nothing has to be undone.
        os._exit(128 + number if is_batch else 0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    # Imported late: this is what takes the time.
    from bistro_tui.cli.main import main as run

    run()
