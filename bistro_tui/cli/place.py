"""Which data directory a one-shot command is about."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

from bistro_tui.cli.flags import all_flags
from bistro_tui.cli.talk import WrongUse

_MOST_NAMED = 20
_HOW = "name one with --data-dir DIR or --config-file CONFIG"


def place_options() -> list[click.Option]:
    """Return the flags by which a one-shot command is told where to look."""
    names = ("config-file", "data-dir")
    return [flag.option() for flag in all_flags() if flag.name in names]


def find_data_dir(config_file: str | None, data_dir: Path | None) -> Path:
    """Return the data directory that these flags name; it need not exist yet.

    With neither, that of the only live scheduler of this user below the default state
    directory. Raises WrongUse where nothing is named that could be meant. Makes and
    changes nothing.
    """
    # Imported late: --help must not wait for it.
    from bistro_tui.engine.datadir import default_data_dir

    if data_dir is not None:
        _check_directory(data_dir)
        return data_dir
    if config_file is not None:
        found = default_data_dir(Path(config_file))
        if not (found.exists() or Path(config_file).exists()):
            raise WrongUse(f"{config_file}: no such file")
        return found
    return _the_only_one(default_data_dir(Path("any")).parent)


def never_ran(data_dir: Path, config_file: str | None) -> str:
    """Return what to tell who asks about a config that nothing was run with, or ""."""
    if config_file is None or data_dir.exists():
        return ""
    return (
        f"nothing has run with {config_file} here (there is no {data_dir}); was it run"
        " with --data-dir?"
    )


def _check_directory(data_dir: Path) -> None:
    if not data_dir.exists():
        raise WrongUse(f"{data_dir}: no such directory")
    if not data_dir.is_dir():
        raise WrongUse(f"{data_dir}: is not a directory")


def _the_only_one(state: Path) -> Path:
    from bistro_tui.engine.owner import NO_NOTE, in_words, owner_of

    known = sorted(_directories(state))
    live = [(path, owner) for path in known if (owner := owner_of(path)) is not None]
    if len(live) == 1:
        return live[0][0]
    if live:
        named = "".join(
            f"\n  --data-dir {path}  ({in_words(owner) or f'it {NO_NOTE}'})"
            for path, owner in live
        )
        raise WrongUse(f"{len(live)} schedulers of yours run; {_HOW}:{named}")
    named = "".join(f"\n  --data-dir {path}" for path in known[:_MOST_NAMED])
    if len(known) > _MOST_NAMED:
        named += f"\n  and {len(known) - _MOST_NAMED} more"
    text = f"no scheduler of yours runs below {state}; {_HOW}"
    raise WrongUse(f"{text}; there were:{named}" if named else text)


def _directories(state: Path) -> Iterator[Path]:
    try:
        with os.scandir(state) as entries:
            for entry in entries:
                if entry.is_dir() and os.path.exists(os.path.join(entry, "run")):
                    yield Path(entry.path)
    except OSError:
        return
