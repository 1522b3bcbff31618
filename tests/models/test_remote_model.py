"""The protocol with workers, as a model of which every state is visited."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.faults.needs import need_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

MODEL = Path(__file__).parent / "remote.pml"
MOST_MEMORY_MB = 480
DEPTH = 20_000


def outcome_of_search(directory: Path, *mutations: str) -> str:
    """Return what spin's verifier prints about the model without those guards."""
    need_program("spin")
    need_program("gcc")
    verifier = ["gcc", "-O1", "-DSAFETY", f"-DMEMLIM={MOST_MEMORY_MB}", "pan.c"]
    defines = [f"-D{name}" for name in mutations]
    _output(directory, "spin", *defines, "-a", str(MODEL))
    _output(directory, *verifier, "-o", "pan")
    return _output(directory, "./pan", f"-m{DEPTH}", "-w22")


def _output(directory: Path, *words: str) -> str:
    run = subprocess.run(
        words, cwd=directory, capture_output=True, text=True, timeout=150
    )
    assert run.returncode == 0, f"{words}\n{run.stdout}\n{run.stderr}"
    return run.stdout


def test_no_task_runs_twice_in_any_state_of_the_model(tmp_path: Path) -> None:
    outcome = outcome_of_search(tmp_path)
    assert "errors: 0" in outcome
    assert "Search not completed" not in outcome
    assert "max search depth too small" not in outcome
    lines = re.findall(r"remote\.pml:\d+, state \d+, (.*)", outcome)
    assert set(lines) == {'"-end-"'}, "part of the model is never reached"


@pytest.mark.parametrize(
    "guard", ["NO_SEQUENCE", "NO_INVOCATION", "NO_INSTANCE", "NO_LEASE", "NO_WAIT"]
)
def test_each_guard_of_the_protocol_is_needed(guard: str, tmp_path: Path) -> None:
    outcome = outcome_of_search(tmp_path, guard)
    assert "assertion violated" in outcome
    assert "errors: 1" in outcome
