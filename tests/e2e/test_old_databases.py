"""Databases of Bistro and of every version of ours open, go on, and lose nothing."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import REPOSITORY, Finished, Place, config_of, shell

pytestmark = pytest.mark.slow

DATA = REPOSITORY / "tests" / "data"
OLD = sorted(path.name for path in DATA.iterdir() if path.is_dir())
OURS = [name for name in OLD if name != "bistro"]
KEEP_LINES = ("--log-prune-frequency", "0")
"""However old the lines of these files are."""

COUNTS_ON = (
    'count=$(printf %s "$3" | sed -n \'s/.*"count": *\\([0-9]*\\).*/\\1/p\'); '
    'echo "{\\"result\\": \\"done\\", \\"data\\": {\\"count\\": $((count + 1))}}" >"$2"'
)
"""Adds one to the number that its last attempt stored."""

AGAIN = 'echo run again; echo done >"$2"'
STATUSES = (
    "SELECT job_id, node_id, timestamp, data, result FROM task_statuses"
    " WHERE job_id IN ('etl', 'broken', 'gone') ORDER BY 1, 2"
)
LINES = " UNION ALL ".join(
    f"SELECT '{stream}', time_and_count, job_id, node_id, CAST(line AS BLOB)"
    f" FROM {stream}"
    for stream in ("stdout", "stderr", "statuses")
)


def copied(place: Place, name: str) -> None:
    """Put the old databases where the program looks for its own."""
    place.data.mkdir()
    for path in (DATA / name).iterdir():
        shutil.copyfile(path, place.data / path.name)


def settled(place: Place) -> list[tuple[Any, ...]]:
    return place.rows("statuses.sql3", STATUSES)


def lines(place: Place) -> set[tuple[Any, ...]]:
    return set(place.rows("task_logs.sql3", LINES))


def go_on(place: Place) -> Finished:
    """Run the jobs of the old databases and one that they do not know."""
    jobs = {name: shell(AGAIN) for name in ("etl", "broken", "retried")}
    jobs |= {"counts": shell(COUNTS_ON), "fresh": shell('echo new; echo done >"$2"')}
    nodes = {"levels": ["host"], "node_source": "manual"}
    config = config_of(
        *((name, {"command": command}) for name, command in jobs.items()),
        settings={
            "nodes": nodes | {"node_source_prefs": {"n1": [], "n2": []}},
            "resources": {},
        },
    )
    return place.batch(place.write_config(config), *KEEP_LINES)


def originals(place: Place, name: str) -> tuple[list[tuple[Any, ...]], set[Any]]:
    """Return what SQLite itself finds in them, in a directory of its own."""
    other = Place(place.path / "original")
    other.path.mkdir()
    copied(other, name)
    return settled(other), lines(other)


@pytest.mark.parametrize("name", OLD)
def test_an_old_database_opens_and_goes_on_and_keeps_its_rows(
    place: Place, name: str
) -> None:
    statuses, old_lines = originals(place, name)
    assert len(statuses) >= 4
    assert len(old_lines) >= 4
    copied(place, name)

    run = go_on(place)

    # What had failed stays failed, and so this is not a success.
    assert run.code == 1, run.err
    assert (run.json["done"], run.json["failed"], run.json["started"]) == (8, 2, 6)
    assert settled(place) == statuses
    kept, fresh = lines(place) & old_lines, lines(place) - old_lines
    assert kept == old_lines
    assert {job for _, _, job, _, _ in fresh} == {"retried", "counts", "fresh"}
    assert min(line_id for _, line_id, *_ in fresh) > max(
        line_id for _, line_id, *_ in old_lines
    )
    counted = place.rows(
        "statuses.sql3", "SELECT data FROM task_statuses WHERE job_id = 'counts'"
    )
    assert counted == [('{"count":8}' if name in OURS else '{"count":1}',)] * 2

    again = go_on(place)

    assert (again.json["done"], again.json["started"]) == (8, 0)


@pytest.mark.parametrize("database", ["statuses.sql3", "task_logs.sql3"])
def test_a_database_of_the_next_version_is_refused_and_not_touched(
    place: Place, database: str
) -> None:
    copied(place, "v1")
    go_on(place)
    with closing(sqlite3.connect(place.data / database)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version + 1}")
    before = contents(place.data)

    run = go_on(place)

    assert run.code == 3
    assert f"{database}: was written by a newer bistro-tui" in run.err
    assert f"version {version + 1}, this one knows {version}" in run.err
    assert contents(place.data) == before


def contents(directory: Path) -> dict[str, bytes]:
    """Return the databases and what lies beside them."""
    return {path.name: path.read_bytes() for path in directory.glob("*.sql3*")}
