"""From a config file to a config, or to all that is wrong with it, with places."""

import asyncio
import difflib
import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bistro_tui.engine.config.locate import Places
from bistro_tui.engine.config.model import Config
from bistro_tui.engine.config.parse import parse_config
from bistro_tui.engine.config.problems import (
    LocatedProblem,
    Problem,
    render_path,
    render_syntax_error,
)
from bistro_tui.engine.config.text import ConfigSyntaxError, ParsedText, parse_text
from bistro_tui.engine.errors import ConfigUnusable

MAX_BYTES = 16 * 2**20
"""Reading and checking more would hold a machine for minutes."""

SETTLE_SEC = 0.25
"""How long a file that is being written gets before it counts as bad."""

_TRIES = 5
_LATER_SUFFIXES = (".toml", ".yaml", ".yml")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """What one look at a config file gave."""

    path: Path
    config: Config | None
    """None: not usable, see ``problems``."""
    problems: tuple[LocatedProblem, ...] = ()
    """Errors of the settings and of jobs, in file order."""
    warnings: tuple[LocatedProblem, ...] = ()
    digest: str
    """Equal for equal content."""
    text: str = ""
    """Empty if the file could not be read."""
    trouble: str = ""
    """For people, several lines: why the file could not be read or is not JSON."""

    @property
    def settings_problems(self) -> tuple[LocatedProblem, ...]:
        """What makes the whole config unusable; the rest concerns single jobs."""
        return tuple(problem for problem in self.problems if problem.job is None)


def read_file(path: Path) -> bytes:
    """Return the content of a regular file of at most MAX_BYTES; never blocks.

    Raises ConfigUnusable with a message for people.
    """
    try:
        # Opening a device can do things, so look before; and again after, because
        # the name may stand for something else by then.
        _check_regular(path, os.stat(path))
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(fd, "rb") as file:
            return _read_stable(path, file.fileno())
    except FileNotFoundError:
        raise ConfigUnusable(f"{path}: no such file{_near_name(path)}") from None
    except NotADirectoryError:
        message = f"{path}: no such file: a part of the path is not a directory"
        raise ConfigUnusable(message) from None
    except PermissionError:
        message = f"{path}: no permission to read it; check its mode and directories"
        raise ConfigUnusable(message) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigUnusable(f"{path}: cannot be read: {reason}") from None


def _check_regular(path: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise ConfigUnusable(
            f"{path}: is a directory; give the config file in it{_json_inside(path)}"
        )
    if not stat.S_ISREG(found.st_mode):
        raise ConfigUnusable(f"{path}: is not a regular file; give a file")
    if found.st_size > MAX_BYTES:
        raise ConfigUnusable(
            f"{path}: has {found.st_size} bytes, more than a config may have "
            f"({MAX_BYTES}); is it the right file?"
        )


def _read_stable(path: Path, fd: int) -> bytes:
    """Return the content, read again if the file changed meanwhile."""
    content = b""
    for _ in range(_TRIES):
        before = os.fstat(fd)
        _check_regular(path, before)
        os.lseek(fd, 0, os.SEEK_SET)
        content = _read_up_to(fd, MAX_BYTES + 1)
        after = os.fstat(fd)
        if len(content) == after.st_size and _stamp(before) == _stamp(after):
            return content
    if len(content) > MAX_BYTES:
        raise ConfigUnusable(f"{path}: grows beyond {MAX_BYTES} bytes")
    return content


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size)


def _read_up_to(fd: int, limit: int) -> bytes:
    chunks = []
    while limit > 0 and (chunk := os.read(fd, limit)):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


def _near_name(path: Path) -> str:
    try:
        names = os.listdir(path.parent)
    except OSError:
        return f"; there is no directory {path.parent}"
    near = difflib.get_close_matches(path.name, names[:1000], n=1)
    return f"; did you mean {path.parent / near[0]}?" if near else ""


def _json_inside(path: Path) -> str:
    try:
        names = sorted(name for name in os.listdir(path) if name.endswith(".json"))
    except OSError:
        return ""
    return f", such as {path / names[0]}" if names else ""


def digest_of(content: bytes) -> str:
    """Return what stands for a file's content in comparisons."""
    return hashlib.sha256(content).hexdigest()


def load_config(path: Path) -> LoadedConfig:
    """Return the config of a file, or what is wrong with it.

    A text that is not JSON is one problem, and told in full by ``trouble``. A file
    that cannot be read at all raises ConfigUnusable.
    """
    if path.suffix.lower() in _LATER_SUFFIXES:
        raise ConfigUnusable(
            f"{path}: this version reads JSON (with comments and trailing commas); "
            "TOML and YAML come later"
        )
    content = read_file(path)
    digest = digest_of(content)
    text = _decode(path, content)
    try:
        parsed = parse_text(text)
    except ConfigSyntaxError as error:
        return _not_json(path, text, digest, error)
    return _parsed(path, text, digest, parsed)


def _decode(path: Path, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        if content.startswith(_UTF16_MARKS):
            problem = "is UTF-16"
        else:
            problem = f"is not UTF-8: byte 0x{content[error.start]:02x}"
        message = f"{path}:{line}: {problem}; save it as UTF-8"
        raise ConfigUnusable(message) from None


def _not_json(
    path: Path, text: str, digest: str, error: ConfigSyntaxError
) -> LoadedConfig:
    problem = LocatedProblem(
        file=str(path),
        line=error.line,
        column=error.column,
        path="",
        message=error.problem,
        job=None,
    )
    return LoadedConfig(
        path=path,
        config=None,
        problems=(problem,),
        digest=digest,
        text=text,
        trouble=render_syntax_error(str(path), error),
    )


def _parsed(path: Path, text: str, digest: str, parsed: ParsedText) -> LoadedConfig:
    found = parse_config(parsed.value)
    if not (found.problems or found.warnings or parsed.repeats_keys):
        return LoadedConfig(path=path, config=found.config, digest=digest, text=text)
    places = Places(text, parsed.blanked)
    repeated = _repeated_keys(places) if parsed.repeats_keys else ()
    return LoadedConfig(
        path=path,
        config=found.config,
        problems=_located(path, found.problems, places),
        warnings=_located(path, (*repeated, *found.warnings), places),
        digest=digest,
        text=text,
    )


def _repeated_keys(places: Places) -> Iterable[Problem]:
    for path, first, last in places.repeated_keys():
        message = (
            f"this key is there twice, in line {first.line} and in line {last.line}; "
            "the last one counts"
        )
        yield Problem(path=path, message=message, at_key=True)


def locate_problems(
    loaded: LoadedConfig, problems: Iterable[Problem]
) -> tuple[LocatedProblem, ...]:
    """Return further problems of a loaded text with their places, in file order."""
    places = Places(loaded.text, parse_text(loaded.text).blanked)
    return _located(loaded.path, problems, places)


def _located(
    path: Path, problems: Iterable[Problem], places: Places
) -> tuple[LocatedProblem, ...]:
    located = []
    for problem in problems:
        line, column = places.locate(problem.path, at_key=problem.at_key)
        located.append(
            LocatedProblem(
                file=str(path),
                line=line,
                column=column,
                path=render_path(problem.path),
                message=problem.message,
                job=problem.job,
            )
        )
    return tuple(sorted(located, key=lambda each: (each.line, each.column)))


async def load_settled(path: Path) -> LoadedConfig:
    """Return ``load_config`` off the loop; what fails is looked at once more.

    An editor may be in the middle of writing, so a file that cannot be read or is not
    JSON is read again after SETTLE_SEC. Never raises for a bad file: then ``config``
    is None and ``trouble`` says why.
    """
    loaded = await asyncio.to_thread(_load_or_trouble, path)
    if not loaded.trouble:
        return loaded
    await asyncio.sleep(SETTLE_SEC)
    return await asyncio.to_thread(_load_or_trouble, path)


def _load_or_trouble(path: Path) -> LoadedConfig:
    try:
        return load_config(path)
    except ConfigUnusable as error:
        trouble = str(error)
    message = trouble.removeprefix(f"{path}: ")
    return LoadedConfig(
        path=path,
        config=None,
        problems=(
            LocatedProblem(
                file=str(path), line=1, column=1, path="", message=message, job=None
            ),
        ),
        digest=f"unreadable: {trouble}",
        trouble=trouble,
    )
