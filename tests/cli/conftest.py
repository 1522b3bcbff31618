import signal
from collections.abc import Iterator

import pytest

from tests.engine.conftest import install

__all__ = ["install"]


@pytest.fixture(autouse=True)
def signals_are_as_before() -> Iterator[None]:
    """A program ignores signals at its end; the tests go on."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
