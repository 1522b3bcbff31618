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


_ABOUT = {
    "config-file": "The scheduler of this config.",
    "data-dir": "The scheduler of this data directory."
    "  [default: the only one of yours that runs]",
}


def place_options() -> list[click.Option]:
    """Return the flags by which a one-shot command is told where to look."""
    return [
        flag.option(_ABOUT[flag.name]) for flag in all_flags() if flag.name in _ABOUT
    ]


def find_data_dir(config_file: str | None, data_dir: Path | None) -> Path:
    """Return the data directory that these flags name; it need not exist yet.

    That of a config is where a scheduler runs it now, else its default. With neither,
    that of the only live scheduler of this user. Raises WrongUse where nothing, or
    more than one, is named that could be meant. Makes and changes no data directory.
    """
    data_dir = meant_data_dir(config_file, data_dir)
    if data_dir is not None:
        _check_directory(data_dir)
        if config_file is not None and is_typed("config_file"):
            _refuse_another_config(data_dir, config_file)
        return data_dir
    if config_file is None:
        return _the_only_one()
    if os.path.isdir(config_file):
        raise WrongUse(
            f"--config-file: {config_file}: is a directory; one that a scheduler keeps"
            " its data in is named by --data-dir"
        )
    # Imported late: --help must not wait for it.
    from bistro_tui.engine.datadir import default_data_dir

    absolute = os.path.abspath(config_file)
    default = default_data_dir(Path(config_file))
    live = live_schedulers()
    running = [
        (path, owner)
        for path, owner in live
        if owner.config == absolute or path == default
    ] or [(path, owner) for path, owner in live if _is_same(owner.config, config_file)]
    if len(running) > 1:
        raise WrongUse(
            f"{len(running)} schedulers run {config_file}; name one with --data-dir"
            f" DIR:{_named(running)}"
        )
    found = running[0][0] if running else default
    if not (found.exists() or Path(config_file).exists()):
        raise WrongUse(f"{config_file}: no such file")
    return found


def meant_data_dir(config_file: str | None, data_dir: Path | None) -> Path | None:
    """Return the data directory, unless another config was typed than it is for."""
    is_overruled = config_file and is_typed("config_file") and not is_typed("data_dir")
    return None if is_overruled else data_dir


def is_typed(name: str) -> bool:
    """Whether a flag is on the command line, and not in the environment."""
    context = click.get_current_context(silent=True)
    if context is None:
        return True
    source = context.get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


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


def _refuse_another_config(data_dir: Path, config_file: str) -> None:
    from bistro_tui.engine.owner import owner_of

    owner = owner_of(data_dir)
    if owner is None or not owner.config:
        return
    if owner.config != os.path.abspath(config_file) and not _is_same(
        owner.config, config_file
    ):
        raise WrongUse(
            f"the scheduler on {data_dir} runs {owner.config}, not {config_file}; name"
            " only one of the two"
        )


def _is_same(config: str, other: str) -> bool:
    """Whether both are names of one file."""
    try:
        return bool(config) and os.path.samefile(config, other)
    except (OSError, ValueError):
        return False


def _the_only_one() -> Path:
    from bistro_tui.engine.datadir import state_dir
    from bistro_tui.engine.live import known_data_dirs

    live = live_schedulers()
    if len(live) == 1:
        return live[0][0]
    if live:
        raise WrongUse(f"{len(live)} schedulers of yours run; {_HOW}:{_named(live)}")
    state = state_dir()
    # What is announced still was killed; its user wants to know that first.
    killed = known_data_dirs()
    known = list(_each_once((*killed, *sorted(_directories(state)))))
    named = "".join(
        f"\n  --data-dir {path}{_noted(path) if path in killed else ''}"
        for path in known[:_MOST_NAMED]
    )
    if len(known) > _MOST_NAMED:
        named += f"\n  and {len(known) - _MOST_NAMED} more"
    text = f"no scheduler of yours runs; {_HOW}"
    raise WrongUse(f"{text}; there were:{named}" if named else text)


def _named(live: "list[tuple[Path, Owner]]") -> str:
    return "".join(f"\n  --data-dir {path}  ({_who(owner)})" for path, owner in live)


def _noted(data_dir: Path) -> str:
    """Return who had the directory at last, and was killed."""
    from bistro_tui.engine.owner import noted_in

    found = noted_in(data_dir)
    return f"  (killed: {_who(found[0])})" if found is not None else ""


def _who(owner: "Owner") -> str:
    from bistro_tui.engine.owner import NO_NOTE, in_words

    config = f", config {owner.config}" if owner.config else ""
    return (in_words(owner) or f"it {NO_NOTE}") + config


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
    """Yield what lies there of schedulers; workers keep theirs beside them."""
    from bistro_tui.engine.owner import is_a_workers

    try:
        with os.scandir(state) as entries:
            for entry in entries:
                path = Path(entry.path)
                has_run = entry.is_dir() and (path / "run").exists()
                if has_run and not is_a_workers(path):
                    yield path
    except OSError:
        return
