"""A task that a signal ends: what is said of it, and that it is retried as any."""

import re
import signal
from collections import Counter

import pytest

from tests.e2e.program import Place, config_of
from tests.faults.oracle import Oracle, fresh_mark

pytestmark = pytest.mark.slow

HARMLESS = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
STOPPING = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
"""Without effect on the leader of a session whose parent is in another."""
ALL = range(1, 32)
DEADLY = [n for n in ALL if n not in HARMLESS | STOPPING | {signal.SIGSTOP}]
TIMEOUT = 0.5
TIMED_OUT = ": timed out after 0.5 s"
ONE_NODE = {
    "levels": ["host"],
    "node_sources": [{"source": "manual", "prefs": {"n": []}}],
}
SAYS = 'echo "start $BISTRO_JOB $BISTRO_NODE $BISTRO_INVOCATION 0 $$" >>"$ORACLE"; '


def test_every_signal_is_named_and_retried_by_the_rules(place: Place) -> None:
    oracle = Oracle(place.path, fresh_mark())
    environment = {"ORACLE": str(oracle.path)}
    jobs = []
    for number in ALL:
        script = f'{SAYS}ulimit -c 0; kill -{number} $$; echo done >"$2"'
        job = {"command": ["/bin/sh", "-c", script, "task"], "env": environment}
        # Nothing else goes on for ever.
        more = {"timeout_sec": TIMEOUT} if number == signal.SIGSTOP else {}
        jobs.append((f"s{number}", {**job, **more}))
    slots = {"instance": {"slots": {"limit": 8, "default": 1}}}
    settings = {"nodes": ONE_NODE, "resources": slots, "backoff": [1, "fail"]}

    run = place.batch(place.write_config(config_of(*jobs, settings=settings)))

    assert run.code == 1, run.err
    starts = Counter(one.task[0] for one in oracle.records())
    for number in ALL:
        name = f"s{number}"
        quits = re.findall(rf"Task {name}, n quit with status (.*)", run.err)
        got = re.findall(
            rf"Got status (\S+) from task {name}, n after \S+ s(.*)", run.err
        )
        if number in DEADLY:
            assert quits == [f"killed by signal {number}"] * 2
            assert [word for word, _ in got] == ["error_backoff", "failed"]
            assert starts[name] == 2
        elif number == signal.SIGSTOP:
            # It is continued to hear that its time is up.
            assert quits == [f"killed by signal {signal.SIGTERM}"] * 2
            assert len(got) == 2
            assert all(reason.endswith(TIMED_OUT) for _, reason in got), got
        else:
            assert (quits, got) == (["0"], [("done", "")])
            assert starts[name] == 1
    assert run.json["failed"] == len(DEADLY) + 1
    assert run.json["done"] == len(ALL) - len(DEADLY) - 1
