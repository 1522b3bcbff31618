"""The engine without a screen, on the main thread."""

import asyncio
import logging
import os
import signal
from contextlib import ExitStack

from bistro_tui.cli.collecting import loading
from bistro_tui.cli.ending import Ending
from bistro_tui.cli.engine_loop import run_engine
from bistro_tui.cli.log_lines import log_to_stderr
from bistro_tui.cli.notify import ServiceManager
from bistro_tui.cli.service import Service
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
    loop = asyncio.get_running_loop()
    caught: list[int] = []

    def stop(number: int) -> None:
        caught.append(number)
        log.info("%s", signal.Signals(number).name)
        engine.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    with ExitStack() as until_open, Service(manager, engine, SystemClock()) as service:
        until_open.enter_context(loading())

        def opened() -> None:
            until_open.close()
            service.opened()

        loop.add_signal_handler(signal.SIGHUP, service.reload)
        outcome = await serve(engine, on_open=opened, announce=say)
    return Ending(outcome=outcome, signal=caught[0] if caught else None)
