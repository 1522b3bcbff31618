"""Where a worker has its token from: a file that was named, or one that it finds."""

from dataclasses import dataclass
from pathlib import Path

from bistro_tui.engine.remote.worker_token import (
    WorkerToken,
    given_worker_token,
    token_on_this_host,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlace:
    """Can be looked at again: a scheduler may come back with another token."""

    host: str
    """What the worker is to dial."""
    port: int
    file: Path | None
    """None: that of a scheduler of the same user on this host."""

    def read(self) -> tuple[WorkerToken, str]:
        """Return the token that is there now, and a warning or an empty text.

        May look up a host name. Raises NobodyListens where nothing was named and no
        scheduler is found, and DoorUnusable.
        """
        if self.file is not None:
            return given_worker_token(self.file)
        return token_on_this_host(self.host, self.port), ""

    @property
    def words(self) -> str:
        """Return what it is, for a person."""
        if self.file is not None:
            return f"--token-file {self.file}"
        return "your scheduler on this host"
