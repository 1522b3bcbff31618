"""The parts that the settings have and every job may override.

Source: Bistro, config/parsing_common.cpp, config/JobBackoffSettings.cpp.
"""

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.coerce import show, to_bool, to_int, to_str
from bistro_tui.engine.config.model import (
    Cgroups,
    Json,
    KillMethod,
    KillSettings,
    TaskSubprocess,
)
from bistro_tui.engine.config.reading import ObjectReader
from bistro_tui.engine.config.shared_keys import (
    CGROUPS,
    KILL_SUBPROCESS,
    TASK_SUBPROCESS,
)

_WITHOUT_EFFECT = tuple(key.name for key in TASK_SUBPROCESS if not key.has_effect)
_LAST_WORDS = ("repeat", "fail")


def read_backoff(reader: ObjectReader, inherited: Backoff) -> Backoff:
    """Return the retry delays; the inherited ones if they are missing or bad."""
    if not reader.has("backoff"):
        return inherited
    items = reader.raw["backoff"]
    if not isinstance(items, list) or not items:
        wanted = 'must be an array such as [15, 60, "repeat"]'
        reader.error("backoff", f"{wanted}, got {_show_list(items)}")
        return inherited
    problems = len(reader.report.problems)
    backoff = _read_steps(reader, items)
    return backoff if len(reader.report.problems) == problems else inherited


def _read_steps(reader: ObjectReader, items: list[Json]) -> Backoff:
    steps: list[int] = []
    path = (*reader.path, "backoff")
    for index, item in enumerate(items):
        if isinstance(item, str):
            if item not in _LAST_WORDS:
                wanted = 'must be a whole number, "repeat" or "fail"'
                near = reader.report.suggest(item, _LAST_WORDS)
                reader.report.error((*path, index), f"{wanted}, got {show(item)}{near}")
                continue
            if item == "repeat" and index == 0:
                reader.report.error((*path, index), '"repeat" needs a delay before it')
            if index + 1 < len(items):
                message = f"what follows {show(item)} is ignored"
                reader.report.warn((*path, index + 1), message)
            return Backoff(steps=tuple(steps), repeat=item == "repeat")
        wrong = _wrong_step(item, steps[-1] if steps else 0)
        if wrong:
            reader.report.error((*path, index), wrong)
        else:
            steps.append(item)
    return Backoff(steps=tuple(steps), repeat=False)


def _wrong_step(item: Json, last: int) -> str:
    """Return what is wrong with a delay that follows ``last``; empty if nothing."""
    if isinstance(item, bool) or not isinstance(item, int):
        return f'must be a whole number, "repeat" or "fail", got {show(item)}'
    if item <= last:
        before = ", the delay before it," if last else ","
        return f"must be above {last}{before} got {show(item)}"
    if item >= 2**63:
        return f"must be a delay in seconds, got {show(item)}"
    return ""


def _show_list(value: Json) -> str:
    return "an empty one" if value == [] else show(value)


def read_task_subprocess(
    parent: ObjectReader, inherited: TaskSubprocess
) -> TaskSubprocess:
    """Return the subprocess settings, each missing field inherited."""
    reader = parent.object("task_subprocess")
    if reader is None:
        return inherited
    for key in _WITHOUT_EFFECT:
        if reader.has(key):
            reader.warn(key, "has no effect here", at_key=True)
    found = TaskSubprocess(
        poll_ms=reader.get("poll_ms", to_int, inherited.poll_ms),
        max_log_lines_per_poll_interval=reader.get(
            "max_log_lines_per_poll_interval",
            to_int,
            inherited.max_log_lines_per_poll_interval,
        ),
        parent_death_signal=reader.get(
            "parent_death_signal", to_int, inherited.parent_death_signal
        ),
        process_group_leader=reader.get(
            "process_group_leader", to_bool, inherited.process_group_leader
        ),
        use_canary_pipe=reader.get(
            "use_canary_pipe", to_bool, inherited.use_canary_pipe
        ),
        cgroups=_read_cgroups(reader, inherited.cgroups),
    )
    reader.finish(TASK_SUBPROCESS)
    return found


def _read_cgroups(parent: ObjectReader, inherited: Cgroups) -> Cgroups:
    reader = parent.object("cgroups")
    if reader is None:
        return inherited
    subsystems = reader.strings("subsystems")
    found = Cgroups(
        root=reader.get("root", to_str, inherited.root),
        slice=reader.get("slice", to_str, inherited.slice),
        subsystems=inherited.subsystems if subsystems is None else subsystems,
        kill_without_freezer=reader.get(
            "kill_without_freezer", to_bool, inherited.kill_without_freezer
        ),
    )
    reader.finish(CGROUPS)
    return found


def read_kill_subprocess(parent: ObjectReader, inherited: KillSettings) -> KillSettings:
    """Return how tasks are ended, each missing field inherited."""
    reader = parent.object("kill_subprocess")
    if reader is None:
        return inherited
    found = KillSettings(
        method=reader.word("method", KillMethod, inherited.method),
        kill_wait_ms=reader.get("kill_wait_ms", to_int, inherited.kill_wait_ms),
    )
    reader.finish(KILL_SUBPROCESS)
    return found
