"""The handlers ``claims``, ``job_facts`` and ``job_grid``."""

from bistro_tui.engine.api.encoding import Encoded, encode_now
from bistro_tui.engine.api.handler import Handler, HandlerError, Query
from bistro_tui.engine.api.inputs import text_of, text_or_none
from bistro_tui.engine.api.schemas import closed
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.api.unknown import check_job, check_node
from bistro_tui.engine.claims import claims_of
from bistro_tui.engine.config.job_place import NOWHERE
from bistro_tui.engine.config.job_words import job_facts
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName, NodeName, ResourceName
from bistro_tui.engine.inquiries import (
    MOST_HOLDERS,
    MOST_WAITING,
    Claims,
    JobFacts,
    JobGrid,
)
from bistro_tui.engine.job_grids import TreeOrder
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.wire.jobs import encode_claims, encode_job_facts, reasons_out

_SLICE = 1_000
"""Names that are encoded in one go."""
_WORDS = [reason.value for reason in Reason]


async def find_claims(desk: Desk, node: NodeName, resource: ResourceName) -> Claims:
    """Return who holds that resource and who waits for it. Raises HandlerError."""
    found = await Turns().through(claims_of(desk.core.state, node, resource))
    if found is None:
        await check_node(desk, node)
        raise HandlerError(f"{node} has no resource {resource}{_where(desk, resource)}")
    return found


def _where(desk: Desk, resource: ResourceName) -> str:
    config = desk.config
    levels = config.settings.resources.items() if config is not None else ()
    level = next((level for level, specs in levels if resource in specs), None)
    return f"; that is of the level {level}" if level is not None else ""


async def find_job_facts(desk: Desk, job: JobName) -> JobFacts:
    """Return what the config says of a job. Raises HandlerError."""
    await check_job(desk, job)
    config = desk.config
    assert config is not None
    hides_secrets, path, found = desk.hides_secrets, desk.world.path, config.jobs[job]
    is_file = desk.options.config_loader == "file"
    place = NOWHERE
    if is_file:
        place = await desk.job_places.of(path, job, hides_secrets=hides_secrets)
    tasks = len(desk.core.state.places.slots(found.level_for_tasks))
    return JobFacts(
        job=job,
        facts=job_facts(
            found, config.settings, tasks=tasks, hides_secrets=hides_secrets
        ),
        depends_on=found.depends_on,
        needed_by=tuple(
            one.name for one in config.jobs.values() if job in one.depends_on
        ),
        file=str(path) if is_file else "",
        line=place.line,
        excerpt=place.excerpt,
        throughput=desk.done_rates.per_minute(job, desk.clock.now().mono),
        median_seconds=desk.durations.median(job),
    )


async def find_job_grid(desk: Desk, job: JobName) -> tuple[JobGrid, TreeOrder]:
    """Return the state of each of a job's tasks. Raises HandlerError."""
    found = await Turns().through(desk.job_grids.grid(desk.core.state, job))
    if found is None:
        await check_job(desk, job)
        raise HandlerError(f"there is no job {job}")
    return found


async def _claims(desk: Desk, query: Query) -> Json:
    node, resource = text_of(query, "node"), text_of(query, "resource")
    found = await find_claims(desk, NodeName(node), ResourceName(resource))
    return encode_claims(found)


async def _job_facts(desk: Desk, query: Query) -> Json:
    facts = await find_job_facts(desk, JobName(text_of(query, "job")))
    return encode_job_facts(facts)


async def _job_grid(desk: Desk, query: Query) -> Json:
    known = text_or_none(query, "order")
    grid, order = await find_job_grid(desk, JobName(text_of(query, "job")))
    nodes = None if known == order.digest else await _names(grid.nodes)
    return {
        "job": grid.job,
        "level": grid.level,
        "order": order.digest,
        "nodes": nodes,
        "words": _WORDS,
        "reasons": reasons_out(grid.reasons),
    }


async def _names(nodes: tuple[NodeName, ...]) -> Encoded:
    pieces, turns = list[str](), Turns()
    for at in range(0, len(nodes), _SLICE):
        pieces.append(encode_now(nodes[at : at + _SLICE])[1:-1])
        await turns.rest()
    return Encoded(f"[{','.join(pieces)}]")


_TEXT: Json = {"type": "string"}
_WHOLE: Json = {"type": "integer"}
_TEXTS: Json = {"type": "array", "items": _TEXT}
_NUMBER: Json = {"type": ["number", "null"]}


def _list_of(properties: dict[str, Json]) -> Json:
    return {"type": "array", "items": closed(properties)}


_HOLDER: dict[str, Json] = {"job": _TEXT, "node": _TEXT, "amount": _WHOLE}
_WAITER: dict[str, Json] = {
    "job": _TEXT,
    "need": _WHOLE,
    "tasks": {"type": "integer", "minimum": 1, "maximum": MOST_WAITING},
    "first": _TEXT,
}

INQUIRIES = (
    Handler(
        name="claims",
        answer=_claims,
        about="Who holds a resource of a node, oldest first, and which jobs have tasks"
        f" at or below it that lack it. {MOST_HOLDERS} holders are named, and"
        f" {MOST_WAITING} tasks of a job counted, at most.",
        takes={
            "node": {**_TEXT, "description": "local: what runs tasks on this host."},
            "resource": _TEXT,
        },
        requires=("node", "resource"),
        gives=closed(
            {
                "node": _TEXT,
                "resource": _TEXT,
                "used": _WHOLE,
                "limit": _WHOLE,
                "holders": _list_of(_HOLDER),
                "waiters": _list_of(_WAITER),
            }
        ),
    ),
    Handler(
        name="job_facts",
        answer=_job_facts,
        about="What the config says of a job, in words, where the file says it, and how"
        " fast its tasks get done.",
        takes={"job": _TEXT},
        requires=("job",),
        gives=closed(
            {
                "job": _TEXT,
                "facts": {
                    "type": "array",
                    "items": {**_TEXTS, "minItems": 2, "maxItems": 2},
                },
                "depends_on": _TEXTS,
                "needed_by": _TEXTS,
                "file": _TEXT,
                "line": {"type": "integer", "minimum": 0},
                "excerpt": _TEXTS,
                "throughput": {
                    "description": "Done tasks a minute over the last minutes.",
                    **_NUMBER,
                },
                "median_seconds": {
                    "description": "Of the last attempts that were done.",
                    **_NUMBER,
                },
            }
        ),
    ),
    Handler(
        name="job_grid",
        answer=_job_grid,
        about="The state of every task of a job, in the order of the node tree.",
        takes={
            "job": _TEXT,
            "order": {
                "type": ["string", "null"],
                "description": "The order of an earlier answer: while the nodes are"
                " the same, they are left out.",
            },
        },
        requires=("job",),
        gives=closed(
            {
                "job": _TEXT,
                "level": _TEXT,
                "order": _TEXT,
                "nodes": {"type": ["array", "null"], "items": _TEXT},
                "words": _TEXTS,
                "reasons": {
                    "description": "Base64: a byte for each node, the place of its"
                    " reason in words.",
                    **_TEXT,
                },
            }
        ),
    ),
)
