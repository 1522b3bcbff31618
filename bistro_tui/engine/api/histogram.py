"""The ``histogram`` handler: how many nodes of each level have which status bits.

Source: Bistro, server/HTTPMonitor and monitor/Monitor.
"""

from collections.abc import Iterable

from bistro_tui.engine.api.handler import Handler, Query
from bistro_tui.engine.api.inputs import count_of, names_of
from bistro_tui.engine.api.schemas import NAMES
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.scheduling.bit_counts import JobBits
from bistro_tui.engine.statuses.bits_code import bits_code

STEPS = 500
"""Tasks that are looked at between two looks at the clock."""


async def _histogram(desk: Desk, query: Query) -> Json:
    asked = names_of(query, "jobs")
    wanted = count_of(query, "num_samples", 0)
    most = min(wanted, desk.options.monitor_samples)
    turns = Turns()
    histograms: dict[str, Json] = {}
    samples: dict[str, Json] = {}
    for name in _asked(desk, asked):
        bits = await _current(desk, name, turns)
        if bits is None:
            continue
        # In one turn, so that all that is told of a job is of one moment.
        histograms[name] = {
            level: {bits_code(one): count for one, count in cells.counts().items()}
            for level, cells in bits.levels()
            if cells.counts()
        }
        if wanted:
            samples[name] = {
                level: {
                    bits_code(one): list[Json](cells.names(one, most))
                    for one in cells.counts()
                }
                for level, cells in bits.levels()
                if cells.counts()
            }
        await turns.rest()
    found: dict[str, Json] = {"histograms": histograms}
    if wanted:
        found["samples"] = samples
    return found


def _asked(desk: Desk, names: Iterable[str]) -> list[JobName]:
    config = desk.config
    jobs = config.jobs if config is not None else {}
    if not names:
        return list(jobs)
    return [JobName(name) for name in dict.fromkeys(names) if name in jobs]


async def _current(desk: Desk, name: JobName, turns: Turns) -> JobBits | None:
    """Return what is counted of a job now, None if it is invalid or gone."""
    # Asked again after each turn: others may have loaded another config meanwhile.
    counts, clock = desk.core.bit_counts, desk.clock
    while (bits := counts.of(name, clock.now().mono)) is not None:
        if bits.catch_up(STEPS):
            return bits
        await turns.rest()
    return None


def _by_job(bucket: Json) -> Json:
    by_code = {"type": "object", "additionalProperties": bucket}
    by_level = {"type": "object", "additionalProperties": by_code}
    return {"type": "object", "additionalProperties": by_level}


HISTOGRAM = (
    Handler(
        name="histogram",
        answer=_histogram,
        about="How many nodes of each level have which status bits of each valid job:"
        " those of its tasks there and below. Bits are one or two characters of"
        " URL-safe base64, the lowest six first.",
        takes={
            "jobs": NAMES,
            "num_samples": {
                "type": "integer",
                "minimum": 0,
                "description": "So many node names a count, --monitor-samples at most.",
            },
        },
        gives={
            "type": "object",
            "properties": {
                "histograms": _by_job({"type": "integer", "minimum": 1}),
                "samples": _by_job({"type": "array", "items": {"type": "string"}}),
            },
            "required": ["histograms"],
            "additionalProperties": False,
        },
    ),
)
