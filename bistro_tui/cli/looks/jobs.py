"""The ``jobs`` command: what jobs there are, and how far each is."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli.colours import DIM, RED
from bistro_tui.cli.live_names import complete_jobs
from bistro_tui.cli.looks.look import (
    asked,
    look_command,
    print_json,
    print_table,
)
from bistro_tui.cli.unknown import refuse_unknown_job
from bistro_tui.client.errors import Refused

if TYPE_CHECKING:
    from bistro_tui.client.once import Asking

_COUNTED = ("running", "done", "failed", "backoff", "waiting")
_STATE_COLOURS = {"invalid": RED, "disabled": DIM}


def _jobs(job: tuple[str, ...], as_json: bool, **place: Any) -> int:  # noqa: ANN401 - click's call
    named = {"jobs": list(dict.fromkeys(job))} if job else {}
    with asked(place) as asking:
        if as_json:
            jobs = asking.ask("jobs", **named)
            print_json(jobs)
        else:
            answers = asking.ask_raw(
                {
                    "jobs": {"handler": "jobs", **named},
                    "histogram": {"handler": "histogram", **named},
                }
            )
            jobs = data_of(answers, "jobs")
            nothing = "" if job else "there is no job"
            print_jobs(jobs, answers["histogram"], nothing=nothing)
        for name in named.get("jobs", ()):
            if name not in jobs:
                refuse_unknown_job(asking, name)
    return 0


def data_of(answers: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - JSON
    """Return what one subquery of a request gave. Raises Refused."""
    if "error" in answers[name]:
        raise Refused(f"{name}: {answers[name]['error']}")
    return answers[name]["data"]


def print_jobs(
    jobs: Mapping[str, Any],
    histogram: Mapping[str, Any],
    *,
    nothing: str = "there is no job",
) -> None:
    """Print jobs with the counts of their tasks, where the histogram has them."""
    from bistro_tui.cli.tables import NONE, Column

    histograms = histogram.get("data", {}).get("histograms", {})
    rows = []
    for name, job in jobs.items():
        level = job.get("level_for_tasks", NONE)
        counts = _counts(histograms.get(name, {}).get(level, {}))
        is_known = name in histograms
        rows.append(
            (
                name,
                _state(job),
                level,
                f"{job.get('priority', 1):g}",
                *(counts[word] if is_known else NONE for word in ("all", *_COUNTED)),
                _errors(job),
            )
        )
    has_errors = any(row[-1] for row in rows)
    columns = [
        Column(title="JOB", is_name=True),
        Column(title="STATE", colour=lambda word: _STATE_COLOURS.get(word, "")),
        Column(title="LEVEL", is_name=True, goes=2),
        Column(title="PRIORITY", right=True, goes=1),
        Column(title="TASKS", right=True),
        *(Column(title=word.upper(), right=True) for word in _COUNTED),
        Column(title="ERROR", is_rest=True, colour=lambda _: RED),
    ]
    if not has_errors:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    print_table(columns, rows, nothing=nothing)


def task_counts(asking: "Asking", job: str) -> Counter[str] | None:
    """Return how many tasks of a job there are, by word; None where that is not known.

    The words are those of the columns. Raises NoAnswer or Refused.
    """
    answers = asking.ask_raw(
        {name: {"handler": name, "jobs": [job]} for name in ("jobs", "histogram")}
    )
    histograms = answers["histogram"].get("data", {}).get("histograms", {})
    level = answers["jobs"].get("data", {}).get(job, {}).get("level_for_tasks")
    if job not in histograms or level is None:
        return None
    return _counts(histograms[job].get(level, {}))


def _state(job: Mapping[str, Any]) -> str:
    if job.get("errors"):
        return "invalid"
    return "enabled" if job["enabled"] else "disabled"


def _errors(job: Mapping[str, Any]) -> str:
    return "; ".join(_texts(job.get("errors") or {}, ""))


def _texts(tree: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield the errors of a value and of all in it, each after its path in the job."""
    if "error" in tree:
        yield f"{path}: {tree['error']}" if path else str(tree["error"])
    for key, nested in tree.get("nested", {}).items():
        yield from _texts(nested, f"{path}.{key}" if path else key)


def _counts(by_code: Mapping[str, int]) -> Counter[str]:
    from bistro_tui.engine.statuses.bits import Bits
    from bistro_tui.engine.statuses.bits_code import bits_of_code

    counts: Counter[str] = Counter()
    for code, number in by_code.items():
        bits = Bits(bits_of_code(code))
        counts["all"] += number
        if Bits.RUNNING in bits:
            counts["running"] += number
        elif Bits.DONE in bits:
            counts["done"] += number
        elif Bits.FAILED in bits:
            counts["failed"] += number
        elif Bits.USES_BACKOFF in bits:
            counts["backoff"] += number
        else:
            counts["waiting"] += number
    return counts


jobs_command = look_command(
    "jobs",
    _jobs,
    click.Argument(["job"], nargs=-1, required=False, shell_complete=complete_jobs),
    about="Show the jobs, and how many of their tasks run, are done, failed, wait for"
    " their backoff, or for anything else (bistro-tui tasks tells what); with JOB…,"
    " those.",
)
