"""Daemons of every kind end with their task, and not with that of another."""

import os
import random
from pathlib import Path

import pytest

from bistro_tui.engine.processes.own_group import own_group
from bistro_tui.engine.warden.cgroups import Cgroups
from tests.faults.daemons import WAYS, run_daemons
from tests.faults.needs import need
from tests.faults.seeds import SCALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 * SCALE)]

TASKS = 66 * SCALE


def test_no_daemon_outlives_its_task_below_a_subreaper(
    tmp_path: Path, rng: random.Random
) -> None:
    assert run_daemons(tmp_path, rng, TASKS) >= TASKS
    assert len(WAYS) < TASKS


def test_no_daemon_outlives_its_task_in_a_control_group(
    tmp_path: Path, rng: random.Random
) -> None:
    parent = usable_cgroup()
    assert run_daemons(tmp_path, rng, TASKS, cgroup=parent) >= TASKS


def usable_cgroup() -> bytes:
    """Return a group in which we may make others."""
    group = own_group()
    try:
        name = f"bistro-tui-test-{os.getpid()}"
        path = os.fsencode(group / name) if group is not None else b"/nowhere/at/all"
        Cgroups(path).close()
    except OSError:
        path = b""
    need(bool(path), "a control group (version 2) in which we may make others")
    return path
