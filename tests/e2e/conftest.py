from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import Place
from tests.e2e.terminal import Terminal

Open = Callable[..., Terminal]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def terminal(place: Place) -> Iterator[Open]:
    """Return a function that runs the program on a terminal of its own."""
    opened: list[Terminal] = []

    def run(*arguments: object, **options: Any) -> Terminal:
        flags = ("--data-dir", place.data, *arguments)
        opened.append(Terminal(place, *flags, **options))
        return opened[-1]

    yield run
    for one in opened:
        one.close()
