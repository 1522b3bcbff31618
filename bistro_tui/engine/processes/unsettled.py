"""Attempts that are over and whose statuses are not on disk yet: their files stay."""

import contextlib
import json
import os
from collections.abc import Collection, Sequence

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.processes.warden_link import WardenLink
from bistro_tui.engine.warden.files import end_record_path, remove_file
from bistro_tui.engine.warden.journal import read_journal
from bistro_tui.engine.warden.wire import Settled, Start


class Unsettled:
    """Tells wardens of settled attempts, and does for dead ones what they would do."""

    def __init__(self) -> None:
        self._attempts: dict[InvocationId, tuple[WardenLink, Start]] = {}
        self._dead: dict[WardenLink, int] = {}
        """How many attempts are to be settled before its journal may go."""

    def add(self, invocation: InvocationId, link: WardenLink, request: Start) -> None:
        """Remember an attempt that is over."""
        self._attempts[invocation] = (link, request)

    def settle(self, invocations: Sequence[InvocationId]) -> None:
        """What became of these attempts is on disk: nobody needs their files."""
        by_link: dict[WardenLink, list[Start]] = {}
        for invocation in invocations:
            found = self._attempts.pop(invocation, None)
            if found is not None:
                link, request = found
                by_link.setdefault(link, []).append(request)
        for link, requests in by_link.items():
            numbers = tuple([one.number for one in requests])
            if link not in self._dead:
                link.send_soon(Settled(numbers))
                continue
            for one in requests:
                _remove_files(one.status_file, one.config_file)
            self._strike_out(link, numbers)

    def warden_died(self, link: WardenLink, running: Collection[int]) -> None:
        """A warden is gone; ``running``: its attempts whose end nobody was told."""
        kept = {request.number for of, request in self._attempts.values() if of is link}
        kept.update(running)
        self._dead[link] = len(kept)
        if kept:
            self._settle_what_it_did_not_hear_of(link, kept)
        else:
            self._remove_journal(link)

    def _settle_what_it_did_not_hear_of(
        self, link: WardenLink, kept: Collection[int]
    ) -> None:
        """Its last messages may have come too late."""
        forgotten: list[int] = []
        for path in journal_files(link.journal):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                for entry in read_journal(path).unsettled:
                    if entry.number not in kept:
                        forgotten.append(entry.number)
                        record = json.loads(entry.record)
                        _remove_files(
                            os.fsencode(record["status_file"]),
                            os.fsencode(record["config_file"]),
                        )
        if forgotten:
            _append(link.journal, forgotten)

    def _strike_out(self, link: WardenLink, numbers: Sequence[int]) -> None:
        self._dead[link] -= len(numbers)
        if self._dead[link] > 0:
            _append(link.journal, numbers)
        else:
            self._remove_journal(link)

    def _remove_journal(self, link: WardenLink) -> None:
        for path in journal_files(link.journal):
            with contextlib.suppress(OSError):
                os.unlink(path)


def _remove_files(status_file: bytes, config_file: bytes) -> None:
    remove_file(status_file)
    remove_file(end_record_path(status_file))
    if config_file:
        remove_file(config_file)


def _append(journal: str, numbers: Sequence[int]) -> None:
    """Note in a dead warden's journal that these attempts are settled."""
    lines = b"".join(b"F %d\n" % number for number in numbers)
    for path in journal_files(journal):
        with contextlib.suppress(OSError), open(path, "rb+") as file:
            # It may have died in the middle of a line, which then means nothing.
            file.truncate(file.read().rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            file.write(lines)


def journal_files(journal: str) -> list[str]:
    """Return the files of a journal: it goes on in a fresh one when it is long."""
    directory, name = os.path.split(journal)
    try:
        found = os.listdir(directory)
    except OSError:
        return []
    return [
        os.path.join(directory, one)
        for one in found
        if one == name
        or (one.startswith(name + ".") and one[len(name) + 1 :].isdigit())
    ]
