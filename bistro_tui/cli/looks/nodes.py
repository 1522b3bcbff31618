"""The ``nodes`` command: the nodes by level, and what each has."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli.colours import DIM
from bistro_tui.cli.live_names import complete_nodes
from bistro_tui.cli.looks.look import (
    asked,
    look_command,
    print_json,
    print_table,
)
from bistro_tui.cli.unknown import meant
from bistro_tui.client.errors import Refused

if TYPE_CHECKING:
    from bistro_tui.client.once import Asking


def _nodes(
    node: tuple[str, ...],
    level: str | None,
    as_json: bool,
    **place: Any,  # noqa: ANN401 - click's call
) -> int:
    with asked(place) as asking:
        data = asking.ask("nodes", **({"nodes": list(node)} if node else {}))
        if level is not None:
            data = data | {"results": _of_level(asking, data["results"], level)}
        if as_json:
            print_json(data)
        else:
            _print(data["results"], nothing="" if node else "there is no node")
        found = {name for one in data["results"].values() for name in one}
        for name in node:
            if name not in found:
                where = f" on level {level}" if level is not None else ""
                near = meant(asking, "nodes", name)
                raise Refused(f"there is no node {name}{where}{near}")
    return 0


def _of_level(
    asking: "Asking", results: Mapping[str, Any], level: str
) -> Mapping[str, Any]:
    """Return the nodes of one level. Raises Refused where there is no such level."""
    from bistro_tui.engine.near import nearest

    if level not in results:
        levels = list(asking.ask("sorted_node_names"))
        if level not in levels:
            near = nearest(level, levels)
            which = (
                f"did you mean {near}?" if near else f"there are {', '.join(levels)}"
            )
            raise Refused(f"there is no level {level}; {which}")
    return {name: nodes for name, nodes in results.items() if name == level}


def _print(levels: Mapping[str, Any], *, nothing: str) -> None:
    from bistro_tui.cli.tables import Column

    rows = [
        (
            name,
            level,
            "disabled" if one.get("disabled") else "enabled",
            _resources(one.get("resources") or {}),
        )
        for level, nodes in levels.items()
        for name, one in nodes.items()
    ]
    columns = (
        Column(title="NODE", is_name=True),
        Column(title="LEVEL", is_name=True),
        Column(title="STATE", colour=lambda word: DIM if word == "disabled" else ""),
        Column(title="LIMITS", is_rest=True),
    )
    print_table(columns, rows, nothing=nothing)


def _resources(resources: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {one['limit']} (default {one['default']})"
        for name, one in resources.items()
    )


nodes_command = look_command(
    "nodes",
    _nodes,
    click.Argument(["node"], nargs=-1, required=False, shell_complete=complete_nodes),
    click.Option(["--level"], metavar="LEVEL", help="Only the nodes of this level."),
    about="Show the nodes by level, and the limits of their resources; with NODE…,"
    " those.",
)
