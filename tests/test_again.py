"""What ``scripts/again`` makes of tests that have failed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "again"

UNSTEADY = """\
from pathlib import Path

def test_unsteady():
    assert Path("was_here").exists()

def test_broken():
    assert Path("never").exists()
"""


@pytest.fixture
def again(tmp_path: Path) -> Path:
    """The script in a project whose one test module is called test_it.py."""
    (tmp_path / "scripts").mkdir()
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
    )
    (tmp_path / "test_it.py").write_text(UNSTEADY)
    return Path(shutil.copy(SCRIPT, tmp_path / "scripts" / "again"))


def run(again: Path, *failed: str) -> tuple[int, str]:
    """Run it after a run in which these failed; return its exit code and output."""
    project = again.parents[1]
    cache = project / ".venv" / "cache" / "v" / "cache"
    cache.mkdir(parents=True)
    told = json.dumps(dict.fromkeys(failed, True), indent=2)
    (cache / "lastfailed").write_text(told)
    done = subprocess.run(
        [again, ".venv/none", ".venv/cache"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    return done.returncode, done.stdout


def test_what_passes_by_itself_is_named(again: Path) -> None:
    (again.parents[1] / "was_here").touch()
    code, said = run(again, "test_it.py::test_unsteady")
    assert code == 0
    assert "1 passed" in said
    assert said.endswith(
        "FLAKY, failed and then passed by itself:\n    test_it.py::test_unsteady\n"
    )


def test_what_fails_again_fails(again: Path) -> None:
    (again.parents[1] / "was_here").touch()
    names = ("test_it.py::test_unsteady", "test_it.py::test_broken")
    code, said = run(again, *names)
    assert code == 1
    assert "1 failed, 1 passed" in said
    assert "FLAKY" not in said


@pytest.mark.parametrize(
    ("failed", "says"),
    [
        ((), "0 tests failed"),
        (tuple(f"test_it.py::test_{n}" for n in range(3)), "3 tests failed"),
        (("test_it.py",), "could not be loaded"),
    ],
)
def test_what_is_more_than_a_test_or_two_is_not_run_again(
    again: Path, failed: tuple[str, ...], says: str
) -> None:
    code, said = run(again, *failed)
    assert code == 1
    assert says in said
    assert "passed" not in said
