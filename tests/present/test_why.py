"""Why: which lines there are, and where each of them leads."""

from dataclasses import replace

from bistro_tui.engine.view import (
    Claims,
    Explanation,
    Holding,
    JobName,
    NodeName,
    Reason,
    ResourceName,
    TaskRow,
    Usage,
    Waiting,
)
from bistro_tui.present.lacking import resource_in
from bistro_tui.present.spans import Scene, plain_text
from bistro_tui.present.things import ResourceThing, TaskThing
from bistro_tui.present.why import (
    Alike,
    Passed,
    Row,
    alike_rows,
    job_rows,
    node_rows,
    passed_rows,
    resource_rows,
    task_rows,
)
from tests.ui.scripted import (
    NOW,
    explanation,
    job,
    node,
    running,
    snapshot,
    task,
    worker,
)

SCENE = Scene(now=NOW, plain=True)
RUN = running("a", "n1", 65)
SHOWN = snapshot(
    nodes=(node("farm", 0), node("db7", 1, ("slots", 1, 9), ("io", 3, 3))),
    running=(RUN,),
)
LACKS = explanation(
    task("etl", "db7"),
    Reason.RESOURCE,
    ("job_enabled", True, "etl is enabled"),
    ("resources of db7", False, "needs 1 io, 3/3 used on db7"),
    ("worker", False, "needs a worker"),
    holders=(RUN.task, task("b", "n1")),
    would_run_if="runs when a task on db7 ends",
)
IO = ResourceThing(
    node=NodeName("db7"), level=SHOWN.nodes[1].level, resource=ResourceName("io")
)
CLAIMS = Claims(
    node=NodeName("db7"),
    resource=ResourceName("io"),
    used=3,
    limit=3,
    holders=(Holding(task=RUN.task, amount=2), Holding(task=task("b", "n1"), amount=1)),
    waiters=(Waiting(job=JobName("etl"), need=1, tasks=61, first=task("etl", "db7")),),
)


def said(rows: list[Row]) -> str:
    return "\n".join(plain_text(row.line) for row in rows)


def row_with(rows: list[Row], text: str) -> Row:
    return next(row for row in rows if text in plain_text(row.line))


def waits(nodes: range, text: str = "waits for dump") -> tuple[Explanation, ...]:
    return tuple(
        explanation(
            task("etl", f"db{n}"), Reason.DEPENDENCY, ("dependency", False, text)
        )
        for n in nodes
    )


def test_why_of_a_task_is_the_chain_of_checks_with_what_would_help() -> None:
    text = said(task_rows(LACKS, SHOWN, SCENE))
    for words in (
        "⏸ resource",
        "✓ job_enabled",
        "✗ resources of db7",
        "needs 1 io, 3/3 used on db7",
        "runs when a task on db7 ends",
        "● a@n1  1m05s",
        "● b@n1",
    ):
        assert words in text


def test_only_the_first_failing_check_stands_out_and_leads_on() -> None:
    rows = task_rows(LACKS, SHOWN, SCENE)
    first = row_with(rows, "resources of db7")
    assert first.line[1].style == "strong"
    assert first.opens == IO
    later = row_with(rows, "✗ worker")
    assert later.line[1].style != "strong"
    assert not later.can_be_chosen


def test_what_fails_stands_above_what_passed() -> None:
    lines = said(task_rows(LACKS, SHOWN, SCENE)).splitlines()
    marks = [line[0] for line in lines if line[:2] in ("✓ ", "✗ ")]
    assert marks == ["✗", "✗", "✓"]


def test_where_it_is_low_the_checks_that_passed_are_one_line_that_opens() -> None:
    passed = tuple((f"check{n}", True, "fine") for n in range(11))
    failing = ("resources of db7", False, "needs 1 io, 3/3 used on db7")
    why = explanation(task("etl", "db7"), Reason.RESOURCE, *passed, failing)
    rows = task_rows(why, SHOWN, SCENE, is_low=True)
    folded = row_with(rows, "✓ 11 checks passed")
    assert folded.opens == Passed(task=why.task)
    assert "check3" not in said(rows)
    assert "check3" in said(passed_rows(why))
    done = explanation(task("etl", "db7"), Reason.RUNNABLE, *passed)
    assert "check3" in said(task_rows(done, SHOWN, SCENE, is_low=True))


def test_a_resource_beyond_its_limit_says_by_how_much() -> None:
    over = said(resource_rows(replace(CLAIMS, used=4), SHOWN, SCENE))
    assert "4/3  1 over its limit of 3" in over
    assert "3/3  full" in said(resource_rows(CLAIMS, SHOWN, SCENE))
    assert "1/3  2 left" in said(resource_rows(replace(CLAIMS, used=1), SHOWN, SCENE))


def test_why_of_a_node_tells_for_what_its_tasks_wait() -> None:
    waiting = [
        TaskRow(task("off", "db7"), Reason.JOB_DISABLED, None, 0, None, "disabled"),
        *(
            TaskRow(task(name, "db7"), Reason.DEPENDENCY, None, 0, None, "needs dump")
            for name in ("etl", "web")
        ),
    ]
    rows = node_rows(SHOWN.nodes[1], [], SCENE, waiting)
    text = said(rows)
    assert "⏸ dependency  2 tasks  etl@db7 and 1 more  needs dump" in text
    assert text.index("2 tasks") < text.index("off@db7")
    assert row_with(rows, "2 tasks").opens == TaskThing(task=task("etl", "db7"))


def test_holders_are_the_attempts_that_run_now_with_what_they_have() -> None:
    rows = task_rows(LACKS, SHOWN, SCENE, CLAIMS)
    held = row_with(rows, "● a@n1")
    assert held.runs == TaskThing(task=RUN.task, invocation=RUN.invocation)
    assert "2 of 3 · 1m05s" in plain_text(held.line)


def test_why_of_a_running_task_tells_of_its_process() -> None:
    why = explanation(RUN.task, Reason.RUNNING, ("running", False, "runs"))
    assert "pid         4711" in said(task_rows(why, SHOWN, SCENE))


def test_the_resource_that_lacks_is_the_one_the_sentence_names() -> None:
    assert resource_in(LACKS, SHOWN) == IO
    assert resource_in(LACKS, replace(SHOWN, nodes=())) is None
    assert resource_in(waits(range(1))[0], SHOWN) is None


def test_the_resource_of_a_worker_is_the_one_of_the_worker_that_is_named() -> None:
    pool = replace(
        SHOWN,
        workers=(
            worker("w", "HEALTHY", ("ram", 0, 4)),
            worker("w1", "HEALTHY", ("ram", 4, 4), ("ram_mb", 0, 4)),
            worker("w2", "HEALTHY", ("ram", 4, 4)),
        ),
    )
    text = "needs 1 ram, 4/4 used on worker w1; needs 1 ram, 4/4 used on worker w2"
    why = explanation(RUN.task, Reason.WORKER, ("worker", False, text))
    found = resource_in(why, pool)
    assert found is not None
    assert (found.node, found.level, found.resource) == ("w1", "worker", "ram")
    text = "needs 1 ram, 4/4 used on worker local"
    alone = explanation(RUN.task, Reason.WORKER, ("worker", False, text))
    found = resource_in(alone, replace(SHOWN, worker_usage=(Usage("ram", 4, 4),)))
    assert found is not None
    assert str(found) == "ram on local"
    none = explanation(
        RUN.task, Reason.WORKER, ("worker", False, "no worker is connected")
    )
    assert resource_in(none, pool) is None


def test_why_of_a_job_names_the_blocking_resources_and_their_holders() -> None:
    rows = job_rows(job("etl", {Reason.RESOURCE: 1}), (LACKS,), SHOWN, SCENE)
    text = said(rows)
    assert "⏸ 1 resource" in text
    assert "⏸ resource  db7  needs 1 io, 3/3 used on db7" in text
    assert row_with(rows, "⏸ resource  db7").opens == TaskThing(task=LACKS.task)
    held = row_with(rows, "held by a@n1")
    assert held.runs == TaskThing(task=RUN.task, invocation=RUN.invocation)


def test_tasks_that_wait_alike_are_told_once_and_open_as_a_list() -> None:
    whys = waits(range(5))
    rows = job_rows(job("etl", {Reason.DEPENDENCY: 5}), whys, SHOWN, SCENE)
    assert said(rows).count("waits for dump") == 1
    line = row_with(rows, "db0 and 4 more")
    alike = Alike(job=JobName("etl"), reason=Reason.DEPENDENCY, text="waits for dump")
    assert line.opens == alike
    opened = [row.opens for row in alike_rows(alike, whys) if row.can_be_chosen]
    assert opened == [TaskThing(task=why.task) for why in whys]


def test_many_groups_of_one_reason_are_cut_and_the_rest_opens_together() -> None:
    whys = [why for n in range(30) for why in waits(range(n, n + 1), f"waits {n}")]
    rows = job_rows(job("etl", {Reason.DEPENDENCY: 30}), whys, SHOWN, SCENE)
    rest = row_with(rows, "22 more")
    assert isinstance(rest.opens, Alike)
    listed = alike_rows(rest.opens, whys)
    assert sum(row.can_be_chosen for row in listed) == 30
    assert "waits 29" in said(listed)


def test_what_is_off_is_told_in_one_line_behind_what_waits() -> None:
    off = [
        explanation(
            task("etl", f"h{n}"),
            Reason.AVOIDED,
            ("filters", False, f"the filters of etl reject host (h{n})"),
        )
        for n in range(5)
    ]
    whys = [*off, *waits(range(1))]
    counts = {Reason.AVOIDED: 5, Reason.DEPENDENCY: 1}
    rows = job_rows(job("etl", counts), whys, SHOWN, SCENE)
    line = row_with(rows, "5 tasks")
    assert rows.index(row_with(rows, "waits for dump")) < rows.index(line)
    assert said(rows).count("the filters of etl") == 1
    assert isinstance(line.opens, Alike)
    listed = alike_rows(line.opens, whys)
    assert sum(row.can_be_chosen for row in listed) == 5


def test_a_job_without_waiting_tasks_says_so() -> None:
    done = job_rows(job("etl", {Reason.DONE: 2}), (), SHOWN, SCENE)
    assert "every task is done" in said(done)
    none = job_rows(job("etl"), (), SHOWN, SCENE)
    assert "no tasks: its level has no nodes" in said(none)


def test_an_invalid_job_shows_its_errors_in_full() -> None:
    row = job("etl", {Reason.JOB_INVALID: 1}, errors=("first\nsecond line",))
    text = said(job_rows(row, (), SHOWN, SCENE))
    assert "first" in text
    assert "second line" in text


def test_a_resource_shows_who_holds_it_and_who_waits() -> None:
    rows = resource_rows(CLAIMS, SHOWN, SCENE)
    assert "3/3  full" in said(rows)
    assert row_with(rows, "● a@n1").runs is not None
    waiting = row_with(rows, "61 tasks · 1 each · first db7")
    assert waiting.opens == TaskThing(task=task("etl", "db7"))


def test_a_free_resource_says_that_nobody_has_it() -> None:
    free = Claims(
        node=NodeName("db7"), resource=ResourceName("io"), used=0, limit=3,
        holders=(), waiters=(),
    )  # fmt: skip
    text = said(resource_rows(free, SHOWN, SCENE))
    assert "0/3  3 left" in text
    assert text.count("nobody") == 2


def test_a_node_leads_to_its_resources_and_to_what_runs_there() -> None:
    rows = node_rows(SHOWN.nodes[1], (RUN,), SCENE)
    assert row_with(rows, "io 3/3").opens == IO
    assert row_with(rows, "● a@n1").runs is not None
    assert "none at this level" in said(node_rows(SHOWN.nodes[0], (), SCENE))


def test_hostile_names_and_sentences_are_shown_as_characters() -> None:
    bad = "\x1b[2J[/b]"
    why = explanation(
        task(bad, bad), Reason.RESOURCE, (bad, False, bad), holders=(task(bad, bad),),
        would_run_if=bad,
    )  # fmt: skip
    rows = job_rows(job(bad, {Reason.RESOURCE: 1}), (why,), SHOWN, SCENE)
    rows += task_rows(why, SHOWN, SCENE)
    text = said(rows)
    assert "\x1b" not in text
    assert "␛[2J[/b]" in text
