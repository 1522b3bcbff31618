"""``plan`` beside a running scheduler, and when it is told to stop."""

import signal
import time
from pathlib import Path

import pytest

from tests.e2e.program import DONE, Place, config_of, shell

pytestmark = pytest.mark.slow


def wait_for(path: Path, text: str = "") -> None:
    deadline = time.monotonic() + 60
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < deadline, path
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] != b"Z"


def test_a_plan_sees_what_a_running_scheduler_has_stored(place: Place) -> None:
    held = shell(f'touch {place.path}/ran-"$1"; sleep 60')
    config = place.write_config(
        config_of(
            ("quick", {"command": DONE}),
            ("held", {"command": held}),
            settings={"resources": {}},
        )
    )
    flags = ("--data-dir", place.data, "--json")
    with place.start(config, "--no-ui", "--data-dir", place.data) as scheduler:
        try:
            deadline = time.monotonic() + 60
            while True:
                plan = place.run("plan", config, *flags)
                assert plan.code == 0, plan.err
                quick, waiting = plan.json["jobs"]
                if quick["blocked"].get("done", 0) == 4:
                    break
                assert time.monotonic() < deadline, plan.out
            # What runs has no stored status: before the first start it was runnable.
            assert (waiting["runnable"], waiting["blocked"]) == (4, {})
        finally:
            scheduler.send_signal(signal.SIGTERM)
            scheduler.communicate(timeout=60)
    assert scheduler.returncode == 0


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_plan_that_is_stopped_leaves_no_node_script_behind(
    place: Place, number: signal.Signals, code: int
) -> None:
    place.write("nodes.sh", "#!/bin/sh\necho $$ > pid\nsleep 60\n", mode=0o755)
    prefs = {"parent_level": "instance", "script": "./nodes.sh"}
    nodes = {
        "levels": ["host"],
        "node_sources": [{"source": "script", "prefs": prefs}],
    }
    config = place.write_config(config_of(settings={"nodes": nodes}))
    with place.start("plan", config) as plan:
        wait_for(place.path / "pid", "\n")
        plan.send_signal(number)
        out, err = plan.communicate(timeout=60)
    assert plan.returncode == code
    assert (out, "Traceback" in err) == ("", False)
    assert not is_alive(int((place.path / "pid").read_text()))
