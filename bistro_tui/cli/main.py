"""The ``bistro-tui`` program: finds the command and turns every outcome into a code.

Nothing heavy is imported here: ``--help`` and a wrong command line answer at once.
"""

import io
import os
import sys
from collections.abc import Sequence

import click

from bistro_tui import __version__
from bistro_tui.cli import exit_codes
from bistro_tui.cli.commands import Commands
from bistro_tui.cli.complete import ASKED, complete
from bistro_tui.cli.no_command import refuse_unknown_command
from bistro_tui.cli.refused_files import words_if_no_files
from bistro_tui.cli.refused_threads import words_if_refused
from bistro_tui.cli.spelling import spelled_plainly
from bistro_tui.cli.talk import (
    StdoutLost,
    WrongUse,
    lost_stdout,
    print_data,
    say,
)
from bistro_tui.client.errors import NoAnswer, Refused

COMMANDS = Commands()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's encoding lacks is no reason to show nothing.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run(list(sys.argv[1:] if argv is None else argv)))


def run(argv: list[str]) -> int:
    """Return the exit code of this command line."""
    try:
        return _dispatch_and_write(spelled_plainly(argv))
    except WrongUse as error:
        say(f"bistro-tui: {error.format_message()}")
        return exit_codes.USAGE
    except NoAnswer as error:
        say(f"bistro-tui: {error}")
        return exit_codes.NO_ANSWER
    except (Refused, StdoutLost) as error:
        say(f"bistro-tui: {error}")
        return exit_codes.NOT_DONE
    except click.ClickException as error:
        name = f" {argv[0]}" if argv and argv[0] in COMMANDS else ""
        say(f"bistro-tui: {error.format_message()}\n  see bistro-tui{name} --help")
        return exit_codes.USAGE
    except (KeyboardInterrupt, click.Abort):
        return exit_codes.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a person gets a message, not a traceback
        if words := words_if_refused(error) or words_if_no_files(error):
            say(f"bistro-tui: {words}")
            return exit_codes.NOT_DONE
        # Imported late: it is hardly ever needed.
        from bistro_tui.cli.crash import write_crash_file

        say(
            f"bistro-tui: internal error: {type(error).__name__}: {error}\n"
            f"  the details are in {write_crash_file(error)}; please report them"
        )
        return exit_codes.NOT_DONE


def _dispatch_and_write(argv: list[str]) -> int:
    """Run the command line. Raises StdoutLost also where click wrote in vain."""
    try:
        return _dispatch(argv)
    except OSError as error:
        import traceback

        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        if frame.f_code is click.echo.__code__:
            raise lost_stdout(error) from None
        raise


def _dispatch(argv: list[str]) -> int:
    if ASKED in os.environ:
        return complete(COMMANDS)
    if argv[:1] in (["--version"], ["-V"]):
        print_data(f"bistro-tui {__version__}")
        return exit_codes.OK
    if argv[:1] in (["--help"], ["-h"], ["help"]):
        argv = ["run", "--help"]
    # A config whose name is also a command is given as ./NAME.
    name, rest = "run", argv
    if argv and argv[0] in COMMANDS:
        name, rest = argv[0], argv[1:]
    else:
        refuse_unknown_command(argv, COMMANDS)
    prog = "bistro-tui" if name == "run" else f"bistro-tui {name}"
    code = COMMANDS[name].main(args=rest, prog_name=prog, standalone_mode=False)
    return int(code or 0)
