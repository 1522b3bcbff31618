"""The ``stop`` command: a running scheduler ends its tasks, and then itself."""

import json
import os
import select
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.asking import asking_options, connected
from bistro_tui.cli.looks.look import let_signals_interrupt
from bistro_tui.cli.talk import print_data, say
from bistro_tui.client.errors import NoAnswer, NoAnswerInTime, WentAway

if TYPE_CHECKING:
    from collections.abc import Callable

    from bistro_tui.client.once import Asking
    from bistro_tui.engine.owner import Owner

_LOOK_SEC = 0.05
"""How often we look whether it has gone."""
_END_SEC = 5.0
"""How long a process may take to end that has given up its data directory."""


def _stop(
    no_wait: bool,
    as_json: bool,
    **place: Any,  # noqa: ANN401 - click's call
) -> int:
    let_signals_interrupt()
    with connected(**place) as asking:
        has_gone = _going(asking)
        # Asked again, it may be gone before it has answered.
        with suppress(WentAway):
            asking.ask("stop")
        say("stopping")
        while not no_wait and not has_gone():
            time.sleep(_LOOK_SEC)
    if as_json:
        print_data(json.dumps({"result": "stopping" if no_wait else "stopped"}))
    elif not no_wait:
        say("stopped")
    return exit_codes.OK


def _going(asking: "Asking") -> "Callable[[], bool]":
    """Return what tells whether the scheduler that answers now has gone.

    On this host it has when it gave up its data directory and its process has ended.
    """
    from bistro_tui.engine.owner import owner_of

    if asking.address.socket is None:
        return lambda: _is_silent(asking)
    data_dir = asking.address.socket.parent.parent
    owner = owner_of(data_dir)
    process = _process(owner)

    def has_gone() -> bool:
        if owner_of(data_dir) == owner:
            return False
        # What it still does is to free its memory.
        if process is not None:
            select.select([process], [], [], _END_SEC)
        return True

    return has_gone


def _process(owner: "Owner | None") -> int | None:
    """Return a descriptor that can be read once the process has ended, if any can."""
    if owner is None or owner.pid is None or owner.host != socket.gethostname():
        return None
    try:
        return os.pidfd_open(owner.pid)
    except (AttributeError, OSError):
        # Only Linux has them.
        return None


def _is_silent(asking: "Asking") -> bool:
    try:
        asking.ask("names", kind="jobs", limit=0)
    except NoAnswerInTime:
        return False
    except NoAnswer:
        return True
    return False


stop_command = click.Command(
    name="stop",
    callback=_stop,
    params=[
        click.Option(
            ["no_wait", "--no-wait"],
            is_flag=True,
            help="Return at once, and not when it has ended.",
        ),
        click.Option(
            ["as_json", "--json"],
            is_flag=True,
            help='Answer as JSON: {"result": "stopped"}, or "stopping" with --no-wait.',
        ),
        *asking_options(),
    ],
    help="Stop a running scheduler, as SIGTERM does, and wait until it has ended.\n\n"
    "It starts nothing more, ends each task by its kill_subprocess and stores its"
    " status. Asked again meanwhile, it kills what is left at once.",
    epilog="Exit codes: 0 it has ended, or will (--no-wait), 1 refused (the message"
    " says why), 2 wrong command line, 5 no scheduler answers, 130 interrupted: it"
    " stops all the same.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
