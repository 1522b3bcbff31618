"""The lines of a data directory: in its file, and on workers of its scheduler."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bistro_tui.cli.past import AskedLines
from bistro_tui.cli.talk import is_stdout_read, say
from bistro_tui.client.errors import NoAnswer

if TYPE_CHECKING:
    from bistro_tui.engine.clock import Clock
    from bistro_tui.engine.logs.query import LogQuery, QueryPage

_AGAIN_SEC = 0.2


class NearLines:
    """Reads the file; asks the scheduler as soon as one runs there that has workers."""

    def __init__(
        self,
        file: Path,
        clock: "Clock",
        *,
        text: str | None,
        regex: str | None,
        no_case: bool,
        is_followed: bool,
    ) -> None:
        """``text`` or ``regex`` as of AskedLines.

        ``is_followed``: a scheduler that went away is waited for.
        """
        self._file = file
        self._clock = clock
        self._wanted = text, regex, no_case
        self._is_followed = is_followed
        self._asked: AskedLines | None = None
        self._was_answered = False

    def page(self, query: "LogQuery") -> "QueryPage":
        """Return the next page of an answer.

        Raises DataDirUnusable, NoAnswer or Refused.
        """
        is_told = False
        while (asked := self._asks()) is not None:
            try:
                page = asked.page(query)
            except NoAnswer as error:
                # Its workers' lines are nowhere else.
                if not (self._is_followed and self._was_answered and is_stdout_read()):
                    raise
                if not is_told:
                    say(f"bistro-tui: {error}; waiting for it")
                    is_told = True
                time.sleep(_AGAIN_SEC)
            else:
                self._was_answered = True
                return page
        return _page(self._file, query, self._clock)

    @property
    def where(self) -> Path:
        """What was read."""
        return self._file if self._asked is None else self._file.parent

    def _asks(self) -> AskedLines | None:
        """Return whom to ask; once it was one, it stays so."""
        if self._asked is None and _has_workers(self._file.parent):
            from bistro_tui.client.address import address_in
            from bistro_tui.client.once import Asking
            from bistro_tui.engine.owner import owner_of

            data_dir = self._file.parent
            asking = Asking(
                address_in(data_dir), is_coming=lambda: owner_of(data_dir) is not None
            )
            text, regex, no_case = self._wanted
            self._asked = AskedLines(asking, text=text, regex=regex, no_case=no_case)
        return self._asked


def lines_elsewhere(data_dir: Path) -> str:
    """Return what to do where lines may be on other hosts; else nothing."""
    if not os.path.lexists(data_dir / "secrets" / "worker.token"):
        return ""
    return (
        "; what tasks printed on workers is there, and is shown while the scheduler and"
        " its workers run"
    )


def _has_workers(data_dir: Path) -> bool:
    """Whether a scheduler runs there that can ask workers for what they have."""
    if not os.path.lexists(data_dir / "run" / "worker.port"):
        return False
    from bistro_tui.engine.owner import owner_of

    return owner_of(data_dir) is not None


def _page(path: Path, query: "LogQuery", clock: "Clock") -> "QueryPage":
    from bistro_tui.engine.errors import DataDirUnusable
    from bistro_tui.engine.logs.look import look_at_page
    from bistro_tui.engine.logs.places import line_id_in

    if query.line_id is not None:
        query = replace(query, line_id=line_id_in(query.line_id))
    try:
        return look_at_page(path, query, clock)
    except DataDirUnusable:
        # A scheduler that starts or ends at this moment may change a file that nobody
        # had open; one that is damaged still is.
        return look_at_page(path, query, clock)
