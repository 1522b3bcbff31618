"""The ``init`` command: a commented starter config, in the format of its suffix."""

import os
import shlex
from importlib import resources
from pathlib import Path

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.talk import WrongUse, print_data, say

_PLACEHOLDER = "SCHEMA_URI"


def _init(file: Path) -> int:
    # Imported late: --help must not wait for it.
    from bistro_tui.engine.config.formats import ConfigFormat, format_of

    suffix = "json"
    match format_of(file):
        case ConfigFormat.TOML:
            suffix = "toml"
        case ConfigFormat.YAML:
            suffix = "yaml"
        case ConfigFormat.JSON:
            pass
    starter = resources.files("bistro_tui.cli") / "starters" / f"bistro.{suffix}"
    text = starter.read_text(encoding="utf-8").replace(_PLACEHOLDER, _schema_uri())
    if str(file) == "-":
        print_data(text, end="")
        return exit_codes.OK
    problem = _write_new(file, text)
    if problem:
        say(f"bistro-tui init: {file}: {problem}")
        return exit_codes.NOT_DONE
    print_data(str(file))
    shown = shlex.quote(str(file) if file.parent != Path() else f"./{file}")
    say(
        "A starter config: two jobs on four nodes. Next:\n"
        f"  try it:        bistro-tui {shown}\n"
        f"  without a UI:  bistro-tui {shown} --no-ui --exit-when-done\n"
        f"  after an edit: bistro-tui validate {shown}\n"
        "While it runs, an edit of the file takes effect at once."
    )
    return exit_codes.OK


def _schema_uri() -> str:
    """Return where editors find the schema that came with this program."""
    schema = resources.files("bistro_tui.engine.config") / "schema.json"
    return Path(str(schema)).as_uri()


def _write_new(file: Path, text: str) -> str:
    """Write a file that is not there yet, whole or not at all; return what failed.

    Raises WrongUse where another name is needed.
    """
    try:
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        raise WrongUse(
            f"{file}: is there already, and init never overwrites.\n"
            "  Give another name: bistro-tui init FILE"
        ) from None
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        if missing and not file.parent.is_dir():
            raise WrongUse(
                f"{file}: there is no directory {file.parent}; make it first"
            ) from None
        if missing:
            return f"cannot be written: {file.parent} takes no new files"
        return f"cannot be written: {getattr(error, 'strerror', None) or error}"
    try:
        with open(fd, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        os.unlink(file)
        return f"cannot be written: {error.strerror}"
    return ""


init_command = click.Command(
    name="init",
    callback=_init,
    params=[
        click.Argument(
            ["file"],
            type=click.Path(path_type=Path),
            metavar="[FILE]",
            default="bistro.json",
        ),
    ],
    help="Write a commented, runnable starter config to FILE (bistro.json); - is"
    " stdout.\n\n"
    "The suffix chooses the format: .toml, .yaml, .yml, else JSON with comments."
    " Never overwrites. Exit code 0; 2 if FILE is there already or has no directory;"
    " 1 if it cannot be written.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
