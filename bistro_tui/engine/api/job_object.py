"""The handler ``jobs``: every job as its config says it, inherited values written out.

Source: Bistro, server/HTTPMonitor and config/Job.
"""

from bistro_tui.engine.api.encoding import Encoded, encode_now
from bistro_tui.engine.api.handler import Handler, Query
from bistro_tui.engine.api.inputs import names_of
from bistro_tui.engine.api.schemas import NAMES, by_name
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.config.dump import dump_job
from bistro_tui.engine.config.model import Job, Json, KillMethod, StatusFrom
from bistro_tui.engine.config.secrets import hide_secrets
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName

_HELD = ("config", "env")
"""What may have secrets in it, by its keys."""


async def _jobs(desk: Desk, query: Query) -> Json:
    asked = names_of(query, "jobs")
    known = desk.config.jobs if desk.config is not None else {}
    is_hidden, turns = desk.hides_secrets, Turns()
    texts = desk.hidden_texts if is_hidden else desk.job_texts
    found: dict[str, Json] = {}
    for name in map(JobName, dict.fromkeys(asked)) if asked else known:
        if name in known:
            found[name] = _text(known[name], texts, is_hidden=is_hidden)
            await turns.rest()
    if len(texts) > len(known):
        for name in [name for name in texts if name not in known]:
            del texts[name]
    return found


def _text(
    job: Job, texts: dict[JobName, tuple[Job, str]], *, is_hidden: bool
) -> Encoded:
    """Return the object of a job, made once for as long as the job is the same."""
    before = texts.get(job.name)
    if before is None or before[0] is not job:
        found = dump_job(job)
        if is_hidden:
            found = {
                key: hide_secrets(one) if key in _HELD else one
                for key, one in found.items()
            }
        before = texts[job.name] = (job, encode_now(found))
    return Encoded(before[1])


_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_WHOLE = {"type": "integer"}
_TEXTS = {"type": "array", "items": _TEXT}
_AMOUNTS = {"type": "object", "additionalProperties": _WHOLE}

_CGROUPS: Json = {
    "type": "object",
    "properties": {
        "root": _TEXT,
        "slice": _TEXT,
        "subsystems": _TEXTS,
        "kill_without_freezer": _FLAG,
    },
    "required": ["root", "slice", "subsystems", "kill_without_freezer"],
    "additionalProperties": False,
}
_TASK_SUBPROCESS: Json = {
    "type": "object",
    "properties": {
        "poll_ms": _WHOLE,
        "max_log_lines_per_poll_interval": _WHOLE,
        "parent_death_signal": _WHOLE,
        "process_group_leader": _FLAG,
        "use_canary_pipe": _FLAG,
        "cgroups": _CGROUPS,
    },
    "required": [
        "poll_ms",
        "max_log_lines_per_poll_interval",
        "parent_death_signal",
        "process_group_leader",
        "use_canary_pipe",
        "cgroups",
    ],
    "additionalProperties": False,
}
_KILL_SUBPROCESS: Json = {
    "type": "object",
    "properties": {
        "method": {"enum": [method.value for method in KillMethod]},
        "kill_wait_ms": _WHOLE,
    },
    "required": ["method", "kill_wait_ms"],
    "additionalProperties": False,
}
_FILTER: Json = {
    "type": "object",
    "properties": {
        "whitelist": _TEXTS,
        "whitelist_regex": _TEXT,
        "blacklist": _TEXTS,
        "blacklist_regex": _TEXT,
        "tag_whitelist": _TEXTS,
        "fraction_of_nodes": {"type": "number"},
    },
    "additionalProperties": False,
}
_ALWAYS: dict[str, Json] = {
    "enabled": _FLAG,
    "owner": _TEXT,
    "level_for_tasks": _TEXT,
    "priority": {"type": "number"},
    "config": {"type": "object"},
    "backoff": {"type": "array", "items": {"type": ["integer", "string"]}},
    "kill_orphan_tasks_after_sec": {
        "oneOf": [{"const": False}, {"type": "number", "minimum": 0}]
    },
    "task_subprocess": _TASK_SUBPROCESS,
    "kill_subprocess": _KILL_SUBPROCESS,
}
_IF_SET: dict[str, Json] = {
    "resources": _AMOUNTS,
    "filters": by_name(_FILTER),
    "level_for_host_placement": _TEXT,
    "host_placement": _TEXT,
    "depends_on": _TEXTS,
    "create_time": _WHOLE,
    "modify_time": _WHOLE,
    "command": _TEXTS,
    "status_from": {"enum": [word.value for word in StatusFrom]},
    "timeout_sec": {"type": "number"},
    "env": by_name(_TEXT),
    "version_id": {
        "description": "Another one when the job's object in the file is another.",
        **_WHOLE,
    },
    "errors": {
        "description": "Only of jobs that are invalid, and cannot run: `error` of a"
        " value, `nested` by its members.",
        "type": "object",
    },
}

JOBS = (
    Handler(
        name="jobs",
        answer=_jobs,
        about="The config of each job, or of those asked for as far as there are any.",
        takes={"jobs": NAMES},
        gives=by_name(
            {
                "type": "object",
                "properties": _ALWAYS | _IF_SET,
                "required": list(_ALWAYS),
                "additionalProperties": False,
            }
        ),
    ),
)
