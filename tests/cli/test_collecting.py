"""When Python looks for garbage."""

import gc
from collections.abc import Iterator

import pytest

from bistro_tui.cli.collecting import loading


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    gc.enable()


def test_nothing_is_collected_while_loading_and_the_load_never_after() -> None:
    with loading():
        assert not gc.isenabled()
        loaded = [[number] for number in range(1000)]

    assert gc.isenabled()
    assert gc.get_freeze_count() > len(loaded)
    assert not any(one is loaded for one in gc.get_objects())


def test_a_load_that_fails_leaves_the_collector_on() -> None:
    with pytest.raises(OSError, match="no"), loading():
        raise OSError("no")
    assert gc.isenabled()


def test_of_two_loads_that_overlap_the_last_to_end_lets_the_collector_go_on() -> None:
    first, second = loading(), loading()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()
