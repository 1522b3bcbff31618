"""What is told of one job."""

from dataclasses import replace

from bistro_tui.engine.view import Attempt, JobFacts, JobName, Reason
from bistro_tui.present.job_page import (
    attempt_facts,
    attempt_state,
    crumb,
    fact_rows,
    rate,
)
from bistro_tui.present.spans import Scene, plain_text
from tests.ui.scripted import NOW, job, task

SCENE = Scene(now=NOW)
FACTS = JobFacts(
    job=JobName("etl"),
    facts=(("command", "/bin/etl\n--fast"), ("backoff", "60 s, then fail")),
    depends_on=(JobName("extract"), JobName("gone")),
    needed_by=(JobName("report"),),
    file="/etc/farm.json",
    line=41,
    excerpt=('"bistro_job->etl": {', "}"),
    throughput=0.5,
    median_seconds=61.0,
)
AROUND = (job("extract", {Reason.DONE: 3}), job("report"))


def lines(facts: JobFacts | None = FACTS, refusal: str = "") -> list[str]:
    rows = fact_rows(job("etl"), facts, AROUND, refusal)
    return [plain_text(row.line).rstrip() for row in rows]


def test_facts_name_the_config_with_file_and_line() -> None:
    text = "\n".join(lines())
    assert "/etc/farm.json:41" in text
    assert '41 │ "bistro_job->etl": {' in text
    assert "42 │ }" in text
    assert "0.5 done a minute" in text


def test_dependencies_can_be_gone_to_if_they_exist() -> None:
    rows = fact_rows(job("etl"), FACTS, AROUND, "")
    assert [row.job for row in rows if row.job] == ["extract", "report"]
    text = "\n".join(lines())
    assert "← extract  ✓ done  3/3 done" in text
    assert "← gone  no such job" in text


def test_before_the_facts_come_the_snapshot_has_to_do() -> None:
    text = "\n".join(lines(None))
    assert "priority      1" in text
    assert "refused" not in text
    assert "it is too old" in "\n".join(lines(None, "it is too old"))


def test_every_line_has_its_own_key() -> None:
    rows = fact_rows(job("etl", errors=("a\nb", "c")), FACTS, AROUND, "")
    assert len({row.key for row in rows}) == len(rows)


def test_nothing_foreign_stays_unclean() -> None:
    bad = "\x1b[2J\u202e"
    facts = replace(
        FACTS,
        facts=((bad, bad),),
        depends_on=(JobName(bad),),
        file=bad,
        excerpt=(bad,),
    )
    rows = fact_rows(job(bad, errors=(bad,)), facts, (), bad)
    attempt = Attempt(
        task=task(bad, bad),
        invocation=bad,
        started=NOW - 9,
        ended=NOW,
        result=bad,
        exit=bad,
        detail=bad,
        worker=bad,
        peak_memory=1,
        cpu_seconds=1.0,
    )
    found = [row.line for row in rows] + attempt_facts(attempt)
    found.append(crumb(job(bad, owner=bad), 3.0, SCENE, is_gone=False))
    assert all(plain_text(line).isprintable() for line in found)


def test_results_of_the_history_are_shown_as_states() -> None:
    words = [
        attempt_state(result).word
        for result in ("done", "failed", "error_backoff", "backoff", "killed?")
    ]
    assert words == ["done", "failed", "backoff", "backoff", "off"]


def test_the_crumb_tells_a_job_that_is_gone() -> None:
    row = job("etl", {Reason.RUNNING: 2}, eta=NOW + 600)
    text = plain_text(crumb(row, 12.3, SCENE, is_gone=False))
    assert text.startswith("● running  host level · 2 tasks · 12/min · ~10m left")
    assert plain_text(crumb(row, None, SCENE, is_gone=True)).startswith(
        "this job is gone"
    )


def test_rates_take_four_characters() -> None:
    assert [rate(number) for number in (0, 0.04, 3.44, 9.96, 1234, 56_789)] == [
        "0", "0.0", "3.4", "10", "1234", "56k",
    ]  # fmt: skip
