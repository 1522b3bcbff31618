"""A node source: the lines of a file are the nodes below the instance."""

import asyncio
from pathlib import Path

from bistro_tui.engine.plugins import (
    FoundNodes,
    NewNode,
    NodeName,
    ObjectReader,
    Surroundings,
    to_str,
)


class HostList:
    """``{"source": "host_list", "prefs": {"file": "hosts.txt"}}``."""

    def read_prefs(self, prefs: ObjectReader) -> str:
        return prefs.require("file", to_str, "")

    async def fetch(self, prefs: str, around: Surroundings) -> FoundNodes:
        path = around.config_dir / prefs
        text = await asyncio.to_thread(Path.read_text, path, "utf-8")
        (instance,) = around.nodes[around.levels[0]]
        return FoundNodes(
            nodes=[
                NewNode(name=NodeName(line), parent=instance)
                for line in text.splitlines()
            ]
        )
