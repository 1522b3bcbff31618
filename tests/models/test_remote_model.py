"""The protocol with workers, as a model of which every state is visited."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.needs import need_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

MODEL = Path(__file__).parent / "remote.pml"
MOST_MEMORY_MB = 480
DEPTH = 20_000


def outcome_of_search(directory: Path, *mutations: str) -> str:
    """Return what spin's verifier prints about the model without those guards."""
    return _search(directory, mutations, ["-DSAFETY"], [])


def outcome_of_waiting(directory: Path, *mutations: str) -> str:
    """Return the same about what has to come about once there are no more faults.

    Every process that could go on does so sooner or later.
    """
    defines = ("LIVENESS", *mutations)
    return _search(directory, defines, ["-DNFAIR=4", "-DCOLLAPSE"], ["-a", "-f"])


def _search(
    directory: Path, defines: Sequence[str], built: list[str], asked: list[str]
) -> str:
    need_program("spin")
    need_program("gcc")
    words = [f"-D{name}" for name in defines]
    _output(directory, "spin", *words, "-a", str(MODEL))
    limit = f"-DMEMLIM={MOST_MEMORY_MB}"
    _output(directory, "gcc", "-O1", *built, limit, "pan.c", "-o", "pan")
    return _output(directory, "./pan", *asked, f"-m{DEPTH}", "-w22")


def _output(directory: Path, *words: str) -> str:
    run = subprocess.run(
        words, cwd=directory, capture_output=True, text=True, timeout=380
    )
    assert run.returncode == 0, f"{words}\n{run.stdout}\n{run.stderr}"
    return run.stdout


def _assert_holds(outcome: str) -> None:
    assert "errors: 0" in outcome
    assert "Search not completed" not in outcome
    assert "max search depth too small" not in outcome


def test_no_task_runs_twice_in_any_state_of_the_model(tmp_path: Path) -> None:
    outcome = outcome_of_search(tmp_path)
    _assert_holds(outcome)
    lines = re.findall(r"remote\.pml:\d+, state \d+, (.*)", outcome)
    assert set(lines) == {'"-end-"'}, "part of the model is never reached"


@pytest.mark.parametrize(
    "guard", ["NO_SEQUENCE", "NO_INVOCATION", "NO_INSTANCE", "NO_LEASE", "NO_WAIT"]
)
def test_each_guard_of_the_protocol_is_needed(guard: str, tmp_path: Path) -> None:
    outcome = outcome_of_search(tmp_path, guard)
    assert "assertion violated" in outcome
    assert "errors: 1" in outcome


def test_without_more_faults_all_ends_and_both_sides_know_it(tmp_path: Path) -> None:
    _assert_holds(outcome_of_waiting(tmp_path))


@pytest.mark.parametrize("guard", ["NO_QUESTION", "NO_RESEND", "NO_OTHER"])
def test_each_guard_against_waiting_for_ever_is_needed(
    guard: str, tmp_path: Path
) -> None:
    outcome = outcome_of_waiting(tmp_path, guard)
    assert "acceptance cycle" in outcome
    assert "errors: 1" in outcome
