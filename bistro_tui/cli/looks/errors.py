"""The ``errors`` command: what is wrong now."""

from collections.abc import Iterator, Mapping
from typing import Any

from bistro_tui.cli.looks.look import asked, look_command, print_json
from bistro_tui.cli.talk import print_data, say


def _errors(as_json: bool, **place: Any) -> int:  # noqa: ANN401 - click's call
    with asked(place) as asking:
        data = asking.ask("errors")
        if as_json:
            print_json(data)
        elif data:
            print_data("\n".join(error_lines(data)))
        else:
            say("nothing is wrong")
    return 0


def error_lines(errors: Mapping[str, str]) -> Iterator[str]:
    """Yield what ``errors`` gave; the lines of one after its first are indented."""
    from bistro_tui.cli.colours import RED, has_colours, painted
    from bistro_tui.present.clean import clean_lines, clean_name

    colour = RED if has_colours() else ""
    for where, text in errors.items():
        first, *rest = clean_lines(text)
        yield f"{painted(clean_name(where), colour)}: {first}"
        yield from (f"  {line}" for line in rest)


errors_command = look_command(
    "errors",
    _errors,
    about="Show what is wrong now, and where; what is mended is not shown any more."
    "\n\nThe exit code is 0 either way: --json gives {} when nothing is wrong.",
)
