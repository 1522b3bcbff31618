"""The ``forgive`` command: of a running scheduler, or of a data directory at rest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.acts import Results, ask_for_each, jobs_argument, json_option, named
from bistro_tui.cli.asking import asking_options, connected
from bistro_tui.cli.flags import all_flags
from bistro_tui.cli.live_names import complete_nodes
from bistro_tui.cli.talk import WrongUse, say
from bistro_tui.cli.unknown import plainly
from bistro_tui.client.errors import NoAnswer, NoAnswerInTime, Refused
from bistro_tui.engine import sentences
from bistro_tui.engine.ids import JobName, NodeName, TaskId

if TYPE_CHECKING:
    from bistro_tui.client.once import Asking


def _forgive(
    jobs: tuple[str, ...],
    nodes: tuple[str, ...],
    as_json: bool,
    status_table: str,
    status_store: str,
    data_dir: Path | None,
    **place: Any,  # noqa: ANN401 - click's call
) -> int:
    if nodes and len(jobs) != 1:
        raise WrongUse("--node: of one job only")
    queries = {job: {"jobs": [job]} for job in jobs}
    try:
        with connected(data_dir=data_dir, **place) as asking:
            if nodes:
                return _forgive_tasks(asking, jobs[0], nodes, as_json)
            failures = {job: _failures(asking, job) for job in queries}
            results = ask_for_each(asking, "forgive_jobs", queries)
    except NoAnswerInTime:
        raise
    except NoAnswer:
        if data_dir is None or not data_dir.is_dir() or _is_elsewhere(place):
            raise
        return _forgive_at_rest(
            data_dir, jobs, nodes, as_json, status_table, status_store
        )

    def sentence(job: str) -> str:
        if failures[job] == 0:
            return sentences.nothing_to_forgive([JobName(job)])
        return f"forgave {_counted(failures[job])} of {job}"

    return results.show(as_json, sentence)


def _forgive_tasks(
    asking: "Asking", job: str, nodes: Sequence[str], as_json: bool
) -> int:
    results, idle = Results(), set()
    for node in dict.fromkeys(nodes):
        task = f"{job}@{node}"
        try:
            asking.ask("forgive_tasks", tasks=[{"job": job, "node": node}])
        except Refused as error:
            if str(error) != sentences.no_failures():
                results.refused[task] = plainly(asking, str(error), job, node)
                continue
            idle.add(task)
        results.done[task] = "forgiven"
    return results.show(
        as_json,
        lambda task: (
            f"{task}: {'no failure to forgive' if task in idle else 'forgiven'}"
        ),
    )


def _failures(asking: "Asking", job: str) -> int | None:
    """Return how many tasks of a job failed or back off; None: nobody knows."""
    from bistro_tui.cli.looks.jobs import task_counts

    counts = task_counts(asking, job)
    return None if counts is None else counts["failed"] + counts["backoff"]


def _not_settled(task: TaskId) -> str:
    return f"{sentences.not_settled(task)}: the next start of a scheduler finds out"


def _counted(number: int | None) -> str:
    if number is None:
        return "the failures"
    return "1 failure" if number == 1 else f"{number or 'no'} failures"


def _is_elsewhere(place: Mapping[str, object]) -> bool:
    """Whether a scheduler was asked that need not be that of the data directory."""
    return any(place.get(name) for name in ("url", "config_file"))


def _forgive_at_rest(
    data_dir: Path,
    jobs: Sequence[str],
    nodes: Sequence[str],
    as_json: bool,
    status_table: str,
    status_store: str,
) -> int:
    import asyncio
    import sqlite3

    from bistro_tui.engine.clock import SystemClock
    from bistro_tui.engine.errors import BistroError, DataDirHeld
    from bistro_tui.engine.forgiving import forgive_stored
    from bistro_tui.engine.installed import PluginError
    from bistro_tui.engine.options import EngineOptions

    options = EngineOptions(
        config_path=data_dir,
        data_dir=data_dir,
        status_table=status_table,
        status_store=status_store,
    )
    names = [JobName(job) for job in jobs]
    try:
        found = asyncio.run(
            forgive_stored(
                options,
                names,
                nodes=frozenset(map(NodeName, nodes)) or None,
                clock=SystemClock(),
            )
        )
    except DataDirHeld as error:
        say(f"bistro-tui: {data_dir}: {error.holder} has it and does not answer")
        return exit_codes.DATA_DIR_HELD
    except PluginError as error:
        say(f"bistro-tui: --status-store: {error}")
        return exit_codes.USAGE
    except (BistroError, sqlite3.Error, OSError) as error:
        say(f"bistro-tui: {error}")
        return exit_codes.DATA_DIR_UNUSABLE
    results = Results()
    for job, forgiven in found.items():
        if forgiven is None:
            where = f"{data_dir}, where no scheduler runs"
            results.refused[job] = f"no status of {named(job)} is stored in {where}"
        elif forgiven.unsettled is not None and not forgiven.number:
            results.refused[job] = _not_settled(forgiven.unsettled)
        else:
            results.done[job] = "forgiven"

    def sentence(job: str) -> str:
        forgiven = found[JobName(job)]
        number = forgiven.number if forgiven is not None else 0
        said = f"forgave {_counted(number)} of {job}; no scheduler runs on {data_dir}"
        if forgiven is not None and forgiven.unsettled is not None:
            said += f"; {_not_settled(forgiven.unsettled)}"
        return said

    return results.show(as_json, sentence)


forgive_command = click.Command(
    name="forgive",
    callback=_forgive,
    params=[
        jobs_argument(),
        click.Option(
            ["nodes", "--node"],
            multiple=True,
            metavar="NODE",
            shell_complete=complete_nodes,
            help="Only the task of that node; may be given more than once.",
        ),
        json_option(),
        *(
            flag.option()
            for flag in all_flags()
            if flag.name in ("status-table", "status-store")
        ),
        *asking_options(),
    ],
    help="Let failed and backing-off tasks of jobs run again at once, as if they had"
    " not failed; their data stays.\n\nWith --data-dir also where no scheduler runs:"
    " then the statuses stored there are changed, in the table of --status-table.",
    epilog="Exit codes: 0 forgiven, 1 refused (no such job), 2 wrong command line, 3"
    " the data directory cannot be used, 4 somebody has it who does not serve, 5 no"
    " scheduler answers, or the one that runs there is silent.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
