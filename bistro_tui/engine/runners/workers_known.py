"""The names of a scheduler's workers, kept for the one that starts after it."""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bistro_tui.engine.private_file import read_private, write_private
from bistro_tui.engine.remote.identity import InstanceId

_NAME = "workers_known"
_LONGEST = 1 << 24


class KnownWorker(NamedTuple):
    """One run of a worker."""

    shard: str
    host: str
    id: InstanceId


class WorkersKnown:
    """A file in ``run/`` that tells a person who is missing; nothing is decided by it.

    So it need not be on disk at once, and one that cannot be read is as good as none.
    """

    def __init__(self, run: Path) -> None:
        self._path = run / _NAME

    def read(self) -> tuple[KnownWorker, ...] | None:
        """Return those that were there; None: that is not known."""
        try:
            text, _ = read_private(self._path, follow=False, longest=_LONGEST)
            found = json.loads(text or "")
            if not isinstance(found, list):
                return None
            return tuple(
                KnownWorker(str(shard), str(host), InstanceId(int(start), int(rand)))
                for shard, host, start, rand in found
            )
        except (OSError, ValueError, TypeError, OverflowError, RecursionError):
            return None

    def write(self, workers: Iterable[KnownWorker]) -> None:
        """Take note of these, and of no others."""
        rows = [(one.shard, one.host, *one.id) for one in workers]
        with suppress(OSError):
            write_private(self._path, json.dumps(rows), is_synced=False)
