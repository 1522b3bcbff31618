"""The engine without a screen, on the main thread."""

import logging
import os
import signal
from contextlib import ExitStack
from functools import partial

from bistro_tui.cli.collecting import loading
from bistro_tui.cli.ending import Ending
from bistro_tui.cli.engine_loop import run_engine
from bistro_tui.cli.log_lines import log_to_stderr
from bistro_tui.cli.notify import ServiceManager
from bistro_tui.cli.service import Service
from bistro_tui.cli.signals import signals_on_this_loop
from bistro_tui.cli.talk import say
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.serving import serve

log = logging.getLogger("bistro_tui")


def serve_headless(
    engine: Engine, *, log_format: str, manager: ServiceManager
) -> Ending:
    """Serve until stopped by a signal or done; log lines go to stderr."""
    log_to_stderr(log_format, journal=os.environ.get("JOURNAL_STREAM", ""))
    return run_engine(_serve(engine, manager))


async def _serve(engine: Engine, manager: ServiceManager) -> Ending:
    caught: list[int] = []

    def stop(number: int) -> None:
        caught.append(number)
        log.info("%s", signal.Signals(number).name)
        engine.request_stop()

    with (
        signals_on_this_loop() as signals,
        ExitStack() as until_open,
        Service(manager, engine, SystemClock()) as service,
    ):
        for number in (signal.SIGINT, signal.SIGTERM):
            signals.call(number, partial(stop, number))
        until_open.enter_context(loading())

        def opened() -> None:
            until_open.close()
            service.opened()

        signals.call(signal.SIGHUP, service.reload)
        outcome = await serve(engine, on_open=opened, announce=say)
    return Ending(outcome=outcome, signal=caught[0] if caught else None)
