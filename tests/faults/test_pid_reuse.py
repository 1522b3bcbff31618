"""No signal reaches a process that is not ours, however soon numbers come again."""

import json
import random
import subprocess
import sys
from typing import Any

import pytest

from tests.e2e.program import REPOSITORY
from tests.faults.needs import need, need_program, need_root
from tests.faults.seeds import SCALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 * SCALE)]

TASKS = 2_000 * SCALE
FAULTS = 4 * SCALE


def in_a_small_world(what: str, seed: int, number: int) -> dict[str, Any]:
    """Run tests.faults.pid_reuse in a pid namespace of its own."""
    need_root()
    need_program("unshare")
    words = ["unshare", "-pf", "--mount-proc", "--kill-child", sys.executable, "-m"]
    words += ["tests.faults.pid_reuse", what, str(seed), str(number)]
    run = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True)
    need("ns_last_pid" not in run.stderr, "/proc/sys/kernel/ns_last_pid")
    assert run.returncode == 0, run.stderr[-4000:]
    found: dict[str, Any] = json.loads(run.stdout)
    print(found)
    return found


def test_no_bystander_gets_a_signal_from_a_warden(rng: random.Random) -> None:
    found = in_a_small_world("warden", rng.randrange(1 << 32), TASKS)
    assert found["hits"] == []
    assert found["ended"] >= TASKS
    assert found["rounds"] >= 20, "numbers hardly came again"
    assert found["reused"] >= 50, "hardly any number of a task was a bystander's"


def test_no_bystander_gets_a_signal_when_schedulers_and_wardens_die(
    rng: random.Random,
) -> None:
    found = in_a_small_world("program", rng.randrange(1 << 32), FAULTS)
    assert found["hits"] == []
    assert found["rounds"] >= 5, "numbers hardly came again"
    assert found["reused"] >= 20, "hardly any number of a task was a bystander's"
