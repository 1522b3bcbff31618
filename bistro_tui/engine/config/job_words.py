"""What a config says of a job, in words for a person. Pure."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import (
    Job,
    Json,
    KillMethod,
    KillSettings,
    Settings,
    StatusFrom,
)
from bistro_tui.engine.config.secrets import hide_secrets
from bistro_tui.engine.ids import ResourceName

Facts: TypeAlias = Iterator[tuple[str, str]]

_LONGEST = 1_000
"""Characters of one text."""
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def job_facts(
    job: Job, settings: Settings, *, tasks: int, hides_secrets: bool
) -> tuple[tuple[str, str], ...]:
    """Return label and text pairs, first what a person wants to know first.

    ``tasks``: how many the job has. What goes without saying is left out.
    """
    facts = (
        *_what(job, tasks),
        *_which_nodes(job, settings),
        *_how_it_goes_on(job),
        *_what_tasks_are_given(job, hides_secrets=hides_secrets),
    )
    if hides_secrets:
        # They are hidden by value in what is answered; half of one would be shown.
        return tuple(facts)
    return tuple((label, _cut(text)) for label, text in facts)


def _what(job: Job, tasks: int) -> Facts:
    for error in job.errors:
        yield "error", error
    words = shlex.join(job.command)
    yield "command", words or "none of its own: --worker-command"
    yield "level", job.level_for_tasks
    yield "tasks", str(tasks)
    yield "enabled", "yes" if job.enabled else "no"
    yield "owner", job.owner
    yield "priority", f"{job.priority:.15g}"


def _which_nodes(job: Job, settings: Settings) -> Facts:
    level_of = {
        resource: level
        for level, specs in settings.resources.items()
        for resource in specs
    }
    takes = [
        f"{amount} {name} ({level_of.get(name, '?')})"
        for name, amount in _taken(job.resources)
    ]
    yield "resources", ", ".join(takes) or "none"
    for level, one in job.filters.items():
        if words := "; ".join(_filter(one)):
            yield f"filter on {level}", words
    if job.depends_on:
        yield "depends on", ", ".join(job.depends_on)
    if job.host_placement:
        yield "host placement", job.host_placement


def _how_it_goes_on(job: Job) -> Facts:
    yield "backoff", _backoff(job.backoff)
    if job.timeout_sec is not None:
        yield "timeout", f"killed after {_time(job.timeout_sec)}"
    yield "kill", _kill(job.kill_subprocess)
    yield "orphans", _orphans(job.kill_orphan_tasks_after_sec)
    if job.status_from is StatusFrom.EXIT_CODE:
        yield "status", "its exit code, where it writes no status"


def _what_tasks_are_given(job: Job, *, hides_secrets: bool) -> Facts:
    if job.env:
        yield "env", ", ".join(job.env)
    if job.config:
        config: Json = dict(job.config)
        shown = hide_secrets(config) if hides_secrets else config
        yield "config", json.dumps(shown, ensure_ascii=False)
    limits = []
    if job.enforcement.memory_max:
        limits.append(f"{job.enforcement.memory_max / 2**20:.15g} MiB of memory")
    if job.enforcement.cpu_weight:
        limits.append(f"CPU weight {job.enforcement.cpu_weight}")
    if limits:
        yield "held to", ", ".join(limits)


def _taken(resources: Mapping[ResourceName, int]) -> list[tuple[ResourceName, int]]:
    return [(name, amount) for name, amount in resources.items() if amount]


def _filter(one: LevelFilter) -> Iterator[str]:
    if one.whitelist:
        yield f"only {_names(sorted(one.whitelist))}"
    if one.whitelist_regex is not None:
        yield f"only what matches {one.whitelist_regex}"
    if one.blacklist:
        yield f"not {_names(sorted(one.blacklist))}"
    if one.blacklist_regex is not None:
        yield f"not what matches {one.blacklist_regex}"
    if one.tag_whitelist:
        yield f"only with a tag of {_names(sorted(one.tag_whitelist))}"
    if 0 < one.fraction_of_nodes < 1:
        yield f"{one.fraction_of_nodes * 100:.6g} % of them"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names)


def _backoff(backoff: Backoff) -> str:
    steps = [_time(step) for step in backoff.steps]
    if not steps:
        return "none: an error is the end"
    if not backoff.repeat:
        return f"{', '.join(steps)}, then it has failed"
    first = f"{', '.join(steps[:-1])}, then " if steps[:-1] else ""
    return f"{first}{steps[-1]} each time"


def _kill(kill: KillSettings) -> str:
    match kill.method:
        case KillMethod.TERM:
            return "SIGTERM, and no more"
        case KillMethod.KILL:
            return "SIGKILL at once"
        case KillMethod.TERM_WAIT_KILL:
            wait = _time(max(0, kill.kill_wait_ms) / 1_000)
            return f"SIGTERM, SIGKILL after {wait}"


def _orphans(seconds: float | None) -> str:
    if seconds is None:
        return "are left alone"
    return f"are ended after {_time(seconds)}" if seconds else "are ended at once"


def _time(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.15g} {unit}"
    return f"{seconds:.15g} s"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
