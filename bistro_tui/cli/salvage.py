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

_WITHOUT = {
    "statuses.sql3": ": with a new file everything runs again",
    "task_logs.sql3": ": with a new file, output and history begin anew",
}


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
        if saved is not None and saved.fresh is None:
            code = code or exit_codes.NOT_DONE
        if as_json:
            told.append(_as_json(path, saved, commands))
        else:
            print_data("\n".join(_lines(path, saved, commands)))
    if as_json:
        print_data(json.dumps({"files": told}))
    return code


def files_of(data_dir: Path) -> list[Path]:
    """Return the databases of a data directory; WrongUse if there is none."""
    from bistro_tui.engine.database_files import STATUSES, TASK_LOGS

    found = [
        path for name in (STATUSES, TASK_LOGS) if (path := data_dir / name).is_file()
    ]
    if not found:
        raise WrongUse(f"{data_dir}: holds neither {STATUSES} nor {TASK_LOGS}")
    return found


def _as_json(
    path: Path, saved: "Saved | None", commands: Sequence[str]
) -> dict[str, object]:
    if saved is None:
        return {"file": str(path), "problem": ""}
    return {
        "file": str(path),
        "problem": saved.problem,
        "salvaged": str(saved.fresh) if saved.fresh is not None else None,
        "rows": saved.rows,
        "missing_rows": saved.missing_rows,
        "broken_rows": saved.broken_rows,
        "gone_pages": saved.gone_pages,
        "commands": list(commands),
    }


def _lines(path: Path, saved: "Saved | None", commands: Sequence[str]) -> Iterator[str]:
    if saved is None:
        yield from clean_lines(f"{path}: nothing is broken, nothing was done")
        return
    yield from clean_lines(f"{path}: {saved.problem}")
    if saved.fresh is None:
        yield f"  nothing could be saved{_WITHOUT.get(path.name, '')}"
        return
    rows = ", ".join(f"{_rows(count)} of {name}" for name, count in saved.rows.items())
    yield from clean_lines(f"  saved: {rows}, in {saved.fresh}\n  lost: {_lost(saved)}")
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
    missing, unread = saved.missing_rows, saved.broken_rows
    kept, pages = sum(saved.rows.values()), ""
    if saved.gone_pages:
        word = "page" if saved.gone_pages == 1 else "pages"
        pages = f"{saved.gone_pages:,} {word} could not be read"
    if missing is not None:
        lost = "no row" if not missing else f"{missing:,} of {_rows(kept + missing)}"
        return f"{lost}, by SQLite's own count" + (f"; {pages}" if pages else "")
    if saved.gone_pages:
        pages += ", and SQLite cannot say whether rows are missing"
    if unread:
        parts = [f"{_rows(unread)} that could not be read", pages]
        return "; ".join(filter(None, parts))
    return pages or "nothing that could be seen"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
