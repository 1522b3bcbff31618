"""Running a worker, and what its end means."""

import asyncio
import logging
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from bistro_tui.cli import exit_codes
from bistro_tui.cli.collecting import loading
from bistro_tui.cli.engine_loop import run_engine
from bistro_tui.cli.log_lines import log_to_stderr
from bistro_tui.cli.notify import ServiceManager, take_service_manager
from bistro_tui.cli.remote_misfits import misfit_of_worker
from bistro_tui.cli.signals import signals_on_this_loop
from bistro_tui.cli.talk import say
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.errors import (
    BistroError,
    DataDirHeld,
    DataDirUnusable,
    NobodyListens,
)
from bistro_tui.engine.processes.dispositions import stop_passing_on_ignored_signals
from bistro_tui.engine.remote.token_place import TokenPlace
from bistro_tui.engine.remote.worker_token import WorkerToken
from bistro_tui.engine.worker.daemon import WorkerDaemon, WorkerEnd
from bistro_tui.engine.worker.options import WorkerOptions

log = logging.getLogger("bistro_tui")

START_SEC = 3.0
"""How long a scheduler of this host that is not there is waited for."""
_LOOK_SEC = 0.1


def run_worker(flags: dict[str, Any]) -> int:
    """Run a worker to its end and return the exit code."""
    stop_passing_on_ignored_signals()
    manager = take_service_manager(os.environ, pid=os.getpid())
    options = _options(flags)
    if misfit := misfit_of_worker(options.heartbeat_period_sec):
        say(f"warning: {misfit}")
    try:
        token = _token(options.token_place)
        log_to_stderr(flags["log_format"], journal=os.environ.get("JOURNAL_STREAM", ""))
        end = run_engine(_serve(options, token, manager, flags["ends_at_hangup"]))
    except DataDirHeld as error:
        say(
            f"bistro-tui: {error.path}: another worker or scheduler has it"
            f" ({error.holder})\n  stop that one first, or give this worker its own"
            " --data-dir and --shard-id"
        )
        return exit_codes.DATA_DIR_HELD
    except DataDirUnusable as error:
        say(f"bistro-tui: {error}")
        return exit_codes.DATA_DIR_UNUSABLE
    except BistroError as error:
        say(f"bistro-tui: {error}")
        return exit_codes.USAGE
    finally:
        logging.shutdown()
    if end.lost:
        # Statuses are with the scheduler; what becomes of output on a full disk is
        # promised. A service manager has to start again what was given up.
        say(f"bistro-tui: {end.lost}")
    return exit_codes.OK if end.was_asked else exit_codes.NOT_DONE


def _token(place: TokenPlace) -> WorkerToken:
    token, warning = _read(place)
    if warning:
        say(f"warning: {warning}")
    return token


def _read(place: TokenPlace) -> tuple[WorkerToken, str]:
    # One script may start both, and a scheduler takes a moment until it listens.
    for _ in range(round(START_SEC / _LOOK_SEC)):
        with suppress(NobodyListens):
            return place.read()
        time.sleep(_LOOK_SEC)
    return place.read()


def warn_of_command(command: str) -> None:
    """Say in the log that it cannot be run, which is no reason not to go on."""
    # Jobs may have commands of their own, and it may be there by the time it is needed.
    if shutil.which(command) is not None:
        return
    wrong = "there is no such program" + ("" if "/" in command else " on PATH")
    if "/" in command and Path(command).is_file():
        wrong = "it may not be executed; chmod +x makes it a program"
    elif "/" in command and Path(command).exists():
        wrong = "it is no program"
    log.warning(
        "--worker-command %s: %s. Tasks of jobs without a command fail here meanwhile",
        command,
        wrong,
    )


async def _serve(
    options: WorkerOptions,
    token: WorkerToken,
    manager: ServiceManager,
    ends_at_hangup: bool,
) -> WorkerEnd:
    with (
        signals_on_this_loop() as signals,
        ExitStack() as until_open,
        _Service(manager) as service,
    ):
        until_open.enter_context(loading())

        def opened() -> None:
            until_open.close()
            warn_of_command(options.worker_command)
            service.opened(lambda: daemon.words)

        daemon = WorkerDaemon(
            options,
            token,
            clock=SystemClock(),
            rng=random.SystemRandom(),
            on_open=opened,
            on_stopping=service.stopping,
            on_change=service.changed,
        )
        numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT]
        for number in numbers + [signal.SIGHUP] * ends_at_hangup:
            signals.call(number, partial(daemon.request_stop, number.name))
        return await daemon.run()


class _Service:
    """Tells a service manager, if there is one, how the worker is."""

    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager
        self._words: Callable[[], str] = lambda: ""
        self._telling: asyncio.Future[None] | None = None

    def __enter__(self) -> "_Service":
        """Begin; nothing is told before ``opened``."""
        return self

    def __exit__(self, *_: object) -> None:
        """Tell nothing more."""
        if self._telling is not None:
            self._telling.cancel()

    def opened(self, words: Callable[[], str]) -> None:
        """It dials from now on."""
        self._words = words
        self._manager.ready(words())
        if self._manager.listens:
            self._telling = asyncio.ensure_future(self._tell())

    def changed(self) -> None:
        """Its words may be others."""
        self._manager.status(self._words())

    def stopping(self) -> None:
        """It has begun to end."""
        self._words = lambda: ""
        self._manager.stopping("stopping: running tasks are ended")

    async def _tell(self) -> None:
        while True:
            if self._manager.watchdog_sec:
                self._manager.alive()
            self.changed()
            await asyncio.sleep(self._manager.pause_sec)


def _options(flags: dict[str, Any]) -> WorkerOptions:
    return WorkerOptions(
        scheduler_host=flags["scheduler_host"],
        scheduler_port=flags["scheduler_port"],
        worker_command=flags["worker_command"],
        shard=flags["shard_id"],
        data_dir=flags["data_dir"],
        token_file=flags["token_file"],
        server_port=flags["server_port"],
        heartbeat_period_sec=_period(flags["heartbeat_period_sec"]),
        nvidia_smi=flags["nvidia_smi"],
        refresh_usable_physical_resources_sec=_period(
            flags["refresh_usable_physical_resources_sec"]
        ),
        physical_resources_subprocess_timeout_ms=flags[
            "physical_resources_subprocess_timeout_ms"
        ],
        log_retention_sec=flags["log_retention"],
        log_prune_frequency_sec=flags["log_prune_frequency"],
        log_max_bytes=flags["log_max_bytes"],
    )


def _period(seconds: float) -> float:
    """Return a period as Bistro takes it: what is not above 0 counts as 1 second."""
    return seconds if seconds > 0 else 1.0
