"""Which data directory a one-shot command is about."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bistro_tui.cli.flags import all_flags
from bistro_tui.cli.talk import WrongUse

if TYPE_CHECKING:
    from bistro_tui.engine.owner import Owner

_MOST_NAMED = 20
_HOW = "name one with --data-dir DIR or --config-file CONFIG"


def place_options() -> list[click.Option]:
    """Return the flags by which a one-shot command is told where to look."""
    names = ("config-file", "data-dir")
    return [flag.option() for flag in all_flags() if flag.name in names]


def find_data_dir(config_file: str | None, data_dir: Path | None) -> Path:
    """Return the data directory that these flags name; it need not exist yet.

    That of a config is where a scheduler runs it now, else its default. With neither,
    that of the only live scheduler of this user. Raises WrongUse where nothing, or
    more than one, is named that could be meant. Makes and changes no data directory.
    """
    if data_dir is not None:
        _check_directory(data_dir)
        return data_dir
    if config_file is None:
        return _the_only_one()
    # Imported late: --help must not wait for it.
    from bistro_tui.engine.datadir import default_data_dir

    absolute = os.path.abspath(config_file)
    default = default_data_dir(Path(config_file))
    running = [
        (path, owner)
        for path, owner in live_schedulers()
        if owner.config == absolute or path == default
    ]
    if len(running) > 1:
        raise WrongUse(
            f"{len(running)} schedulers run {config_file}; name one with --data-dir"
            f" DIR:{_named(running)}"
        )
    found = running[0][0] if running else default
    if not (found.exists() or Path(config_file).exists()):
        raise WrongUse(f"{config_file}: no such file")
    return found


def live_schedulers() -> "list[tuple[Path, Owner]]":
    """Return where schedulers of this user run now, and what they say of themselves."""
    from bistro_tui.engine.datadir import state_dir
    from bistro_tui.engine.live import known_data_dirs
    from bistro_tui.engine.owner import owner_of

    places = _each_once((*sorted(_directories(state_dir())), *known_data_dirs()))
    return [(path, owner) for path in places if (owner := owner_of(path)) is not None]


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


def _the_only_one() -> Path:
    from bistro_tui.engine.datadir import state_dir

    live = live_schedulers()
    if len(live) == 1:
        return live[0][0]
    if live:
        raise WrongUse(f"{len(live)} schedulers of yours run; {_HOW}:{_named(live)}")
    state = state_dir()
    known = sorted(_directories(state))
    named = "".join(f"\n  --data-dir {path}" for path in known[:_MOST_NAMED])
    if len(known) > _MOST_NAMED:
        named += f"\n  and {len(known) - _MOST_NAMED} more"
    text = f"no scheduler of yours runs; {_HOW}"
    raise WrongUse(f"{text}; there were:{named}" if named else text)


def _named(live: "list[tuple[Path, Owner]]") -> str:
    from bistro_tui.engine.owner import NO_NOTE, in_words

    return "".join(
        f"\n  --data-dir {path}  ({in_words(owner) or f'it {NO_NOTE}'}"
        f"{f', config {owner.config}' if owner.config else ''})"
        for path, owner in live
    )


def _each_once(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield each directory by the first of its names."""
    seen: set[tuple[int, int]] = set()
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) not in seen:
            seen.add((found.st_dev, found.st_ino))
            yield path


def _directories(state: Path) -> Iterator[Path]:
    try:
        with os.scandir(state) as entries:
            for entry in entries:
                if entry.is_dir() and os.path.exists(os.path.join(entry, "run")):
                    yield Path(entry.path)
    except OSError:
        return
