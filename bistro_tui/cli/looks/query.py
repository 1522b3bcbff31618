"""The ``query`` command: one request as it is, and its answer."""

import json
import os
import sys
from typing import Any

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.asking import asking_options
from bistro_tui.cli.looks.look import asked, let_signals_interrupt, print_json
from bistro_tui.cli.talk import WrongUse


def _query(text: str, **place: Any) -> int:  # noqa: ANN401 - click's call
    let_signals_interrupt()
    body = sys.stdin.buffer.read() if text == "-" else os.fsencode(text)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WrongUse(f"that is not JSON: {error}\n  {_EXAMPLE}") from None
    if not isinstance(found, dict):
        raise WrongUse(f"a request is a JSON object of subqueries\n  {_EXAMPLE}")
    with asked(place) as asking:
        answers = asking.ask_text(body)
    print_json(answers)
    is_refused = any(
        isinstance(one, dict) and "error" in one for one in answers.values()
    )
    return exit_codes.NOT_DONE if is_refused else exit_codes.OK


_EXAMPLE = """e.g. bistro-tui query '{"jobs": {"handler": "jobs"}}'"""

query_command = click.Command(
    name="query",
    callback=_query,
    params=[click.Argument(["text"], metavar="JSON"), *asking_options()],
    help="Ask one request of the REST interface; print the JSON that it answers.\n\n"
    'JSON is an object of subqueries, each with its "handler"; - reads it from stdin.'
    " Exit code 0, or 1 if a subquery was answered with an error: that answer is"
    " printed all the same.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
