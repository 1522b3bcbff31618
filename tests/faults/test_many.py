"""Thousands of short tasks: every one ends once, and nothing is left of any."""

import json
import re
import resource
import signal

import pytest

from tests.e2e.program import Place
from tests.faults.oracle import Oracle, fresh_mark, judge
from tests.faults.seeds import SCALE
from tests.faults.watching import (
    Watch,
    Zombies,
    children_of,
    open_descriptors,
    wait_until,
    wardens_of,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 * SCALE)]

SHORT = 1_500 * SCALE
LOOK_SEC = 0.1
GOT_DONE = re.compile(r"Got status done")


def config_of_plain(
    oracle: Oracle, tasks: int, *, at_once: int, is_enabled: bool = True
) -> dict[str, object]:
    """Return a config with that many tasks that only tell of themselves."""
    prefs = {"parent_level": "instance", "start": 1, "end": tasks, "format": "n{i}"}
    settings = {
        "enabled": True,
        "backoff": ["fail"],
        "nodes": {
            "levels": ["host"],
            "node_sources": [{"source": "range_label", "prefs": prefs}],
        },
        "resources": {"instance": {"slots": {"limit": at_once, "default": 1}}},
    }
    job = {"owner": "t", "enabled": is_enabled} | oracle.job("plain")
    return {"bistro_settings": settings, "bistro_job->plain": job}


def test_short_tasks_leave_no_zombie_older_than_a_second(place: Place) -> None:
    oracle = Oracle(place.path, fresh_mark())
    config = place.write_config(config_of_plain(oracle, SHORT, at_once=8))
    flags = (config, "--no-ui", "--exit-when-done", "--json", "--data-dir", place.data)

    with place.start(*flags) as process:
        zombies = Zombies(process.pid)
        with Watch(zombies.look, LOOK_SEC):
            out, err = process.communicate(timeout=150 * SCALE)

    assert process.returncode == 0, err[-3000:]
    assert json.loads(out)["done"] == SHORT
    assert len(GOT_DONE.findall(err)) == SHORT
    judge(oracle.records(), expected=SHORT)
    # In looks, which come less often where others want the processors too.
    assert zombies.most_looks * LOOK_SEC <= 1.0
    assert zombies.looks > 5


@pytest.mark.parametrize("limit", [64, 256] if SCALE == 1 else [64, 128, 256, 512])
def test_few_descriptors_are_enough_and_all_come_back(place: Place, limit: int) -> None:
    tasks = 625 * SCALE
    oracle = Oracle(place.path, fresh_mark())
    off = config_of_plain(oracle, tasks, at_once=tasks, is_enabled=False)
    config = place.write_config(off)
    log = place.path / "stderr"

    def lower_limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    with (
        log.open("w") as file,
        place.start(
            *(config, "--no-ui", "--data-dir", place.data),
            stderr=file,
            preexec_fn=lower_limit,
        ) as process,
    ):
        try:
            wait_until(lambda: len(wardens_of(process.pid)) == 2, "two wardens")
            wait_until(lambda: " serves " in log.read_text(), "it serves")
            before = _open(process.pid)
            place.write_config(
                config_of_plain(oracle, tasks, at_once=tasks, is_enabled=True)
            )
            wait_until(
                lambda: len(GOT_DONE.findall(log.read_text())) >= tasks,
                "all tasks are done",
                60 * SCALE,
            )
            wait_until(
                lambda: all(
                    abs(now - then) <= 2
                    for now, then in zip(_open(process.pid), before, strict=True)
                ),
                f"descriptors back at {before}",
            )
            assert all(children_of(one) == [] for one in wardens_of(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    assert process.returncode == 0
    judge(oracle.records(), expected=tasks)


def _open(scheduler: int) -> list[int]:
    return [
        open_descriptors(pid) for pid in (scheduler, *sorted(wardens_of(scheduler)))
    ]
