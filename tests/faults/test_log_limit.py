"""Ten tasks print as fast as they can: the disk holds what --log-max-bytes says."""

import re
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.program import Place
from tests.faults.seeds import SCALE
from tests.faults.test_output import config_of_commands
from tests.faults.watching import Patience

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 * SCALE)]

LIMIT = 16 * 2**20
SPEWING = 10
SPEWING_SEC = 3.0 * SCALE


def disk(data: Path) -> int:
    found = (data / "task_logs.sql3", data / "task_logs.sql3-wal")
    return sum(one.stat().st_size for one in found if one.exists())


def test_the_log_store_keeps_to_its_limit_while_tasks_spew(place: Place) -> None:
    spewer = ["sh", "-c", "yes a line of output as programs write it"]
    jobs = {f"spew{number}": spewer for number in range(SPEWING)}
    config = place.write_config(config_of_commands(jobs))
    errors, most = place.path / "err", 0
    with (
        errors.open("w") as err,
        place.start(
            config,
            *("--no-ui", "--data-dir", place.data, "--log-max-bytes", LIMIT),
            stderr=err,
        ) as process,
    ):
        try:
            deadline = time.monotonic() + 60
            while most < 0.9 * LIMIT:
                assert time.monotonic() < deadline
                time.sleep(0.02)
                most = max(most, disk(place.data))
            spewing = Patience(SPEWING_SEC)
            while not spewing.is_over:
                time.sleep(0.02)
                most = max(most, disk(place.data))
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        finally:
            process.kill()
    assert most <= 1.05 * LIMIT
    told = errors.read_text()
    forgotten = re.findall(r"forgot the (\d+) oldest log lines", told)
    ((kept,),) = place.rows("task_logs.sql3", "SELECT count(*) FROM stdout")
    assert sum(map(int, forgotten)) > kept / 4 > 0
    assert "Traceback" not in told
