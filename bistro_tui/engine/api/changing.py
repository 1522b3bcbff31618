"""Handlers that change something: jobs in the config file, tasks, the scheduler itself.

Source: Bistro, server/HTTPMonitor; ours are ``enable_job``, ``disable_job``, ``stop``,
``forgive_tasks``, ``set_job_priority`` and ``set_limit``.
"""

from collections.abc import Mapping, Sequence

from bistro_tui.engine import sentences
from bistro_tui.engine.api.handler import Handler, HandlerError, Query
from bistro_tui.engine.api.inputs import (
    flag_of,
    names_of,
    number_or_none,
    tasks_of,
    text_of,
    text_or_none,
    whole_or_none,
)
from bistro_tui.engine.api.schemas import closed
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.api.unknown import check_task
from bistro_tui.engine.config.lexis import shorten
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.secrets import hidden_keys
from bistro_tui.engine.config_edits import set_job_priority, set_limit
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName, LevelName, NodeName, ResourceName, TaskId


async def _save_job(desk: Desk, query: Query) -> Json:
    job, value = JobName(text_of(query, "job_id")), query.get("job")
    if value is None:
        raise HandlerError("Missing key: job")
    if not isinstance(value, dict):
        raise HandlerError("job must be an object")
    for key in hidden_keys(value):
        raise HandlerError(f"the value of {shorten(key)} was hidden when it was read")
    await desk.world.save_job(job, value, version=_version(query))
    return "saved"


async def _delete_job(desk: Desk, query: Query) -> Json:
    job = JobName(text_of(query, "job_id"))
    await desk.world.delete_job(job, version=_version(query))
    return "deleted"


async def _enable_job(desk: Desk, query: Query) -> Json:
    job = JobName(text_of(query, "job_id"))
    await desk.world.set_job_enabled(job, True, version=_version(query))
    return "enabled"


async def _disable_job(desk: Desk, query: Query) -> Json:
    job = JobName(text_of(query, "job_id"))
    await desk.world.set_job_enabled(job, False, version=_version(query))
    return "disabled"


async def _forgive_jobs(desk: Desk, query: Query) -> Json:
    config = desk.config
    jobs = [JobName(name) for name in names_of(query, "jobs")]
    try:
        for job in jobs:
            if config is None or job not in config.jobs:
                raise HandlerError(sentences.invalid_job_id(job))
            desk.control.forgive_job(job)
        waiting = desk.core.unsettled(jobs)
    finally:
        await desk.control.stored()
    if waiting is not None:
        raise HandlerError(sentences.not_settled(waiting))
    return "forgiven"


async def _kill_task(desk: Desk, query: Query) -> Json:
    job, node = JobName(text_of(query, "job_id")), NodeName(text_of(query, "node_id"))
    config = desk.config
    if config is None or job not in config.jobs:
        raise HandlerError(sentences.unknown_job(job))
    task = TaskId(job, node)
    attempt = desk.core.attempt(task)
    if (attempt is None or attempt.ended) and not desk.core.is_recovering(task):
        raise HandlerError(sentences.unknown_running_task(job, node))
    await desk.control.kill_task(
        task,
        invocation=text_or_none(query, "invocation"),
        at_once=flag_of(query, "at_once"),
        is_logged=True,
    )
    return "signaled"


async def forgive_tasks(
    desk: Desk, tasks: Sequence[TaskId], *, is_logged: bool = False
) -> int:
    """Let these tasks run again at once where they failed; return how many did.

    Raises HandlerError, with nothing done, if there is one that there is not, and
    ControlRefused where none failed.
    """
    turns = Turns()
    for task in tasks:
        await check_task(desk, task)
        await turns.rest()
    return await desk.control.forgive_tasks(tasks, turns.rest, is_logged=is_logged)


async def _forgive_tasks(desk: Desk, query: Query) -> Json:
    return {"forgiven": await forgive_tasks(desk, tasks_of(query), is_logged=True)}


async def _set_job_priority(desk: Desk, query: Query) -> Json:
    job = JobName(text_of(query, "job_id"))
    priority = number_or_none(query, "priority")
    if priority is None:
        raise HandlerError("Missing key: priority")
    is_new = await set_job_priority(desk.world, job, priority, version=_version(query))
    return {"changed": is_new}


async def _set_limit(desk: Desk, query: Query) -> Json:
    level, resource = text_of(query, "level"), text_of(query, "resource")
    limit = whole_or_none(query, "limit")
    if limit is None:
        raise HandlerError("Missing key: limit")
    is_new = await set_limit(
        desk.world, LevelName(level), ResourceName(resource), limit
    )
    return {"changed": is_new}


async def _stop(desk: Desk, _query: Query) -> Json:
    desk.request_stop()
    return "stopping"


def _version(query: Query) -> str | None:
    found = query.get("version")
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | str):
        raise HandlerError("version must be a version_id as jobs shows it")
    return str(found)


_JOB: Json = {"type": "string", "description": "The job's name."}
_VERSION: Json = {
    "type": ["integer", "string", "null"],
    "description": "The job's version_id as jobs showed it: refused if it is another.",
}
_TEXT: Json = {"type": "string"}
_CHANGED = closed(
    {
        "changed": {
            "description": "false: it was so before.",
            "type": "boolean",
        }
    }
)
_TO_EDIT: Mapping[str, Json] = {"job_id": _JOB, "version": _VERSION}

CHANGING = (
    Handler(
        name="save_job",
        answer=_save_job,
        about="Puts a job into the config file: a new one, or what differs of an old "
        "one; answers when it is in force.",
        changes=True,
        takes={
            **_TO_EDIT,
            "job": {
                "type": "object",
                "description": "As in the file; create_time, modify_time and "
                "version_id are left as they are there. A version_id of jobs in it "
                "counts as version if there is no other.",
            },
        },
        requires=("job_id", "job"),
        gives={"const": "saved"},
    ),
    Handler(
        name="delete_job",
        answer=_delete_job,
        about="Takes a job out of the config file; answers when that is in force.",
        changes=True,
        takes=_TO_EDIT,
        requires=("job_id",),
        gives={"const": "deleted"},
    ),
    Handler(
        name="enable_job",
        answer=_enable_job,
        about="Enables a job in the config file; answers when that is in force.",
        changes=True,
        takes=_TO_EDIT,
        requires=("job_id",),
        gives={"const": "enabled"},
    ),
    Handler(
        name="disable_job",
        answer=_disable_job,
        about="Disables a job in the config file; answers when that is in force.",
        changes=True,
        takes=_TO_EDIT,
        requires=("job_id",),
        gives={"const": "disabled"},
    ),
    Handler(
        name="forgive_jobs",
        answer=_forgive_jobs,
        about="Lets the failed and backing-off tasks of these jobs run again; stops at "
        "the first job that is not known, those before it stay forgiven. An error where"
        " it is not known yet how a task of them ended in a run before.",
        changes=True,
        takes={"jobs": {"type": ["array", "null"], "items": {"type": "string"}}},
        gives={"const": "forgiven"},
    ),
    Handler(
        name="kill_task",
        answer=_kill_task,
        about="Begins to end a running task by its job's kill_subprocess.",
        changes=True,
        takes={
            "job_id": _JOB,
            "node_id": {"type": "string", "description": "The node's name."},
            "status_filter": {"description": "Has no effect, as in Bistro."},
            "invocation": {
                "type": ["string", "null"],
                "description": "Refused if another attempt at the task runs by now.",
            },
            "at_once": {
                "type": ["boolean", "null"],
                "description": "With SIGKILL, whatever the job says; also while it is"
                " being ended.",
            },
        },
        requires=("job_id", "node_id"),
        gives={"const": "signaled"},
    ),
    Handler(
        name="forgive_tasks",
        answer=_forgive_tasks,
        about="Lets these tasks run again if they failed or wait for a backoff; nothing"
        " is done if one of them is unknown. Refused if there is nothing to forgive.",
        changes=True,
        takes={
            "tasks": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"job": _TEXT, "node": _TEXT},
                    "required": ["job", "node"],
                },
            }
        },
        requires=("tasks",),
        gives=closed({"forgiven": {"type": "integer", "minimum": 1}}),
    ),
    Handler(
        name="set_job_priority",
        answer=_set_job_priority,
        about="Sets the priority of a job in the config file; answers when that is in"
        " force.",
        changes=True,
        takes={**_TO_EDIT, "priority": {"type": ["number", "string"]}},
        requires=("job_id", "priority"),
        gives=_CHANGED,
    ),
    Handler(
        name="set_limit",
        answer=_set_limit,
        about="Sets the limit of a resource of a level in the config file; answers when"
        " that is in force.",
        changes=True,
        takes={
            "level": _TEXT,
            "resource": _TEXT,
            "limit": {"type": ["integer", "string"]},
        },
        requires=("level", "resource", "limit"),
        gives=_CHANGED,
    ),
    Handler(
        name="stop",
        answer=_stop,
        about="Begins to stop the scheduler; asked again, it kills what is left.",
        changes=True,
        gives={"const": "stopping"},
    ),
)
