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

_NONE = (
    "there is no worker; this starts one: bistro-tui worker --scheduler-host HOST"
    " --scheduler-port PORT --worker-command PROGRAM"
)
_COLOURS = {"HEALTHY": GREEN, "NEW": YELLOW, "UNHEALTHY": RED, "MUST_DIE": RED}


def _workers(as_json: bool, **place: Any) -> int:  # noqa: ANN401 - click's call
    with asked(place) as asking:
        if as_json:
            print_json(asking.ask("workers"))
            return 0
        data = asking.ask("workers", why=True)
        _print(data["workers"])
        if data["initial_wait"]:
            say(str(data["initial_wait"]))
    return 0


def _print(workers: list[Any]) -> None:
    from bistro_tui.cli.tables import NONE, Column
    from bistro_tui.present.gantt import natural
    from bistro_tui.present.words import ago

    now = wall_now()
    tells_why = any(one.get("why") for one in workers)
    rows: list[tuple[object, ...]] = [
        (
            one["shard"],
            one["state"],
            one["host"] or NONE,
            _number(one["running"]),
            ago(now - one["last_heartbeat"]) if one["last_heartbeat"] else NONE,
            _resources(one["resources"] or {}),
            one.get("why") or NONE,
        )
        for one in sorted(workers, key=lambda one: natural(one["shard"]))
    ]
    columns: tuple[Column, ...] = (
        Column(title="SHARD", is_name=True),
        Column(title="STATE", colour=lambda word: _COLOURS.get(word, "")),
        Column(title="HOST", is_name=True),
        Column(title="RUNNING", right=True),
        Column(title="HEARTBEAT", right=True),
        Column(title="RESOURCES", is_name=tells_why, is_rest=not tells_why),
        Column(title="GETS NO TASKS", is_rest=True),
    )
    if not tells_why:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    print_table(columns, rows, nothing=_NONE)


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
