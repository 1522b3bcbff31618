"""Each attempt that ever began is in the history once, whatever killed whom."""

from collections import Counter

import pytest

from tests.e2e.program import Place
from tests.e2e.test_recovery import BEGIN, ENDLESS, broken_off, runs

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("flags", "with_wardens"),
    [((), True), (("--clean-statuses",), False)],
    ids=["all die", "nothing is kept"],
)
def test_every_attempt_is_recorded_once_over_a_crash(
    flags: tuple[str, ...], with_wardens: bool, place: Place
) -> None:
    again = BEGIN + ENDLESS
    broken_off(place, *flags, processes=4, with_wardens=with_wardens, again=again)
    before = place.run("history", "--json", "--data-dir", place.data)
    assert before.json == {"attempts": []}

    run = place.batch(place.path / "config.json", *flags)
    assert run.code == 0, run.err
    answer = place.run("history", "again", "--json", "-n0", "--data-dir", place.data)

    attempts = answer.json["attempts"]
    assert len({one["invocation"] for one in attempts}) == len(attempts) == 8
    assert runs(place, "again") == 8
    came_to = Counter((one["node"], one["status"]) for one in attempts)
    nodes = ("node11", "node12", "node21", "node22")
    assert came_to == {
        (node, status): 1 for node in nodes for status in ("done", "incomplete_backoff")
    }
    starts = [one["started"] for one in attempts]
    assert starts == sorted(starts, reverse=True)
    for one in attempts:
        was_found = one["detail"].startswith("its scheduler had died")
        assert was_found == (one["status"] == "incomplete_backoff")
        assert one["exit"] == (
            "exited with status 0"
            if not was_found
            else ""
            if with_wardens
            else "killed by signal 15"
        )
    table = place.run("history", "--data-dir", place.data, "--status", "done", "-n2")
    assert len(table.out.splitlines()) == 3
    assert answer.err == table.err == ""
