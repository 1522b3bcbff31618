"""The ways in which a config file goes bad under a running scheduler."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bistro_tui.engine.config.file_read import MAX_BYTES

NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Ruin:
    """One way: how it is done, and a part of what people are told of it."""

    name: str
    do: Callable[[Path], None]
    told: str

    def __str__(self) -> str:
        return self.name


def _replace_by(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        path.unlink()
        make(path)

    return do


def _append_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\xff")


def _grow(path: Path) -> None:
    os.truncate(path, MAX_BYTES + 1)


def _empty(path: Path) -> None:
    path.write_text("")


def _cut(path: Path) -> None:
    path.write_text(path.read_text().rstrip()[:-1])


def _misspell(path: Path) -> None:
    path.write_text(path.read_text().replace('"levels"', '"levles"'))


RUINS = (
    Ruin("deleted", Path.unlink, "deleted or moved away"),
    Ruin("directory", _replace_by(Path.mkdir), "is a directory"),
    Ruin("fifo", _replace_by(os.mkfifo), "not a regular file"),
    Ruin("device", _replace_by(lambda p: p.symlink_to("/dev/zero")), "not a regular"),
    Ruin("link loop", _replace_by(lambda p: p.symlink_to(p.name)), "symbolic links"),
    Ruin("dead link", _replace_by(lambda p: p.symlink_to("none")), "no such file"),
    Ruin("too large", _grow, "more than a config may have"),
    Ruin("empty", _empty, "there is nothing here"),
    Ruin("half", _cut, "never closed"),
    Ruin("not utf-8", _append_byte, "not UTF-8"),
    Ruin("bad settings", _misspell, "levels"),
)


def restore(path: Path, text: str) -> None:
    """Put a good file where the ruin is, whatever that is."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    other = path.with_name(path.name + ".new")
    other.write_text(text)
    other.replace(path)


@contextlib.contextmanager
def without_permission(path: Path) -> Iterator[None]:
    """Take away the permission to read, from the superuser, too."""
    path.chmod(0)
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)
        path.chmod(0o600)
