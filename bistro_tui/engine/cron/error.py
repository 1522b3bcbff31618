"""What is wrong with a cron item, and where in it."""

import contextlib
import json
import re
from collections.abc import Collection, Iterator
from typing import TypeAlias

from bistro_tui.engine.near import nearest

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the item down to the value; empty is the item itself."""

_LONGEST = 60
_PLAIN_KEY = re.compile(r"\w+", re.ASCII)


class CronError(ValueError):
    """An item is no cron item, or one that can never fire.

    Its text is one line; text of the item in it is JSON, but not yet safe to show.
    """

    def __init__(
        self, path: Path, problem: str, others: "tuple[CronError, ...]" = ()
    ) -> None:
        where = _render(path)
        super().__init__(f"{where}: {problem}" if where else problem)
        self.path, self.problem = path, problem
        self.every = (self, *others)
        """All that is wrong with the item, this included."""


class Findings:
    """What is wrong with an item, gathered part by part."""

    def __init__(self) -> None:
        self._errors: list[CronError] = []

    def note(self, path: Path, problem: str) -> None:
        """Take a problem, and go on."""
        self._errors.append(CronError(path, problem))

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Take what the block raises as CronError, which ends it."""
        try:
            yield
        except CronError as error:
            self._errors += error.every

    def raise_any(self) -> None:
        """Raise one CronError that has every problem, if there is any."""
        if self._errors:
            first, *others = self._errors
            raise CronError(first.path, first.problem, tuple(others))


def show(value: object) -> str:
    """Return the value as short JSON, for a message."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "an array"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "a number beyond 64 bits"
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return ``; did you mean "…"?`` with the nearest known word, or nothing."""
    near = nearest(word, known)
    return f"; did you mean {show(near)}?" if near is not None else ""


def _render(path: Path) -> str:
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            shown += f".{step}" if shown else step
        else:
            shown += f"[{show(step)}]" if shown else show(step)
    return shown
