"""Handlers that tell how it goes: why, open_tasks, workers, config, stats."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import bistro_tui
from bistro_tui.engine.api.encoding import encoded_now
from bistro_tui.engine.api.handler import Handler, Query
from bistro_tui.engine.api.inputs import count_of, flag_of, text_of
from bistro_tui.engine.api.schemas import by_name, closed
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.api.unknown import check_task
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.problems import LocatedProblem
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.measures import RESULTS
from bistro_tui.engine.publish import state_word
from bistro_tui.engine.scheduling.contention import Holdings
from bistro_tui.engine.scheduling.explain import explain
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.totals import Usages, usage_by_level
from bistro_tui.engine.view import Usage, WorkerRow
from bistro_tui.engine.wire.answers import encode_explanation
from bistro_tui.engine.worker_rows import WORKER_STATES, by_state

MOST_OPEN = 1_000
MOST_HOLDERS = 20
"""Of one of many explanations; why tells of all."""

_OPEN = 200


async def _why(desk: Desk, query: Query) -> Json:
    task = TaskId(JobName(text_of(query, "job")), NodeName(text_of(query, "node")))
    await check_task(desk, task)
    return encode_explanation(await desk.control.explain(task))


async def _open_tasks(desk: Desk, query: Query) -> Json:
    job = JobName(text_of(query, "job"))
    limit = min(count_of(query, "limit", _OPEN), MOST_OPEN)
    state = desk.core.state
    turns, found = Turns(), list[Json]()
    now, holdings = desk.clock.now(), Holdings(state)
    for task in desk.core.open_tasks(job, limit):
        # It may have gone since.
        with contextlib.suppress(KeyError):
            one = explain(state, task, now, holdings)
            # What thousands hold, each of thousands may wait for.
            few = replace(one, holders=one.holders[:MOST_HOLDERS])
            found.append(encoded_now(encode_explanation(few)))
        if await turns.rest():
            now, holdings = desk.clock.now(), Holdings(state)
    return {"tasks": found}


async def _workers(desk: Desk, query: Query) -> Json:
    there, now = desk.workers(), desk.clock.now().wall
    tells_why = flag_of(query, "why")
    return {
        "workers": [
            _worker(row, now) | ({"why": row.why} if tells_why else {})
            for row in there.rows
        ],
        "initial_wait": there.initial_wait,
    }


def _worker(row: WorkerRow, now: float) -> dict[str, Json]:
    # What runs in this process is as well as whoever answers.
    beat = now if row.last_heartbeat is None else row.last_heartbeat
    return {
        "shard": row.shard,
        "state": row.state,
        "host": row.host,
        "running": row.running,
        "resources": _resources(row.usage),
        "last_heartbeat": beat,
    }


async def _config(desk: Desk, _query: Query) -> Json:
    world = desk.world
    return {
        "path": str(world.path),
        "version": world.version,
        "loaded": world.loaded_at,
        "errors": await _problems(world.judgement.errors),
        "warnings": await _problems(world.judgement.warnings),
        "is_in_force": world.is_in_force,
    }


async def _problems(found: Sequence[LocatedProblem]) -> list[Json]:
    turns, problems = Turns(), list[Json]()
    for one in found:
        problems.append(one.as_json())
        await turns.rest()
    return problems


async def _stats(desk: Desk, _query: Query) -> Json:
    core, measures, now = desk.core, desk.measures, desk.clock.now()
    total = await desk.tallies.total(core.state, Turns().rest)
    return {
        "tasks": {reason.value: number for reason, number in total.items()},
        "jobs": len(core.state.jobs),
        "running": core.state.attempts.live,
        "starts": core.starts,
        "starts_per_second": measures.starts_per_second(now.mono, core.starts),
        "ends": dict(measures.ends()),
        "workers": by_state(desk.workers().rows),
        "resources": {
            level: _resources(usages)
            for level, usages in usage_by_level(core.state).items()
        },
        "unstored_statuses": core.unstored,
        "waiting_log_bytes": desk.logs.waiting_bytes,
        "loop_lag_p99_ms": measures.lag().p99 * 1_000,
        "uptime_seconds": max(0.0, now.mono - desk.started.mono),
        "state": state_word(core),
        "state_text": core.closed.text if core.closed is not None else "",
        "config_path": str(desk.world.path),
        "data_dir": str(desk.data_dir.path),
        "version": bistro_tui.__version__,
    }


def _resources(usages: Usages | Sequence[Usage]) -> dict[str, Mapping[str, int]]:
    return {name: {"limit": limit, "used": used} for name, used, limit in usages}


_TEXT: dict[str, Json] = {"type": "string"}
_WHOLE: dict[str, Json] = {"type": "integer"}
_COUNT: dict[str, Json] = {"type": "integer", "minimum": 0}
_NUMBER: dict[str, Json] = {"type": "number", "minimum": 0}
_TASK: dict[str, Json] = {"job": _TEXT, "node": _TEXT}


def _list_of(properties: dict[str, Json]) -> Json:
    return {"type": "array", "items": closed(properties)}


_WHY = closed(
    {
        **_TASK,
        "reason": {"enum": [reason.value for reason in Reason]},
        "checks": _list_of({"check": _TEXT, "ok": {"type": "boolean"}, "text": _TEXT}),
        "holders": _list_of(_TASK),
        "would_run_if": _TEXT,
    }
)
_RESOURCES = by_name(closed({"limit": _WHOLE, "used": _WHOLE}))
_PROBLEMS = _list_of(
    {
        "file": _TEXT,
        "line": {"type": "integer", "minimum": 1},
        "column": {"type": "integer", "minimum": 1},
        "path": _TEXT,
        "message": _TEXT,
        "job": {"type": ["string", "null"]},
    }
)

STATUS_HANDLERS = (
    Handler(
        name="why",
        answer=_why,
        about="Why a task is where it is: the chain of checks, its first blocker, who"
        " holds what it waits for, and what would let it run.",
        takes=_TASK,
        requires=("job", "node"),
        gives=_WHY,
    ),
    Handler(
        name="open_tasks",
        answer=_open_tasks,
        about="The tasks of a job that are not done, blocked ones first, each as why"
        f" tells of it, but with {MOST_HOLDERS} holders at most.",
        takes={
            "job": _TEXT,
            "limit": {
                "description": f"Above {MOST_OPEN} it counts as that.",
                **_COUNT,
                "default": _OPEN,
            },
        },
        requires=("job",),
        gives=closed({"tasks": {"type": "array", "items": _WHY}}),
    ),
    Handler(
        name="workers",
        answer=_workers,
        about="Where tasks run: each worker, and what a scheduler of remote workers"
        " waits for before its first start.",
        takes={"why": {"type": "boolean"}},
        gives=closed(
            {
                "workers": {
                    "type": "array",
                    "items": closed(
                        {
                            "shard": _TEXT,
                            "state": {"enum": list(WORKER_STATES)},
                            "host": _TEXT,
                            "running": _COUNT,
                            "resources": _RESOURCES,
                            "last_heartbeat": {"type": "number"},
                            "why": _TEXT,
                        },
                        optional=("why",),
                    ),
                },
                "initial_wait": _TEXT,
            }
        ),
    ),
    Handler(
        name="config",
        answer=_config,
        about="The config in force, and what is wrong with the file as it is now.",
        gives=closed(
            {
                "path": _TEXT,
                "version": {"type": "integer", "minimum": 1},
                "loaded": {"type": "number"},
                "errors": _PROBLEMS,
                "warnings": _PROBLEMS,
                "is_in_force": {
                    "description": "Whether the file as it is now is what runs.",
                    "type": "boolean",
                },
            }
        ),
    ),
    Handler(
        name="stats",
        answer=_stats,
        about="The scheduler in numbers: tasks by reason, starts, resources of each"
        " level summed over its nodes, how late its loop is.",
        gives=closed(
            {
                "tasks": closed({reason.value: _COUNT for reason in Reason}),
                "jobs": _COUNT,
                "running": _COUNT,
                "starts": _COUNT,
                "starts_per_second": _NUMBER,
                "ends": closed(dict.fromkeys(RESULTS, _COUNT)),
                "workers": closed(dict.fromkeys(WORKER_STATES, _COUNT)),
                "resources": by_name(_RESOURCES),
                "unstored_statuses": _COUNT,
                "waiting_log_bytes": _COUNT,
                "loop_lag_p99_ms": _NUMBER,
                "uptime_seconds": _NUMBER,
                "state": _TEXT,
                "state_text": _TEXT,
                "config_path": _TEXT,
                "data_dir": _TEXT,
                "version": _TEXT,
            }
        ),
    ),
)
