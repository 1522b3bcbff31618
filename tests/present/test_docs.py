"""The texts of the overlays."""

import pytest

from bistro_tui.engine.view import Banner, Reason
from bistro_tui.present import docs
from bistro_tui.present.spans import Line, Scene, plain_text
from tests.ui.scripted import NOW, ended, explanation, job, node, running, task

SCENE = Scene(now=NOW, plain=True)
HOLDERS = (task("a", "n1"), task("b", "n1"))


def said(lines: list[Line]) -> str:
    return "\n".join(plain_text(line) for line in lines)


def test_why_of_a_task_is_the_chain_of_checks_with_what_would_help() -> None:
    text = said(
        docs.why_task(
            explanation(
                task("etl", "db7"),
                Reason.RESOURCE,
                ("job_enabled", True, "etl is enabled"),
                ("resources of db7", False, "db7: concurrency 3/3"),
                holders=HOLDERS,
                would_run_if="runs when a task on db7 ends",
            )
        )
    )
    assert "⏸ resource" in text
    assert "✓ job_enabled" in text
    assert "✗ resources of db7" in text
    assert "db7: concurrency 3/3" in text
    assert "runs when a task on db7 ends" in text
    assert "● a@n1" in text


def test_only_the_first_failing_check_stands_out() -> None:
    lines = docs.why_task(
        explanation(
            task("etl", "db7"),
            Reason.BACKOFF,
            ("backoff", False, "one"),
            ("dependency", False, "two"),
        )
    )
    styles = {
        plain_text(line)[2:9].strip(): line[1].style for line in lines if len(line) == 3
    }
    assert styles["backoff"] == "strong"
    assert styles["depende"] != "strong"


def test_why_of_a_job_names_the_blocking_resources_and_their_holders() -> None:
    why = explanation(
        task("etl", "db7"),
        Reason.RESOURCE,
        ("resources", False, "db7: concurrency 3/3"),
        holders=HOLDERS,
    )
    text = said(docs.why_job(job("etl", {Reason.RESOURCE: 1}), (why,), SCENE))
    assert "⏸ 1 resource" in text
    assert "⏸ resource  db7  db7: concurrency 3/3" in text
    assert "held by a@n1, b@n1" in text


def test_tasks_that_wait_alike_are_told_once() -> None:
    whys = tuple(
        explanation(
            task("etl", f"db{n}"),
            Reason.DEPENDENCY,
            ("dependency", False, "waits for dump"),
        )
        for n in range(5)
    )
    text = said(docs.why_job(job("etl", {Reason.DEPENDENCY: 5}), whys, SCENE))
    assert text.count("waits for dump") == 1
    assert "db0 and 4 more" in text


def test_a_job_without_waiting_tasks_says_so() -> None:
    assert "every task is done" in said(
        docs.why_job(job("etl", {Reason.DONE: 2}), (), SCENE)
    )
    assert "no tasks: its level has no nodes" in said(
        docs.why_job(job("etl"), (), SCENE)
    )


def test_an_invalid_job_shows_its_errors_in_full() -> None:
    row = job("etl", {Reason.JOB_INVALID: 1}, errors=("first\nsecond line",))
    for text in (said(docs.why_job(row, (), SCENE)), said(docs.job_facts(row, SCENE))):
        assert "first" in text
        assert "second line" in text


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
