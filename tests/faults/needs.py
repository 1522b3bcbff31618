"""What a fault test needs of the host: CI fails without it, a laptop skips."""

import os
import shutil

import pytest


def need(is_there: bool, what: str) -> None:
    """Go on if it is there; else fail in CI, and skip anywhere else."""
    if is_there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"this needs {what}, and CI must have it")
    pytest.skip(f"needs {what}")


def need_root() -> None:
    need(os.geteuid() == 0, "root")


def need_program(name: str) -> None:
    need(shutil.which(name) is not None, f"the program {name}")
