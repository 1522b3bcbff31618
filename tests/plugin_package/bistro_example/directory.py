"""A config loader: the config is all the JSON files of a directory, put together."""

import asyncio
import json
from pathlib import Path

from bistro_tui.engine.plugins import TextLoader


class DirectoryLoader(TextLoader):
    """``bistro-tui conf.d --config-loader directory``."""

    async def read(self) -> str:
        return await asyncio.to_thread(self._merged)

    def _merged(self) -> str:
        merged: dict[str, object] = {}
        for path in sorted(Path(self.context.config).glob("*.json")):
            merged |= json.loads(path.read_text())
        return json.dumps(merged, indent=2)
