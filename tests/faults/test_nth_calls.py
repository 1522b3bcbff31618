"""Every n-th call of a run kills who makes it, or fails: nothing is lost or repeated.

A sample, spread over all calls; ``scripts/fault-points`` does every one.
"""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.needs import need_program
from tests.faults.nth_calls import MODES
from tests.faults.seeds import SCALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400 * SCALE)]

SIZES = {"kill": 30 * SCALE, "kill-again": 12 * SCALE, "fail": 24 * SCALE}
AT_ONCE = 2


@pytest.mark.parametrize("mode", SIZES)
def test_a_fault_at_any_call_loses_nothing(
    mode: str, tmp_path: Path, rng: random.Random
) -> None:
    need_program("strace")
    points = MODES[mode].sample(tmp_path / "probe", SIZES[mode], rng)

    def try_one(number: int) -> str:
        try:
            MODES[mode].try_one(tmp_path / str(number), points[number])
        except AssertionError as error:
            return f"{points[number]}: {error}\n"
        return ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = [*filter(None, pool.map(try_one, range(len(points))))]
    assert not told, "\n".join(told)
