"""The texts of the overlays."""

import pytest

from bistro_tui.engine.view import Banner, Reason
from bistro_tui.present import docs
from bistro_tui.present.spans import Line, Scene, plain_text
from tests.ui.scripted import NOW, ended, job, node, running, task

SCENE = Scene(now=NOW, plain=True)
HOLDERS = (task("a", "n1"), task("b", "n1"))


def said(lines: list[Line]) -> str:
    return "\n".join(plain_text(line) for line in lines)


def test_details_of_a_node_name_who_holds_its_resources() -> None:
    row = node("db7", 2, ("concurrency", 2, 3), running=1)
    text = said(docs.node_facts(row, (running("etl", "db7", 61),), SCENE))
    assert "concurrency 2/3" in text
    assert "● etl@db7  1m01s" in text


def test_details_of_attempts_hold_every_field() -> None:
    text = said(docs.running_facts(running("etl", "db7", attempt=2), SCENE))
    for word in ("etl", "db7", "10s", "4711", "local", "2"):
        assert word in text
    row = ended("etl", "db7", result=Reason.FAILED, detail="one\ntwo", retry_at=NOW + 9)
    text = said(docs.ended_facts(row, SCENE))
    for word in ("✗ failed", "2.5s", "in 9s", "one", "two"):
        assert word in text


def test_details_of_a_running_attempt_tell_how_its_processes_are_held() -> None:
    row = running("etl", "db7", 60, containment="cgroup")
    row = row._replace(rss=64 << 20, cpu_seconds=90.0, processes=3)
    text = said(docs.running_facts(row, SCENE))
    for line in (
        "pid         4711",
        "containment cgroup",
        "memory      64M resident",
        "CPU time    1m30s · 150 % of one core so far",
        "processes   3",
    ):
        assert line in text.splitlines()


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("subreaper", "subreaper, session and tag"),
        ("session", "session only"),
        ("a plug-in's \x1b[2J", "a plug-in's ␛[2J"),
    ],
)
def test_containment_is_told_in_words(word: str, shown: str) -> None:
    row = running("etl", "db7", containment=word)
    assert f"containment {shown}" in said(docs.process_facts(row, SCENE))


def test_what_is_not_known_of_a_process_is_left_out() -> None:
    text = said(docs.process_facts(running("a", "n"), SCENE))
    assert text.endswith("pid         4711")
    text = said(docs.process_facts(running("a", "n", pid=None), SCENE))
    assert text.endswith("pid         –")


def test_details_count_down_to_the_kill() -> None:
    row = running("a", "n", stopping=True, kill_at=NOW + 7)
    assert "◑ stopping, KILL in 7s" in said(docs.running_facts(row, SCENE))


def test_problems_are_banners_and_invalid_jobs_or_none() -> None:
    banner = Banner(topic="config", text="broken\nhere")
    bad = job("etl", errors=("no command",))
    text = said(docs.problems((banner,), (bad, job("fine"))))
    for word in ("✗ config", "broken", "here", "⚠ job etl", "no command"):
        assert word in text
    assert "fine" not in text
    assert said(docs.problems((), ())) == "✓ nothing is wrong"
