"""The rows of a snapshot as JSON objects, and back.

What they are called there is what they are called in ``engine.view``. Whatever reads
JSON raises what ``MALFORMED`` names for JSON of another shape.
"""

from functools import lru_cache

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.ids import JobName, LevelName, NodeName, TaskId
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.view import (
    Banner,
    EndedRow,
    EngineState,
    JobRow,
    NodeRow,
    RunningRow,
    Usage,
    WorkerRow,
)
from bistro_tui.engine.wire.values import (
    counts_in,
    counts_out,
    number_in,
    number_or_none,
    number_out,
    text_in,
    truth_in,
    whole_in,
    whole_or_none,
)

_SHARED = 4096
"""Usages that are remembered."""


def task_out(task: TaskId) -> dict[str, Json]:
    """Return a task as JSON."""
    return {"job": task.job, "node": task.node}


def task_in(value: Json) -> TaskId:
    """Return the task."""
    return TaskId(JobName(text_in(value["job"])), NodeName(text_in(value["node"])))


def job_out(row: JobRow) -> Json:
    """Return the row of a job as JSON."""
    return {
        "name": row.name,
        "owner": row.owner,
        "enabled": row.enabled,
        "errors": list(row.errors),
        "level": row.level,
        "priority": number_out(row.priority),
        "tasks": row.tasks,
        "counts": counts_out(row.counts),
        "in_config": row.in_config,
        "eta": number_out(row.eta),
    }


def job_in(value: Json) -> JobRow:
    """Return the row of a job."""
    return JobRow(
        name=JobName(text_in(value["name"])),
        owner=text_in(value["owner"]),
        enabled=truth_in(value["enabled"]),
        errors=tuple(map(text_in, value["errors"])),
        level=LevelName(text_in(value["level"])),
        priority=number_in(value["priority"]),
        tasks=whole_in(value["tasks"]),
        counts=counts_in(value["counts"]),
        in_config=truth_in(value["in_config"]),
        eta=number_or_none(value["eta"]),
    )


def node_out(row: NodeRow) -> Json:
    """Return the row of a node as JSON; its usage as [resource, used, limit]."""
    name, level, depth, enabled, usage, running = row
    return {
        "name": name,
        "level": level,
        "depth": depth,
        "enabled": enabled,
        "usage": usage,
        "running": running,
    }


def node_in(value: Json) -> NodeRow:
    """Return the row of a node."""
    return NodeRow(
        NodeName(text_in(value["name"])),
        LevelName(text_in(value["level"])),
        whole_in(value["depth"]),
        truth_in(value["enabled"]),
        usage_in(value["usage"]),
        whole_in(value["running"]),
    )


def usage_in(value: Json) -> tuple[Usage, ...]:
    """Return the use of resources from [resource, used, limit] each."""
    return _usage_in(tuple(map(tuple, value)))


@lru_cache(maxsize=_SHARED)
def _usage_in(rows: tuple[Json, ...]) -> tuple[Usage, ...]:
    """Return the usage with these numbers, mostly the one that other nodes show."""
    return tuple(
        Usage(text_in(resource), whole_in(used), whole_in(limit))
        for resource, used, limit in rows
    )


def running_out(row: RunningRow) -> Json:
    """Return the row of a running attempt as JSON."""
    return task_out(row.task) | {
        "invocation": row.invocation,
        "pid": row.pid,
        "since": number_out(row.since),
        "attempt": row.attempt,
        "worker": row.worker,
        "stopping": row.stopping,
        "kill_at": number_out(row.kill_at),
        "containment": row.containment,
        "rss": row.rss,
        "cpu_seconds": number_out(row.cpu_seconds),
        "processes": row.processes,
    }


def running_in(value: Json) -> RunningRow:
    """Return the row of a running attempt."""
    return RunningRow(
        task_in(value),
        text_in(value["invocation"]),
        whole_or_none(value["pid"]),
        number_in(value["since"]),
        whole_in(value["attempt"]),
        text_in(value["worker"]),
        truth_in(value["stopping"]),
        number_or_none(value["kill_at"]),
        text_in(value["containment"]),
        whole_or_none(value["rss"]),
        number_or_none(value["cpu_seconds"]),
        whole_or_none(value["processes"]),
    )


def ended_out(row: EndedRow) -> Json:
    """Return the row of an attempt that is over as JSON."""
    return task_out(row.task) | {
        "result": row.result.value,
        "detail": row.detail,
        "ended": number_out(row.ended),
        "seconds": number_out(row.seconds),
        "retry_at": number_out(row.retry_at),
        "worker": row.worker,
    }


def ended_in(value: Json) -> EndedRow:
    """Return the row of an attempt that is over."""
    return EndedRow(
        task=task_in(value),
        result=Reason(value["result"]),
        detail=text_in(value["detail"]),
        ended=number_in(value["ended"]),
        seconds=number_in(value["seconds"]),
        retry_at=number_or_none(value["retry_at"]),
        worker=text_in(value.get("worker", "")),
    )


def worker_out(row: WorkerRow) -> Json:
    """Return the row of a worker as JSON; its usage as [resource, used, limit]."""
    return {
        "shard": row.shard,
        "state": row.state,
        "host": row.host,
        "running": row.running,
        "usage": row.usage,
        "last_heartbeat": number_out(row.last_heartbeat),
        "since": number_out(row.since),
        "why": row.why,
        "slots": row.slots,
    }


def worker_in(value: Json) -> WorkerRow:
    """Return the row of a worker."""
    return WorkerRow(
        NodeName(text_in(value["shard"])),
        text_in(value["state"]),
        text_in(value["host"]),
        whole_in(value["running"]),
        usage_in(value["usage"]),
        number_or_none(value["last_heartbeat"]),
        number_in(value["since"]),
        text_in(value["why"]),
        whole_or_none(value["slots"]),
    )


def banner_out(banner: Banner) -> Json:
    """Return a banner as JSON."""
    return {"topic": banner.topic, "text": banner.text, "is_error": banner.is_error}


def banner_in(value: Json) -> Banner:
    """Return a banner."""
    return Banner(
        topic=text_in(value["topic"]),
        text=text_in(value["text"]),
        is_error=truth_in(value["is_error"]),
    )


def state_out(state: EngineState) -> Json:
    """Return the state of the scheduler as JSON."""
    return {
        "word": state.word,
        "text": state.text,
        "instance": state.instance,
        "config_path": state.config_path,
        "config_version": state.config_version,
        "config_loaded": number_out(state.config_loaded),
        "data_dir": state.data_dir,
        "started": number_out(state.started),
        "all_done": state.all_done,
        "is_stuck": state.is_stuck,
    }


def state_in(value: Json) -> EngineState:
    """Return the state of the scheduler."""
    return EngineState(
        word=text_in(value["word"]),
        text=text_in(value["text"]),
        instance=text_in(value["instance"]),
        config_path=text_in(value["config_path"]),
        config_version=whole_in(value["config_version"]),
        config_loaded=number_in(value["config_loaded"]),
        data_dir=text_in(value["data_dir"]),
        started=number_in(value["started"]),
        all_done=truth_in(value["all_done"]),
        is_stuck=truth_in(value["is_stuck"]),
    )
