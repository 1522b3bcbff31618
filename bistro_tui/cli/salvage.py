"""What ``doctor --salvage`` does: a new file of what a damaged one still holds."""

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bistro_tui.cli import exit_codes
from bistro_tui.cli.talk import WrongUse, print_data, say
from bistro_tui.present.clean import clean_lines

if TYPE_CHECKING:
    from bistro_tui.engine.salvage.saved import Saved


def salvage_files(files: Sequence[Path], status_table: str, *, as_json: bool) -> int:
    """Save what is damaged, say what was, and return the exit code."""
    # Imported late: --help must not wait for it.
    import sqlite3

    from bistro_tui.engine.errors import BistroError
    from bistro_tui.engine.owner import owner_of
    from bistro_tui.engine.salvage.salvage import into_place, salvage

    told, code = [], exit_codes.OK
    # The commands that are shown must mean the same wherever they are given.
    for path in map(Path.absolute, files):
        try:
            saved = salvage(path, status_table)
            is_held = owner_of(path.parent) is not None
            commands = into_place(saved) if saved is not None and not is_held else ()
        except (OSError, sqlite3.Error, BistroError) as error:
            say(f"bistro-tui: {path} could not be salvaged: {error}")
            code = exit_codes.DATA_DIR_UNUSABLE
            continue
        if as_json:
            told.append(_as_json(path, saved, commands))
        else:
            print_data("\n".join(_lines(path, saved, commands)))
    if as_json:
        print_data(json.dumps({"files": told}))
    return code


def files_of(data_dir: Path) -> list[Path]:
    """Return the databases of a data directory; WrongUse if there is none."""
    from bistro_tui.engine.salvage.salvage import LOGS, STATUSES

    found = [path for name in (STATUSES, LOGS) if (path := data_dir / name).is_file()]
    if not found:
        raise WrongUse(f"{data_dir}: holds neither {STATUSES} nor {LOGS}")
    return found


def _as_json(
    path: Path, saved: "Saved | None", commands: Sequence[str]
) -> dict[str, object]:
    if saved is None:
        return {"file": str(path), "problem": ""}
    return {
        "file": str(path),
        "problem": saved.problem,
        "salvaged": str(saved.fresh),
        "rows": saved.rows,
        "broken_rows": saved.broken_rows,
        "gone_pages": saved.gone_pages,
        "commands": list(commands),
    }


def _lines(path: Path, saved: "Saved | None", commands: Sequence[str]) -> Iterator[str]:
    if saved is None:
        yield from clean_lines(f"{path}: nothing is broken, nothing was done")
        return
    rows = ", ".join(f"{count:,} rows of {name}" for name, count in saved.rows.items())
    yield from clean_lines(
        f"{path}: {saved.problem}\n"
        f"  saved: {rows or 'nothing'}, in {saved.fresh}\n"
        f"  lost: {_lost(saved)}"
    )
    if commands:
        yield "  to put it in place:"
        # As they are: a shell takes them, and quoting has made them one line each.
        yield from (line for one in commands for line in clean_lines(one))
    else:
        again = (
            f"bistro-tui doctor --salvage --data-dir {shlex.quote(str(path.parent))}"
        )
        yield from clean_lines(
            f"  a scheduler serves there: stop it, and say once more `{again}`"
        )


def _lost(saved: "Saved") -> str:
    parts = []
    if saved.broken_rows:
        parts.append(f"{saved.broken_rows:,} rows that could not be read")
    if saved.gone_pages:
        parts.append(f"all that was on {saved.gone_pages:,} pages")
    return ", ".join(parts) or "nothing that could be seen"
