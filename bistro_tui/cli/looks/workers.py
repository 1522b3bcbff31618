"""The ``workers`` command: where tasks run."""

from collections.abc import Mapping
from typing import Any

from bistro_tui.cli.colours import GREEN, RED, YELLOW
from bistro_tui.cli.looks.look import (
    asked,
    look_command,
    print_json,
    print_table,
    wall_now,
)
from bistro_tui.cli.talk import say

_COLOURS = {"HEALTHY": GREEN, "NEW": YELLOW, "UNHEALTHY": RED, "MUST_DIE": RED}


def _workers(as_json: bool, **place: Any) -> int:  # noqa: ANN401 - click's call
    with asked(place) as asking:
        data = asking.ask("workers")
        if as_json:
            print_json(data)
            return 0
        _print(data["workers"])
        if data["initial_wait"]:
            say(str(data["initial_wait"]))
    return 0


def _print(workers: list[Any]) -> None:
    from bistro_tui.cli.tables import NONE, Column
    from bistro_tui.present.words import ago

    now = wall_now()
    rows = [
        (
            one["shard"],
            one["state"],
            one["host"] or NONE,
            _number(one["running"]),
            ago(now - one["last_heartbeat"]) if one["last_heartbeat"] else NONE,
            _resources(one["resources"] or {}),
        )
        for one in workers
    ]
    columns = (
        Column(title="SHARD", is_name=True),
        Column(title="STATE", colour=lambda word: _COLOURS.get(word, "")),
        Column(title="HOST", is_name=True),
        Column(title="RUNNING", right=True),
        Column(title="HEARTBEAT", right=True),
        Column(title="RESOURCES", is_rest=True),
    )
    print_table(columns, rows, nothing="there is no worker")


def _number(running: object) -> object:
    return len(running) if isinstance(running, list | dict) else running


def _resources(resources: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {one['used']}/{one['limit']}"
        if isinstance(one, dict)
        else f"{name} {one}"
        for name, one in resources.items()
    )


workers_command = look_command(
    "workers",
    _workers,
    about="Show the workers that tasks run on: whether each is well, and what it has.",
)
