"""The ``ps`` command: the tasks that run now."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from bistro_tui.cli.colours import RED
from bistro_tui.cli.live_names import complete_jobs
from bistro_tui.cli.looks.look import (
    asked,
    look_command,
    print_json,
    print_table,
    wall_now,
)
from bistro_tui.cli.talk import say
from bistro_tui.cli.unknown import refuse_unknown_job

if TYPE_CHECKING:
    from bistro_tui.client.once import Asking

_HERE: Final = "local"
_WORKER_IS: Final = 6
_T = TypeVar("_T")


def _ps(job: str | None, as_json: bool, **place: Any) -> int:  # noqa: ANN401 - click's call
    with asked(place) as asking:
        data = asking.ask("running_tasks", **({"jobs": [job]} if job else {}))
        if job and not data:
            refuse_unknown_job(asking, job)
        if as_json:
            print_json(data)
            return 0
        nothing = f"no task of {job} runs" if job else "no task runs"
        print_running(data, workers_of(asking, data), nothing=nothing)
    return 0


def workers_of(asking: "Asking", running: Mapping[str, Any]) -> list[Any]:
    """Return the workers where any of these tasks runs elsewhere; none: not known."""
    shards = {
        one.get("worker_shard") for tasks in running.values() for one in tasks.values()
    }
    if shards <= {None, "", _HERE}:
        return []
    # A scheduler that is older than this question still has tasks to tell of.
    answer = asking.ask_raw({"workers": {"handler": "workers", "why": True}})
    found: list[Any] = answer["workers"].get("data", {}).get("workers", [])
    return found


def _trouble(worker: Mapping[str, Any]) -> str:
    """Return what is wrong with a worker; empty: it is well, or only waits."""
    from bistro_tui.engine.ids import BEFORE_STARTS

    state, why = str(worker["state"]), str(worker.get("why") or "")
    if state == "HEALTHY":
        return "" if why == BEFORE_STARTS else why
    return f"{state}: {why}" if why else state


def print_running(
    data: Any,  # noqa: ANN401 - JSON
    workers: Sequence[Any],
    *,
    nothing: str,
    most: int | None = None,
) -> None:
    """Print what ``running_tasks`` gave, oldest first, at most so many of them.

    ``workers``: those whose tasks have a word on how their worker is.
    """
    from bistro_tui.cli.moments import moments
    from bistro_tui.cli.tables import NONE, Column
    from bistro_tui.present.words import age

    troubles = {one["shard"]: _trouble(one) for one in workers}
    now = wall_now()
    moment = moments(now)
    tasks = sorted(
        (
            (float(one["start_time"]), job, node, one)
            for job, nodes in data.items()
            for node, one in nodes.items()
        ),
        key=lambda task: task[:3],
    )
    rows = [
        (
            job,
            node,
            moment(started),
            age(now - started),
            one.get("pid") or NONE,
            one.get("worker_shard") or NONE,
            troubles.get(one.get("worker_shard")) or NONE,
            one.get("invocation") or NONE,
        )
        for started, job, node, one in tasks[:most]
    ]
    columns: tuple[Column, ...] = (
        Column(title="JOB", is_name=True),
        Column(title="NODE", is_name=True),
        Column(title="STARTED", goes=3),
        Column(title="RUNS", right=True),
        Column(title="PID", right=True),
        Column(title="WORKER", is_name=True, goes=2),
        Column(title="WORKER IS", is_name=True, colour=_alarm),
        Column(title="INVOCATION", goes=1),
    )
    if all(row[_WORKER_IS] == NONE for row in rows):
        columns, rows = _without(columns), [_without(row) for row in rows]
    print_table(columns, rows, nothing=nothing)
    if most is not None and len(tasks) > most:
        say(f"and {len(tasks) - most} more: bistro-tui ps")


def _alarm(word: str) -> str:
    from bistro_tui.cli.tables import NONE

    return "" if word == NONE else RED


def _without(cells: tuple[_T, ...]) -> tuple[_T, ...]:
    return cells[:_WORKER_IS] + cells[_WORKER_IS + 1 :]


ps_command = look_command(
    "ps",
    _ps,
    click.Argument(["job"], required=False, shell_complete=complete_jobs),
    about="Show the tasks that run now, those longest at it first; with JOB, that"
    " job's.",
)
