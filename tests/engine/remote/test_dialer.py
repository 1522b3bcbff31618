"""When a worker tries again, and what it need not load before its first words."""

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.remote.dialer import Dialer
from bistro_tui.engine.remote.link_limits import LinkLimits
from bistro_tui.engine.remote.worker_token import WorkerToken
from tests.engine.remote.sides import ME, Side


def dialer(seed: int, host: str = "h") -> Dialer:
    return Dialer(
        host,
        6789,
        WorkerToken("x" * 20),
        shard="w1",
        worker=ME,
        handlers=Side().handlers,
        rng=random.Random(seed),
    )


@given(st.integers(), st.integers(1, 10_000))
def test_tries_get_rarer_up_to_half_a_minute_and_never_all_at_once(
    seed: int, failures: int
) -> None:
    most = min(30.0, 2.0 ** min(failures - 1, 10))
    assert most / 2 <= dialer(seed)._pause(failures) <= most


@given(st.integers())
def test_after_a_lost_link_the_first_try_is_within_a_second(seed: int) -> None:
    assert 0.0 <= dialer(seed)._pause(0) <= 1.0


def test_200_workers_that_lost_their_scheduler_do_not_come_back_in_one_moment() -> None:
    pauses = sorted(dialer(seed)._pause(0) for seed in range(200))
    assert pauses[19] > 0.02
    assert pauses[180] - pauses[19] > 0.5


def test_links_of_quick_workers_are_noticed_and_made_again_quicker() -> None:
    assert LinkLimits.at_pace(15.0) == LinkLimits.at_pace(3600.0) == LinkLimits()
    quick = LinkLimits.at_pace(1.5)
    assert (quick.first_retry_sec, quick.longest_retry_sec) == (0.1, 3.0)
    assert LinkLimits.at_pace(0.0) == LinkLimits.at_pace(0.1)
    # A host that is busy for a second has not gone.
    assert LinkLimits.at_pace(0.1).ping_sec == 2.0


def test_an_address_is_written_so_that_it_can_be_read_again() -> None:
    assert dialer(1, "::1").address == "[::1]:6789"
    assert dialer(1, "::").address == "localhost:6789"


def test_troubles_that_take_turns_are_each_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = dialer(1)
    for _ in range(5):
        one._say("this")
        one._say("that")
    assert [text.partition(": ")[2] for text in caplog.messages] == [
        "this; trying again",
        "that; trying again",
    ]


def test_neither_side_loads_http_before_it_needs_it() -> None:
    code = (
        "import sys\n"
        "import bistro_tui.engine.remote.dialer, bistro_tui.engine.remote.listener\n"
        "sys.exit('aiohttp' in sys.modules or 'cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
