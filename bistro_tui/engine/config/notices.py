"""The system's change notices for one file: its directory, and every link on the way.

A file that Kubernetes mounts is a link to a link, and a new version swaps only the
link in the middle; so the directory of each link is watched, not only the last one.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

_STEP_MS = 20
"""How long notices are gathered; also how soon the thread sees that it must end."""
_DEBOUNCE_MS = 50
_LOOK_AGAIN_MS = 250
"""How often the directories themselves are looked at: they may be replaced, too."""
_MAX_LINKS = 40


@dataclass(frozen=True, slots=True)
class _Watched:
    directories: frozenset[tuple[str, int, int]]
    """Path, device, inode."""
    names: frozenset[str]
    """The links and the file."""


def watch_for_notices(
    path: Path, stop: threading.Event, notify: Callable[[], None]
) -> None:
    """Call ``notify`` whenever the file may have changed, until ``stop`` is set.

    Runs on a thread of its own. Where notices cannot be had it goes on trying; the
    caller looks at the file itself now and then.
    """
    # It would tell of every change on the terminal that may hold our screen.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    failed = False
    previous = None
    while not stop.is_set():
        watched = _watched(path)
        if watched != previous:
            notify()
        previous = watched
        try:
            _follow(path, watched, stop, notify)
        except (OSError, RuntimeError) as error:
            if not failed:
                _log.warning("no change notices for %s, only polling: %s", path, error)
            failed = True
            stop.wait(_LOOK_AGAIN_MS / 1000)


def _follow(
    path: Path,
    watched: _Watched,
    stop: threading.Event,
    notify: Callable[[], None],
) -> None:
    """Pass notices on until the directories to watch are other ones."""
    # Takes longer than loading a config, so not before it is needed.
    import watchfiles

    directories = [directory for directory, _, _ in watched.directories]
    if not directories:
        stop.wait(_LOOK_AGAIN_MS / 1000)
        return
    is_first = True
    for changes in watchfiles.watch(
        *directories,
        watch_filter=None,
        debounce=_DEBOUNCE_MS,
        step=_STEP_MS,
        stop_event=stop,
        rust_timeout=_LOOK_AGAIN_MS,
        yield_on_timeout=True,
        recursive=False,
        raise_interrupt=False,
    ):
        # The first time round also answers for what happened before the watch began.
        if is_first or any(_matters(changed, watched) for _, changed in changes):
            notify()
        is_first = False
        if _watched(path) != watched:
            return


def _matters(changed: str, watched: _Watched) -> bool:
    return os.path.basename(changed) in watched.names or any(
        changed == directory for directory, _, _ in watched.directories
    )


def _watched(path: Path) -> _Watched:
    directories = set()
    names = set()
    for step in _steps(path):
        names.add(step.name)
        try:
            found = os.stat(step.parent)
        except OSError:
            continue
        directories.add((str(step.parent), found.st_dev, found.st_ino))
    return _Watched(frozenset(directories), frozenset(names))


def _steps(path: Path) -> Iterator[Path]:
    """Return every symbolic link on the way to the file, then the file."""
    at = Path(path.anchor)
    parts = list(path.parts[1:])
    links = 0
    while parts:
        part = parts.pop(0)
        at = at.parent if part == ".." else at / part
        try:
            target = Path(os.readlink(at))
        except OSError:  # not a link
            continue
        yield at
        links += 1
        if links > _MAX_LINKS:
            return
        at = Path(target.anchor) if target.is_absolute() else at.parent
        parts = [*target.parts[target.is_absolute() :], *parts]
    yield at
