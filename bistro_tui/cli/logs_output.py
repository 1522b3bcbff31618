"""How the ``logs`` command shows lines: as text, as JSON, or as the bytes they are."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from bistro_tui.cli.event_text import event_text
from bistro_tui.cli.talk import print_data, print_raw
from bistro_tui.present.clean import clean_log, clean_name
from bistro_tui.present.words import date_time

if TYPE_CHECKING:
    from bistro_tui.engine.logs.rows import StoredLine


class Output(Protocol):
    """Takes lines in the order in which they are to be shown."""

    def show(self, lines: Sequence["StoredLine"]) -> bool:
        """Show these too; return whether somebody still reads."""
        ...

    def end(self, next_line_id: int) -> None:
        """There are no more; ``next_line_id``: where to go on, -1 at the end."""
        ...


def make_output(
    *,
    is_raw: bool,
    as_json: bool,
    is_followed: bool,
    has_names: bool,
    has_times: bool,
    are_events: bool,
) -> Output:
    """Return what these flags ask for."""
    if is_raw:
        return _Raw()
    if as_json:
        return _JsonLines() if is_followed else _JsonDocument()
    return _Text(has_names=has_names, has_times=has_times, are_events=are_events)


class _Text:
    """A line each, safe to show."""

    def __init__(self, *, has_names: bool, has_times: bool, are_events: bool) -> None:
        self._has_names = has_names
        self._has_times = has_times
        self._are_events = are_events

    def show(self, lines: Sequence["StoredLine"]) -> bool:
        return not lines or print_data("\n".join(map(self._line, lines)))

    def _line(self, line: "StoredLine") -> str:
        shown = event_text(line.line).encode() if self._are_events else line.line
        text = clean_log(shown)
        if self._has_names:
            text = f"{clean_name(str(line.task))} | {text}"
        return f"{date_time(line.line_id >> 32)} {text}" if self._has_times else text

    def end(self, next_line_id: int) -> None:
        pass


class _Raw:
    """The bytes and nothing else."""

    def show(self, lines: Sequence["StoredLine"]) -> bool:
        return not lines or print_raw(b"".join(line.line for line in lines))

    def end(self, next_line_id: int) -> None:
        pass


class _JsonDocument:
    """One document, written as the lines are found."""

    def __init__(self) -> None:
        self._begin = '{"lines": ['

    def show(self, lines: Sequence["StoredLine"]) -> bool:
        if not lines:
            return True
        text = ",\n".join(json.dumps(_as_json(line)) for line in lines)
        begin, self._begin = self._begin, ",\n"
        return print_data(begin + text, end="")

    def end(self, next_line_id: int) -> None:
        begin = self._begin if self._begin.startswith("{") else ""
        print_data(f'{begin}], "next_line_id": "{next_line_id}"}}')


class _JsonLines:
    """An object a line, each like a document with that one line."""

    def show(self, lines: Sequence["StoredLine"]) -> bool:
        return not lines or print_data("\n".join(map(self._object, lines)))

    def _object(self, line: "StoredLine") -> str:
        resume = str(line.line_id + 1)
        return json.dumps({"next_line_id": resume, "lines": [_as_json(line)]})

    def end(self, next_line_id: int) -> None:
        pass


def _as_json(line: "StoredLine") -> list[str | int]:
    text = line.line.decode("utf-8", "replace")
    seconds = line.line_id >> 32
    return [line.task.job, line.task.node, seconds, text, str(line.line_id)]
