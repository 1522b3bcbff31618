"""Node sources and trees for tests."""

import random
import time
from collections.abc import Callable
from pathlib import Path

from bistro_tui.engine.clock import Clock, Now, SystemClock
from bistro_tui.engine.config.model import (
    Json,
    Settings,
)
from bistro_tui.engine.config.parse import parse_config
from bistro_tui.engine.cron.zone import UTC
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.nodes.loader import NodesLoader
from bistro_tui.engine.nodes.sources.source import NodeSource
from bistro_tui.engine.nodes.tree import NodeTree

ROOT = NodeName("root")


def settings(
    *sources: tuple[str, Json], levels: tuple[str, ...] = ("a", "b")
) -> Settings:
    """Return good settings with these sources."""
    raw = {
        "bistro_settings": {
            "nodes": {
                "levels": list(levels),
                "node_sources": [
                    {"source": source, "prefs": prefs} for source, prefs in sources
                ],
            },
            "resources": {},
        }
    }
    parsed = parse_config(raw)
    assert parsed.config is not None, parsed.problems
    return parsed.config.settings


class ManualClock:
    """A clock that stands still until it is set."""

    def __init__(self, wall: float = 1_000_000.0) -> None:
        self.wall = wall

    def now(self) -> Now:
        return Now(wall=self.wall, mono=time.monotonic())


def no_plugin(name: str) -> NodeSource:
    """Find no plug-in of any name."""
    raise AssertionError(f"nobody installed a source {name}")


def loader(
    config_dir: Path,
    clock: Clock | None = None,
    find_source: Callable[[str], NodeSource] = no_plugin,
) -> NodesLoader:
    """Return a loader for the root node ``root``, in UTC."""
    return NodesLoader(
        instance_name=ROOT,
        config_dir=config_dir,
        clock=clock or SystemClock(),
        zone=UTC,
        rng=random.Random(1),
        find_source=find_source,
    )


def outline(tree: NodeTree) -> list[str]:
    """Return every node as the path of names to it, in fetch order."""
    return [
        "/".join(tree.nodes[i].name for i in tree.path(index))
        for index in range(len(tree.nodes))
    ]


def script(path: Path, body: str) -> str:
    """Write a shell script and return its name for ``script``."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return f"./{path.name}"


def is_alive(pid: int) -> bool:
    """Whether a process is there and not only waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
