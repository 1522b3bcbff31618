"""The ``top`` command: one look at everything."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from bistro_tui.cli.colours import BOLD, has_colours, of_reason, painted
from bistro_tui.cli.looks.errors import error_lines
from bistro_tui.cli.looks.jobs import data_of, print_jobs
from bistro_tui.cli.looks.look import asked, look_command, print_json, print_table
from bistro_tui.cli.looks.ps import print_running, workers_of
from bistro_tui.cli.talk import WrongUse, print_data

_MOST_RUNNING = 20
_WAIT_TOPIC = "RemoteWorkerRunner initial wait"
"""So ``errors`` calls the wait of a start."""


def _top(once: bool, as_json: bool, **place: Any) -> int:  # noqa: ANN401 - click's call
    if not once:
        raise WrongUse(
            "one look is bistro-tui top --once; bistro-tui attach keeps looking"
        )
    with asked(place) as asking:
        if as_json:
            print_json(asking.ask("stats"))
            return 0
        names = ("stats", "errors", "jobs", "histogram", "running_tasks", "progress")
        answers = asking.ask_raw({name: {"handler": name} for name in names})
        stats = data_of(answers, "stats")
        resources = stats["resources"]
        word = _standing(
            str(stats.get("state", "")),
            answers.get("progress", {}).get("data"),
            data_of(answers, "jobs"),
        )
        errors = answers["errors"].get("data", {})
        if word == "paused" and _WAIT_TOPIC in errors:
            word = "initial wait"
        running = data_of(answers, "running_tasks")
        head = [*_head(stats, word), *error_lines(errors)]
        if print_data("\n".join(head) + "\n"):
            _print_resources(resources)
            print_jobs(data_of(answers, "jobs"), answers["histogram"])
            print_data("")
            print_running(
                running,
                workers_of(asking, running),
                nothing="no task runs",
                most=_MOST_RUNNING,
            )
    return 0


def _standing(
    word: str, progress: Mapping[str, Any] | None, jobs: Mapping[str, Any]
) -> str:
    """Return the state in the words of the screen."""
    from bistro_tui.present.standing import RUNNING, standing

    if word != RUNNING or progress is None:
        # An older scheduler does not say how far it is.
        return word
    is_over = not progress["can_progress"]
    return standing(
        is_done=is_over and progress["is_done"],
        is_stuck=is_over and not progress["is_done"],
        runs=progress["running"] > 0,
        is_owing=sum(progress[key] for key in ("done", "failed", "blocked")) > 0,
        is_enabled=any(job.get("enabled") for job in jobs.values()),
    )


def _head(stats: Mapping[str, Any], state: str) -> Iterator[str]:
    from bistro_tui.present.clean import clean_name
    from bistro_tui.present.words import age

    is_coloured = has_colours()
    facts = [
        clean_name(state),
        f"up {age(stats['uptime_seconds'])}",
        f"{stats['starts_per_second']:.1f} starts/s",
        f"loop lag {stats['loop_lag_p99_ms']:.1f} ms",
    ]
    yield " · ".join(fact for fact in facts if fact)
    tasks = stats["tasks"]
    counts = (
        painted(f"{number} {clean_name(word)}", of_reason(word) if is_coloured else "")
        for word, number in tasks.items()
        if number
    )
    total = f"{sum(tasks.values())} tasks"
    named = ", ".join(counts)
    yield painted(total, BOLD if is_coloured else "") + (f": {named}" if named else "")


def _print_resources(levels: Mapping[str, Any]) -> None:
    from bistro_tui.cli.tables import Column

    rows = [
        (level, name, f"{one['used']}/{one['limit']}")
        for level, resources in levels.items()
        for name, one in resources.items()
    ]
    if rows:
        columns = (
            Column(title="LEVEL", is_name=True),
            Column(title="RESOURCE", is_name=True),
            Column(title="USED/LIMIT", right=True),
        )
        print_table(columns, rows, nothing="")
        print_data("")


top_command = look_command(
    "top",
    _top,
    click.Option(["once", "--once"], is_flag=True, help="Look once, and end."),
    about="Show one look at everything: how many tasks are in what state, what is"
    " wrong, the use of resources, the jobs, and what runs.",
)
