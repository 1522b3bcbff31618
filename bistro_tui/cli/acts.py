"""``enable``, ``disable``, ``kill``: what a running scheduler is asked to do."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.asking import asking_options, connected
from bistro_tui.cli.live_names import complete_jobs, complete_nodes
from bistro_tui.cli.talk import print_data, say
from bistro_tui.cli.unknown import plainly
from bistro_tui.client.errors import Refused

if TYPE_CHECKING:
    from bistro_tui.client.once import Asking


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What came of each thing that was asked for."""

    done: dict[str, str] = field(default_factory=dict)
    """The scheduler's word, by job or task."""
    refused: dict[str, str] = field(default_factory=dict)

    def show(self, as_json: bool, sentence: Callable[[str], str]) -> int:
        """Tell a person of each, or a program of all; return the exit code."""
        for name in self.done:
            if not as_json:
                say(sentence(name))
        for text in self.refused.values():
            say(f"bistro-tui: {text}")
        if as_json:
            print_data(json.dumps({"results": self.done, "errors": self.refused}))
        return exit_codes.NOT_DONE if self.refused else exit_codes.OK


def named(name: str) -> str:
    """Return a name so that it can be seen in a sentence."""
    return name if name.strip() else f'"{name}"'


def ask_for_each(
    asking: "Asking", handler: str, queries: Mapping[str, Mapping[str, object]]
) -> Results:
    """Ask for each, whether others are refused or not. Raises NoAnswer."""
    results = Results()
    for name, values in queries.items():
        try:
            results.done[name] = str(asking.ask(handler, **values))
        except Refused as error:
            if any(value in ("", [""]) for value in values.values()):
                results.refused[name] = 'nothing has the name ""'
                continue
            results.refused[name] = plainly(asking, str(error), *_named_in(values))
    return results


def _named_in(values: Mapping[str, object]) -> tuple[str, str | None]:
    """Return the job and the node that something was asked for."""
    jobs, node = values.get("jobs"), values.get("node_id")
    job = jobs[0] if isinstance(jobs, list) else values["job_id"]
    return str(job), str(node) if node is not None else None


def _switch(word: str) -> Callable[..., int]:
    def switch(
        jobs: tuple[str, ...],
        as_json: bool,
        **place: Any,  # noqa: ANN401 - click's call
    ) -> int:
        with connected(**place) as asking:
            queries = {job: {"job_id": job} for job in jobs}
            results = ask_for_each(asking, f"{word}_job", queries)
        return results.show(as_json, lambda job: f"{named(job)} is {word}d")

    return switch


def _kill(
    job: str,
    node: str,
    at_once: bool,
    as_json: bool,
    **place: Any,  # noqa: ANN401 - click's call
) -> int:
    with connected(**place) as asking:
        query: dict[str, object] = {"job_id": job, "node_id": node}
        if at_once:
            query["at_once"] = True
        queries = {f"{job}@{node}": query}
        results = ask_for_each(asking, "kill_task", queries)
    verb = "killed" if at_once else "stopped"
    return results.show(as_json, lambda task: f"{task} is being {verb}")


def jobs_argument() -> click.Argument:
    """Return JOB…, one at least."""
    return click.Argument(
        ["jobs"],
        nargs=-1,
        required=True,
        metavar="JOB...",
        shell_complete=complete_jobs,
    )


def json_option() -> click.Option:
    """Return ``--json`` of a command that does something."""
    return click.Option(
        ["as_json", "--json"],
        is_flag=True,
        help='Answer as JSON: {"results": {name: word}, "errors": {name: text}}.',
    )


_CONTEXT = {"help_option_names": ["-h", "--help"]}
_CODES = (
    "Exit codes: 0 done, 1 refused (the message says why), 2 wrong command line, 5 no"
    " scheduler answers."
)

enable_command = click.Command(
    name="enable",
    callback=_switch("enable"),
    params=[jobs_argument(), json_option(), *asking_options()],
    help="Let the tasks of jobs be started again.\n\nEdits that one word in the config"
    " file, and returns when the running config says so.",
    epilog=_CODES,
    context_settings=_CONTEXT,
)

disable_command = click.Command(
    name="disable",
    callback=_switch("disable"),
    params=[jobs_argument(), json_option(), *asking_options()],
    help="Start no more tasks of jobs.\n\nEdits that one word in the config file, and"
    " returns when the running config says so. What runs of them becomes an orphan:"
    " kill_orphan_tasks_after_sec says when it is ended.",
    epilog=_CODES,
    context_settings=_CONTEXT,
)

kill_command = click.Command(
    name="kill",
    callback=_kill,
    params=[
        click.Argument(["job"], shell_complete=complete_jobs),
        click.Argument(["node"], shell_complete=complete_nodes),
        click.Option(
            ["at_once", "--at-once"],
            is_flag=True,
            help="With SIGKILL, whatever the job says; also while it is being ended.",
        ),
        json_option(),
        *asking_options(),
    ],
    help="Begin to end a running task, by the kill_subprocess of its job.\n\nIt will be"
    " tried again, unless its job is disabled. Returns at once: the task may take a"
    " while to end.",
    epilog=_CODES,
    context_settings=_CONTEXT,
)
