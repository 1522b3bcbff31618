"""From a config file to a config, or to all that is wrong with it, with places."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from bistro_tui.engine.config.file_read import read_file, read_if_whole
from bistro_tui.engine.config.find_plugged import plugged_for
from bistro_tui.engine.config.formats import (
    ConfigFormat,
    Document,
    format_of,
    read_document,
)
from bistro_tui.engine.config.known_jobs import NO_KNOWN_JOBS, KnownJobs
from bistro_tui.engine.config.model import Config
from bistro_tui.engine.config.parse import ParsedConfig, parse_config
from bistro_tui.engine.config.places import Places
from bistro_tui.engine.config.problems import (
    LocatedProblem,
    Problem,
    render_path,
    render_syntax_error,
)
from bistro_tui.engine.config.text import ConfigSyntaxError
from bistro_tui.engine.errors import ConfigUnusable

MAX_SLOW_BYTES = 4 * 2**20
"""The same for TOML and YAML, whose parsers take ten times as long."""

SETTLE_SEC = 0.25
"""How long a file that is being written gets before it counts as bad."""

_LOOKS = 8
"""How often a file that somebody has open for writing is left alone that long."""

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
    """For people, several lines: why the file could not be read or parsed."""
    known: KnownJobs = field(default=NO_KNOWN_JOBS, repr=False)
    """What makes the next load of an edited file quicker."""

    @property
    def settings_problems(self) -> tuple[LocatedProblem, ...]:
        """What makes the whole config unusable; the rest concerns single jobs."""
        return tuple(problem for problem in self.problems if problem.job is None)

    def at(self, path: Path) -> "LoadedConfig":
        """Return the same of a file that is called so in what is wrong with it."""
        name = str(path)
        return replace(
            self,
            path=path,
            problems=tuple(replace(one, file=name) for one in self.problems),
            warnings=tuple(replace(one, file=name) for one in self.warnings),
        )


def digest_of(content: bytes) -> str:
    """Return what stands for a file's content in comparisons."""
    return hashlib.sha256(content).hexdigest()


def load_config(path: Path, known: KnownJobs = NO_KNOWN_JOBS) -> LoadedConfig:
    """Return the config of a file, or what is wrong with it.

    The suffix says what the text should be. A text that is not that is one problem,
    and told in full by ``trouble``. A file that cannot be read at all raises
    ConfigUnusable. ``known`` is that of an earlier load, which makes it quicker.
    """
    return load_content(path, read_file(path), known)


def load_content(
    path: Path, content: bytes, known: KnownJobs = NO_KNOWN_JOBS
) -> LoadedConfig:
    """Return the config that a file of this name and content would be."""
    digest = digest_of(content)
    text = content.decode(errors="replace")
    config_format = format_of(path)
    try:
        _check_utf8(content, text)
        if config_format is not ConfigFormat.JSON and len(content) > MAX_SLOW_BYTES:
            name, most = config_format.value, MAX_SLOW_BYTES // 2**20
            problem = f"a config in {name} has at most {most} MiB; write it as JSON"
            raise ConfigSyntaxError(text, 0, problem)
        document = read_document(text, config_format)
    except ConfigSyntaxError as error:
        return _not_parsed(path, text, digest, error)
    found = parse_config(document.value, plugged_for(document.value), known)
    return _loaded(path, text, digest, document, found)


def _check_utf8(content: bytes, text: str) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        if content.startswith(_UTF16_MARKS):
            problem = "this is UTF-16; save it as UTF-8"
        else:
            byte = content[error.start]
            problem = f"this is not UTF-8: byte 0x{byte:02x}; save it as UTF-8"
        offset = len(content[: error.start].decode())
        raise ConfigSyntaxError(text, offset, problem) from None


def _not_parsed(
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


def _loaded(
    path: Path, text: str, digest: str, document: Document, found: ParsedConfig
) -> LoadedConfig:
    loaded = LoadedConfig(
        path=path, config=found.config, digest=digest, text=text, known=found.known
    )
    if not (found.problems or found.warnings or document.repeats_keys):
        return loaded
    places = document.find_places()
    repeated = _repeated_keys(places) if document.repeats_keys else ()
    return replace(
        loaded,
        problems=_located(path, found.problems, places),
        warnings=_located(path, (*repeated, *found.warnings), places),
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
    """Return further problems of a loaded text with their places, in file order.

    Without its text, which a config loader need not give, all are at its beginning.
    """
    problems = list(problems)
    if not problems:
        return ()
    try:
        places = read_document(loaded.text, format_of(loaded.path)).find_places()
    except ConfigSyntaxError:
        return tuple(_at_beginning(loaded.path, problem) for problem in problems)
    return _located(loaded.path, problems, places)


def _at_beginning(path: Path, problem: Problem) -> LocatedProblem:
    return LocatedProblem(
        file=str(path),
        line=1,
        column=1,
        path=render_path(problem.path),
        message=problem.message,
        job=problem.job,
    )


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


async def load_settled(path: Path, known: KnownJobs = NO_KNOWN_JOBS) -> LoadedConfig:
    """Return ``load_config`` off the loop; what is unusable is looked at once more.

    An editor may be in the middle of writing, so a file that cannot be read or used is
    read again after SETTLE_SEC; and while somebody has it open for writing, for up to
    two seconds, what it holds does not count. Never raises for a bad file: then
    ``config`` is None, and ``trouble`` says why if it could not be read or parsed.
    """
    loaded = await _load_whole(path, known)
    if loaded.config is not None:
        return loaded
    await asyncio.sleep(SETTLE_SEC)
    return await _load_whole(path, known)


async def _load_whole(path: Path, known: KnownJobs) -> LoadedConfig:
    for _ in range(_LOOKS):
        loaded = await asyncio.to_thread(_load_or_trouble, path, known, read_if_whole)
        if loaded is not None:
            return loaded
        await asyncio.sleep(SETTLE_SEC)
    # Whoever keeps it open may never close it.
    loaded = await asyncio.to_thread(_load_or_trouble, path, known, read_file)
    assert loaded is not None
    return loaded


def _load_or_trouble(
    path: Path, known: KnownJobs, read: Callable[[Path], bytes | None]
) -> LoadedConfig | None:
    try:
        content = read(path)
    except ConfigUnusable as error:
        return unreadable(path, str(error))
    return None if content is None else load_content(path, content, known)


def unreadable(path: Path, trouble: str) -> LoadedConfig:
    """Return what stands for a config that could not be had; ``trouble`` says why."""
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
