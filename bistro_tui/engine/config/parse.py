"""A whole config from the JSON value of its file: everything that is wrong at once."""

import dataclasses
import json
import math
from dataclasses import dataclass

from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.config.model import Config, Job, Json
from bistro_tui.engine.config.parse_job import read_job
from bistro_tui.engine.config.parse_settings import ParsedSettings, read_settings
from bistro_tui.engine.config.problems import Problem
from bistro_tui.engine.config.reading import ObjectReader, Report
from bistro_tui.engine.config.text import MAX_DEPTH, Path
from bistro_tui.engine.ids import JobName

SETTINGS_KEY = "bistro_settings"
JOB_PREFIX = "bistro_job->"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedConfig:
    """The config, if its settings are good, and what there is to say about it."""

    config: Config | None
    """None: the settings have errors. Jobs with errors are in it, marked so."""
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def parse_config(raw: Json) -> ParsedConfig:
    """Return the config that a JSON value stands for. Never raises.

    Source: Bistro, config/Config.cpp: any error in the settings refuses the config; a
    job with errors stays, and cannot run.
    """
    report = Report()
    settings = _read_settings(raw, report)
    if settings is None:
        return _result(None, report)
    jobs: dict[JobName, Job] = {}
    for key in raw:
        if key.startswith(JOB_PREFIX):
            job = _read_job(key, raw[key], settings, report)
            if job is not None:
                jobs[job.name] = job
        elif key != SETTINGS_KEY:
            near = report.suggest(key, (SETTINGS_KEY, JOB_PREFIX))
            hint = near or f"; a job's key begins with {JOB_PREFIX}"
            message = f"unknown key {show(key)}, ignored{hint}"
            report.warn((key,), message, at_key=True)
    _warn_of_dependencies(jobs, report)
    usable = all(problem.job is not None for problem in report.problems)
    config = Config(settings=settings.settings, jobs=_with_errors(jobs, report))
    return _result(config if usable else None, report)


def _result(config: Config | None, report: Report) -> ParsedConfig:
    return ParsedConfig(
        config=config,
        problems=tuple(report.problems),
        warnings=tuple(report.warnings),
    )


def _read_settings(raw: Json, report: Report) -> ParsedSettings | None:
    if not isinstance(raw, dict):
        report.error((), f"a config must be an object, got {show(raw)}")
        return None
    if SETTINGS_KEY not in raw:
        near = report.suggest(SETTINGS_KEY, [key for key in raw if "->" not in key])
        report.error((), f'the key "{SETTINGS_KEY}" is missing{near}')
        return None
    settings = _printable(raw[SETTINGS_KEY], (SETTINGS_KEY,), report)
    if not isinstance(settings, dict):
        report.error((SETTINGS_KEY,), f"must be an object, got {show(settings)}")
        return None
    return read_settings(ObjectReader(settings, (SETTINGS_KEY,), report))


def _read_job(
    key: str, raw: Json, settings: ParsedSettings, report: Report
) -> Job | None:
    if not isinstance(raw, dict):
        message = f"a job must be an object, got {show(raw)}; it is left out"
        report.warn((key,), message)
        return None
    name = JobName(_replaced(key.removeprefix(JOB_PREFIX)))
    with report.about(name):
        if name != key.removeprefix(JOB_PREFIX):
            report.error((key,), _HALF, at_key=True)
        clean = _printable(raw, (key,), report)
        return read_job(name, ObjectReader(clean, (key,), report), settings)


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


def _warn_of_dependencies(jobs: dict[JobName, Job], report: Report) -> None:
    for name, job in jobs.items():
        for other in job.depends_on:
            if other in jobs and other != name:
                continue
            what = "itself" if other == name else f"the unknown job {show(other)}"
            near = "" if other == name else report.suggest(other, jobs)
            path = (JOB_PREFIX + name, "depends_on")
            with report.about(name):
                report.warn(path, f"depends on {what}, so it never runs{near}")


_HALF = "this text holds half of a surrogate pair, which no file or terminal can show"


def _printable(raw: Json, path: Path, report: Report) -> Json:
    """Return the value with what cannot be written out replaced, and noted."""
    try:
        json.dumps(raw, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return _scrubbed(raw, path, report)
    return raw


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
