"""What a task gets on a worker, and what its status file says."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.pool import Pool, until
from tests.e2e.program import Place, config_of, shell

pytestmark = pytest.mark.slow

ONE_NODE = {"levels": ["host"], "node_source": "manual", "node_source_prefs": {"n": []}}
SETTINGS = {
    "nodes": ONE_NODE,
    "resources": {"worker": {"slots": {"limit": 9, "default": 2}}},
    "backoff": [1, "repeat"],
}
DUMP = """
ls /proc/self/fd >../../../descriptors
{
  echo "$#"; printf '%s\\n' "$@"; pwd; readlink /proc/$$/fd/0
  cut -d' ' -f6 /proc/$$/stat; echo $$; grep SigIgn /proc/$$/status
  stat -c '%a %s' "$2"; echo "$BISTRO_JOB $BISTRO_NODE $BISTRO_STATUS_FILE"
  echo "$BISTRO_CONFIG"; echo "$BISTRO_INVOCATION $OURS"
} >../../../seen
echo done >"$2"
"""
WORKERS_OWN = """#!/bin/sh
echo "by $0 in $PWD: $3"
echo failed >"$2"
"""


@pytest.fixture
def pool(place: Place) -> Iterator[Pool]:
    with Pool(place) as found:
        yield found


def test_a_task_on_a_worker_gets_what_one_here_gets_and_the_workers_name(
    place: Place, pool: Pool
) -> None:
    seen = {"command": shell(DUMP), "config": {"x": [1]}, "env": {"OURS": "7"}}
    config = config_of(("etl", seen), ("a/b", {}), settings=SETTINGS)
    place.write("own.sh", WORKERS_OWN, mode=0o755)
    scheduler = pool.scheduler(
        place.write_config(config), "--exit-when-done", "--instance-node-name=root"
    )
    pool.worker("w 1", command="./own.sh")
    assert scheduler.wait(timeout=60) == 1  # a/b has failed

    lines = (place.path / "seen").read_text().splitlines()
    number, node, status_file, text, cwd, stdin, session, pid, ignored, *more = lines
    of_status_file, names, as_environment, last = more
    assert (number, node, stdin) == ("3", "n", "/dev/null")
    assert cwd == str(place.path / "w 1" / "jobs" / "etl")
    # The last is that of the directory which ls reads.
    assert (place.path / "descriptors").read_text().split() == ["0", "1", "2", "3"]
    assert session == pid
    assert int(ignored.split()[1], 16) == 0
    assert of_status_file == "600 0"
    assert names == f"etl n {status_file}"
    assert as_environment == text
    invocation, ours = last.split()
    assert (bool(invocation), ours) == (True, "7")
    told = json.loads(text)
    host = told.pop("worker_host")
    assert host
    assert told == {
        "id": "etl",
        "path_to_node": ["root", "n"],
        "config": {"x": [1]},
        "resources_by_node": {"w 1": {"slots": 2}},
        "worker_node": "w 1",
    }
    (line,) = place.rows("../w 1/task_logs.sql3", "SELECT line FROM stdout")
    assert line[0].startswith(f"by {place.path}/own.sh in {place.path}/w 1/jobs/%")
    # What the scheduler is called to say of it, it says as of a task here.
    said = pool.said("scheduler")
    assert "Task etl, n quit with status 0" in said
    assert "Got status failed from task a/b, n" in said


STATUSES = {
    "word": ("echo done >$2; exit 3", 1, None),
    "json": ("""printf '{"result":"done","data":{"k":1}}' >$2""", 1, {"k": 1}),
    "failed": ("echo failed >$2", 2, None),
    "code": ("exit 0", 1, None),
    "code_not": ("exit 4", 0, "exited with status 4"),
    "nothing": ("exit 0", 0, ""),
    "two": ("printf 'done\\ndone\\n' >$2", 0, ""),
}


def test_the_status_of_a_remote_task_is_on_disk_by_the_same_rules(
    place: Place, pool: Pool
) -> None:
    jobs = []
    for name, (script, _, _) in STATUSES.items():
        job: dict[str, object] = {"command": shell(script), "backoff": [3600]}
        if name.startswith("code"):
            job["status_from"] = "exit_code"
        jobs.append((name, job))
    pool.scheduler(place.write_config(config_of(*jobs, settings=SETTINGS)))
    pool.worker("w1")
    tasks = until(lambda: shown_ends(pool))
    # What is shown is stored already.
    rows = stored(place)

    for name, (_, result, data) in STATUSES.items():
        kept, text = rows[name]
        assert kept == result, name
        assert tasks[name] == {0: "backoff", 1: "done", 2: "failed"}[result], name
        if result:
            assert (None if text is None else json.loads(text)) == data, name
        else:
            assert str(data) in json.loads(str(text))["exception"], name


def shown_ends(pool: Pool) -> dict[str, str]:
    """Return the status of each job's task, once all have ended."""
    found = {one["job"]: one["status"] for one in pool.ask("tasks")["tasks"]}
    return found if {*found.values()} == {"done", "failed", "backoff"} else {}


def stored(place: Place) -> dict[str, tuple[int, str | None]]:
    query = "SELECT job_id, result, data FROM task_statuses"
    rows = place.rows("statuses.sql3", query)
    return {job: (result, data) for job, result, data in rows}
