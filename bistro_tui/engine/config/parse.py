"""A whole config from the JSON value of its file: everything that is wrong at once."""

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bistro_tui.engine.config.amounts import warn_of_amounts
from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.config.dependencies import warn_of_dependencies
from bistro_tui.engine.config.known_jobs import NO_KNOWN_JOBS, KnownJob, KnownJobs
from bistro_tui.engine.config.lexis import shorten
from bistro_tui.engine.config.model import Config, Job, Json, Settings
from bistro_tui.engine.config.parse_job import read_job
from bistro_tui.engine.config.parse_settings import ParsedSettings, read_settings
from bistro_tui.engine.config.plugged import NOTHING_PLUGGED, Plugged
from bistro_tui.engine.config.problems import Problem
from bistro_tui.engine.config.reading import ObjectReader, Report
from bistro_tui.engine.config.text import MAX_DEPTH, Path
from bistro_tui.engine.ids import JobName

SETTINGS_KEY = "bistro_settings"
JOB_PREFIX = "bistro_job->"

_OTHER_KEYS = (SETTINGS_KEY, "$schema")
"""``$schema`` tells an editor how to check the file."""

_JOBS = re.compile(r"(?:bistro[_ -]?)?jobs?", re.IGNORECASE)
_NEARLY_A_JOB = re.compile(
    r"(?:bistro[_ -]?)?jobs?\s*(?:->|=>|-+|>|:|\.|→)\s*(?P<name>.+)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedConfig:
    """The config, if its settings are good, and what there is to say about it."""

    config: Config | None
    """None: the settings have errors. Jobs with errors are in it, marked so."""
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    known: KnownJobs = field(default=NO_KNOWN_JOBS, repr=False)
    """For the next parse."""


def parse_config(
    raw: Json,
    plugged: Plugged = NOTHING_PLUGGED,
    known: KnownJobs = NO_KNOWN_JOBS,
) -> ParsedConfig:
    """Return the config that a JSON value stands for. Never raises.

    ``plugged`` are the plug-ins that it may name beside the built-in parts. ``known``
    changes nothing but the time that it takes: of an earlier version of the same
    config, the jobs that are still written the same are the same objects again.

    Source: Bistro, config/Config.cpp: any error in the settings refuses the config; a
    job with errors stays, and cannot run.
    """
    report = Report(plugged)
    if not isinstance(raw, dict):
        message = f"a config must be an object, got {show(raw)}"
        report.error((), _replaced(message))
        return _result(None, report)
    settings = _read_settings(raw, report)
    before, kept = known.under(settings), dict[str, KnownJob]()
    jobs: dict[JobName, Job] = {}
    for key in raw:
        if key.startswith(JOB_PREFIX):
            job = _read_job(key, raw[key], settings, report, before, kept)
            if job is not None:
                jobs[job.name] = job
        elif key not in _OTHER_KEYS:
            _warn_of_key(key, raw[key], report)
    warn_of_dependencies(jobs, raw, JOB_PREFIX, report)
    usable = all(problem.job is not None for problem in report.problems)
    if usable:
        warn_of_amounts(jobs, settings.settings, raw, JOB_PREFIX, report)
    config = Config(settings=settings.settings, jobs=_with_errors(jobs, report))
    known = KnownJobs(settings=settings, jobs=kept)
    return _result(config if usable else None, report, known)


def _result(
    config: Config | None, report: Report, known: KnownJobs = NO_KNOWN_JOBS
) -> ParsedConfig:
    return ParsedConfig(
        config=config,
        problems=tuple(report.problems),
        warnings=tuple(report.warnings),
        known=known,
    )


_UNKNOWN = ParsedSettings(
    settings=Settings(), levels_are_known=False, resource_names=None
)


def _read_settings(raw: dict[str, Json], report: Report) -> ParsedSettings:
    """Return the settings; without any, those that no job can be held to."""
    if SETTINGS_KEY not in raw:
        others = [_replaced(key) for key in raw if "->" not in key]
        near = report.suggest(SETTINGS_KEY, others)
        report.error((), f'the key "{SETTINGS_KEY}" is missing{near}')
        return _UNKNOWN
    settings = _printable(raw[SETTINGS_KEY], (SETTINGS_KEY,), report)
    if not isinstance(settings, dict):
        report.error((SETTINGS_KEY,), f"must be an object, got {show(settings)}")
        return _UNKNOWN
    return read_settings(ObjectReader(settings, (SETTINGS_KEY,), report))


def _read_job(
    key: str,
    raw: Json,
    settings: ParsedSettings,
    report: Report,
    before: Mapping[str, KnownJob],
    kept: dict[str, KnownJob],
) -> Job | None:
    if not isinstance(raw, dict):
        message = f"a job must be an object, got {show(raw)}; it is left out"
        report.warn((key,), message)
        return None
    text = _written(raw)
    if text is not None and key in before and before[key].text == text:
        kept[key] = before[key]
        return kept[key].job
    noted = report.notes
    name = JobName(_replaced(key.removeprefix(JOB_PREFIX)))
    with report.about(name):
        if name != key.removeprefix(JOB_PREFIX):
            report.error((key,), _HALF, at_key=True)
        clean = raw if text is not None else _scrubbed(raw, (key,), report)
        reader = ObjectReader(clean, (key,), report)
        job = read_job(name, reader, settings, written=text or "")
    if text is not None and report.notes == noted:
        kept[key] = KnownJob(text, job)
    return job


def _with_errors(jobs: dict[JobName, Job], report: Report) -> dict[JobName, Job]:
    errors: dict[JobName, list[str]] = {}
    for problem in report.problems:
        if problem.job is not None:
            errors.setdefault(problem.job, []).append(str(problem))
    return {
        name: dataclasses.replace(job, errors=tuple(errors[name]))
        if name in errors
        else job
        for name, job in jobs.items()
    }


def _warn_of_key(key: str, value: Json, report: Report) -> None:
    shown = _replaced(key)
    if _JOBS.fullmatch(shown) and isinstance(value, dict):
        # [bistro_job.x] of TOML is an object in an object.
        shown = f"{shown}->{_replaced(next(iter(value), 'NAME'))}"
    job = _NEARLY_A_JOB.fullmatch(shown)
    if job is not None:
        near = f"; did you mean {show(JOB_PREFIX + job['name'])}?"
    else:
        near = report.suggest(shown, (*_OTHER_KEYS, JOB_PREFIX))
    hint = near or f"; a job's key begins with {JOB_PREFIX}"
    message = f"unknown key {shorten(show(_replaced(key)))}, ignored{hint}"
    report.warn((key,), message, at_key=True)


_HALF = "this text holds half of a surrogate pair, which no file or terminal can show"


def _written(raw: Json) -> str | None:
    """Return the value as JSON; None if it cannot be written out."""
    try:
        text = json.dumps(raw, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        return None
    return text


def _printable(raw: Json, path: Path, report: Report) -> Json:
    """Return the value with what cannot be written out replaced, and noted."""
    return raw if _written(raw) is not None else _scrubbed(raw, path, report)


def _scrubbed(raw: Json, path: Path, report: Report) -> Json:
    if len(path) > MAX_DEPTH:
        report.error(path[:8], "is nested too deeply")
        return None
    if isinstance(raw, dict):
        return {
            _replaced(key): _scrubbed(value, (*path, key), report)
            for key, value in raw.items()
        }
    if isinstance(raw, list):
        return [
            _scrubbed(item, (*path, index), report) for index, item in enumerate(raw)
        ]
    if isinstance(raw, float) and not math.isfinite(raw):
        report.error(path, "must be a finite number")
        return None
    if isinstance(raw, str) and _replaced(raw) != raw:
        report.error(path, _HALF)
        return _replaced(raw)
    return raw


def _replaced(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()
