"""The ``wait`` command: until all owed tasks are done, or nothing runs."""

import json
import signal
import time
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.asking import asking_options, connected
from bistro_tui.cli.talk import print_data, say
from bistro_tui.client.errors import NoAnswer, NoAnswerInTime

if TYPE_CHECKING:
    from bistro_tui.client.once import Asking

_A_TURN_SEC = 5.0
"""How long one answer is kept back; the scheduler does not wait longer."""
_SLOWEST_SEC, _SLOWEST_AT_END_SEC = 5.0, 0.5
"""How much later it may come: while there is time, and when --timeout is over."""
_LEAST_SEC = 1.0
"""How long an answer is waited for at least."""


def _wait(
    until: str,
    timeout: float | None,
    as_json: bool,
    **place: Any,  # noqa: ANN401 - click's call
) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end = None if timeout is None else _now() + timeout
    try:
        with connected(**place) as asking:
            found = _last_answer(asking, until, end)
    except NoAnswerInTime as error:
        if end is None or _now() < end:
            raise
        say(f"bistro-tui: not {until}, after {timeout:g} s: {error}")
        return exit_codes.NOT_DONE
    if found is None:
        say(
            "bistro-tui: the scheduler went away, and nobody knows how far it came:"
            " it was stopped, or killed"
        )
        return exit_codes.NO_ANSWER
    if as_json:
        print_data(json.dumps(found))
    if found["is_idle" if until == "idle" else "is_done"]:
        return exit_codes.OK
    is_late = until == "idle" or found["can_progress"]
    if not as_json:
        reason = f"after {timeout:g} s" if is_late else "and nothing can progress"
        say(f"bistro-tui: not {until}, {reason}: {_in_words(found)}")
    return exit_codes.NOT_DONE


def _last_answer(
    asking: "Asking", until: str, end: float | None
) -> dict[str, Any] | None:
    """Return how far it was when there was no reason to wait on; None: it is gone.

    Raises NoAnswer where nobody answered from the beginning, NoAnswerInTime where it
    is there and silent.
    """
    found: dict[str, Any] | None = None
    while True:
        left = _A_TURN_SEC if end is None else min(_A_TURN_SEC, max(0.0, end - _now()))
        is_last = end is not None and left < _A_TURN_SEC
        patience = left + (_SLOWEST_AT_END_SEC if is_last else _SLOWEST_SEC)
        try:
            found = asking.ask_within(
                max(_LEAST_SEC, patience), "progress", until=until, wait_sec=left
            )
        except NoAnswerInTime:
            raise
        except NoAnswer:
            if found is None:
                raise
            return None
        is_over = (
            found["is_idle"]
            if until == "idle"
            else found["is_done"] or not found["can_progress"]
        )
        if is_over or (end is not None and _now() >= end):
            return found


def _in_words(found: dict[str, Any]) -> str:
    numbers = ("done", "failed", "running")
    rest = found["blocked"] - found["running"]
    return ", ".join(
        [*(f"{found[word]} {word}" for word in numbers), f"{max(0, rest)} waiting"]
    )


def _now() -> float:
    return time.clock_gettime(time.CLOCK_MONOTONIC)


wait_command = click.Command(
    name="wait",
    callback=_wait,
    params=[
        click.Option(
            ["--until"],
            type=click.Choice(("done", "idle")),
            default="done",
            show_default=True,
            help="done: every owed task is done. idle: no task runs or can start; one"
            " in backoff cannot.",
        ),
        click.Option(
            ["--timeout"],
            type=click.FloatRange(min=0),
            default=None,
            metavar="SEC",
            help="Wait no longer.",
        ),
        click.Option(
            ["as_json", "--json"],
            is_flag=True,
            help="Print how far it was at the end as JSON.",
        ),
        *asking_options(),
    ],
    help="Wait until a running scheduler has done its work, or has nothing to do.\n\n"
    "Owed are the tasks of enabled valid jobs on nodes that are enabled and not"
    " avoided.",
    epilog="Exit codes: 0 it came to that; 1 nothing can progress and not every owed"
    " task is done, or --timeout is over, also where the scheduler is silent; 5 no"
    " scheduler answers, or it ended meanwhile; 130 interrupted.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
