"""Several schedulers that are shown as one."""

from dataclasses import replace

import pytest

from bistro_tui.client import merged_logs
from bistro_tui.client.merging import Labelled, labels_for, merged, outer_node
from bistro_tui.client.read_only import ReadOnlyControl
from bistro_tui.client.together import Together
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, LevelName, NodeName, ResourceName
from bistro_tui.engine.view import (
    Banner,
    Claims,
    Holding,
    LogSearch,
    Notice,
    Reason,
    Snapshot,
    TaskRow,
    Usage,
    WorkerRow,
)
from tests.ui.scripted import (
    NOW,
    ScriptedEngine,
    ended,
    engine_state,
    explanation,
    job,
    node,
    running,
    snapshot,
    task,
)

R = Reason


def night() -> ScriptedEngine:
    return ScriptedEngine(
        current=snapshot(
            state=engine_state(instance="night"),
            jobs=(job("etl", {R.DONE: 2, R.RUNNING: 1}, eta=NOW + 9), job("own", {})),
            nodes=(node("night"), node("db1", 1)),
            running=(running("etl", "db1", 30),),
            ended=(ended("etl", "db1", 7),),
            starts=4,
        )
    )


def day() -> ScriptedEngine:
    return ScriptedEngine(
        current=snapshot(
            state=engine_state(instance="day"),
            jobs=(job("etl", {R.DONE: 1}, enabled=False, priority=3.0, eta=NOW + 20),),
            nodes=(node("day"), node("db1", 1)),
            running=(running("etl", "db1", 60),),
            ended=(ended("etl", "db1", 5),),
            banners=(Banner(topic="config", text="bad"),),
            starts=3,
        )
    )


def both() -> tuple[ScriptedEngine, ScriptedEngine, Together]:
    one, two = night(), day()
    schedulers = {"night": one, "day": two}
    return one, two, Together(schedulers, schedulers)


def test_jobs_of_one_name_are_one_row_that_says_what_differs() -> None:
    _, _, all_ = both()
    etl, own = all_.snapshot().jobs
    assert (etl.name, etl.tasks, etl.counts) == ("etl", 4, {R.DONE: 3, R.RUNNING: 1})
    assert etl.enabled
    assert etl.eta == NOW + 20
    assert etl.differs == (
        "enabled in night, disabled in day; priority 1 in night, priority 3 in day"
    )
    assert own.differs == "only in night"


def test_nodes_and_tasks_stay_apart_by_the_label_of_their_scheduler() -> None:
    _, _, all_ = both()
    shown = all_.snapshot()
    assert [row.name for row in shown.nodes] == [
        "night:night", "night:db1", "day:day", "day:db1",
    ]  # fmt: skip
    assert [str(row.task.node) for row in shown.running] == ["day:db1", "night:db1"]
    assert [str(row.task.node) for row in shown.ended] == ["day:db1", "night:db1"]
    assert [row.worker for row in shown.ended] == ["day:local", "night:local"]
    assert [banner.topic for banner in shown.banners] == ["day config"]
    assert shown.starts == 7


def test_a_picture_is_made_anew_only_when_one_of_them_has_changed() -> None:
    one, _, all_ = both()
    first = all_.snapshot()
    assert all_.snapshot() is first
    one.change(starts=5)
    second = all_.snapshot()
    assert (second.starts, second.serial) == (8, first.serial + 1)


def test_the_structure_stays_while_all_structures_do() -> None:
    one, two, all_ = both()
    one.change(structure=3)
    two.change(structure=8)
    first = all_.snapshot().structure
    one.change(starts=50)
    assert all_.snapshot().structure == first
    two.change(structure=9)
    assert all_.snapshot().structure != first


@pytest.mark.parametrize(
    ("words", "word", "text"),
    [
        (("running", "running"), "running", ""),
        (("paused", "running"), "running", "1 paused, 1 running"),
        (("unreachable", "unreachable"), "unreachable", ""),
        (("stopped", "unreachable"), "stopped", "1 stopped, 1 unreachable"),
    ],
)
def test_the_state_of_all_names_each_kind(
    words: tuple[str, str], word: str, text: str
) -> None:
    parts = [
        Labelled(label=one, snapshot=snapshot(state=engine_state(word=one)))
        for one in words
    ]
    state = merged(parts, serial=1, structure=1).state
    assert (state.word, state.text) == (word, text)


def test_all_is_done_only_where_each_is() -> None:
    done = snapshot(state=engine_state(all_done=True))
    stuck = snapshot(state=engine_state(is_stuck=True))

    def state_of(*shown: Snapshot) -> tuple[bool, bool]:
        parts = [Labelled(label=str(i), snapshot=s) for i, s in enumerate(shown)]
        state = merged(parts, serial=1, structure=1).state
        return state.all_done, state.is_stuck

    assert state_of(done, done) == (True, False)
    assert state_of(done, stuck) == (False, True)
    assert state_of(stuck, snapshot()) == (False, False)


def test_labels_are_never_the_same() -> None:
    assert labels_for(["a", "a", "b", "a-2", ""]) == (
        "a",
        "a-2",
        "b",
        "a-2-2",
        "scheduler",
    )
    assert labels_for(["x:y"]) == ("x_y",)
    files = ["/a/ops.json", "/b/night.toml", "/c/x.json"]
    assert labels_for(["farm", "farm", "x"], files) == ("ops", "night", "x")
    same = ["/a/ops.json", "/b/ops.json"]
    assert labels_for(["farm", "farm"], same) == ("farm", "farm-2")


async def test_a_task_is_asked_of_and_changed_in_its_own_scheduler() -> None:
    one, two, all_ = both()
    two.explanations[task("etl", "db1")] = explanation(
        task("etl", "db1"), R.RESOURCE, holders=(task("other", "db1"),)
    )
    why = await all_.explain(task("etl", "day:db1"))
    assert why.task == task("etl", "day:db1")
    assert why.holders == (task("other", "day:db1"),)
    said = await all_.kill_task(task("etl", "day:db1"), invocation="7")
    assert said.startswith("day: ")
    assert one.asked == []
    assert two.asked == [("kill_task", task("etl", "db1"), "7", False)]
    await all_.forgive_tasks((task("etl", "day:db1"), task("etl", "night:db1")))
    assert one.asked == [("forgive_tasks", (task("etl", "db1"),))]


async def test_a_job_is_changed_in_all_that_have_it() -> None:
    one, two, all_ = both()
    said = await all_.set_job_enabled(JobName("etl"), True)
    assert said == "night: etl is enabled\nday: etl is enabled"
    await all_.set_job_priority(JobName("own"), 2.0)
    await all_.forgive((JobName("etl"), JobName("own")))
    assert [asked[0] for asked in two.asked] == ["set_job_enabled", "forgive"]
    assert one.asked[-1] == ("forgive", (JobName("etl"), JobName("own")))
    assert two.asked[-1] == ("forgive", (JobName("etl"),))


async def test_what_one_did_is_told_with_the_refusal_of_another() -> None:
    one, two, all_ = both()
    two.refusal = "the file is read-only"
    said = await all_.set_job_enabled(JobName("etl"), False)
    assert said == "night: etl is disabled\nday: the file is read-only"
    one.refusal = "nothing to forgive"
    with pytest.raises(ControlRefused) as refused:
        await all_.forgive((JobName("etl"),))
    assert str(refused.value) == "night: nothing to forgive\nday: the file is read-only"


async def test_what_belongs_to_no_scheduler_is_refused() -> None:
    _, _, all_ = both()
    with pytest.raises(ControlRefused, match="no scheduler that is shown"):
        await all_.explain(task("etl", "elsewhere:db1"))
    with pytest.raises(ControlRefused, match="has a job nothing"):
        await all_.tasks_of(JobName("nothing"))
    with pytest.raises(ControlRefused, match="one scheduler at a time"):
        await all_.set_limit(LevelName("host"), ResourceName("slots"), 3)


async def test_merged_logs_lose_no_line_however_the_clocks_interleave() -> None:
    one, two, all_ = both()
    one.write(task("etl", "db1"), "a", "b", at=NOW + 10)
    two.write(task("etl", "db1"), "c", at=NOW)
    first = await all_.read_log(None)
    assert [line.line for line in first.lines] == [b"c\n", b"a\n", b"b\n"]
    two.write(task("etl", "db1"), "late", at=NOW + 1)
    second = await all_.read_log(None, after=first.last_id)
    assert [line.line for line in second.lines] == [b"late\n"]
    assert second.lines[0].line_id > first.last_id
    third = await all_.read_log(None, after=second.last_id)
    assert third.lines == ()


async def test_a_search_goes_through_all_and_passes_nothing_over() -> None:
    one, two, all_ = both()
    for number in range(5):
        one.write(task("etl", "db1"), f"one {number}", at=NOW + 2 * number)
        two.write(task("etl", "db1"), f"two {number}", at=NOW + 2 * number + 1)
    for backwards in (False, True):
        found: list[bytes] = []
        begin = None
        while True:
            search = LogSearch(line_id=begin, backwards=backwards, limit=3)
            page = await all_.search_log(search)
            lines = [line.line for line in page.lines]
            found = [*lines, *found] if backwards else [*found, *lines]
            if not page.last_id:
                break
            begin = page.last_id
        assert found == [
            f"{who} {number}\n".encode()
            for number in range(5)
            for who in ("one", "two")
        ]


async def test_pages_of_tasks_go_on_from_one_scheduler_to_the_next() -> None:
    one, two, all_ = both()
    for engine in (one, two):
        engine.task_rows = [
            TaskRow(task("etl", f"db{i}"), R.FAILED, None, 1, None, "")
            for i in range(3)
        ]
    found: list[NodeName] = []
    after = None
    while True:
        page = await all_.tasks(reason=R.FAILED, after=after, limit=2)
        found += [row.task.node for row in page.rows]
        after = page.next
        if after is None:
            break
    assert found == [
        outer_node(label, NodeName(f"db{i}"))
        for label in ("night", "day")
        for i in range(3)
    ]
    page = await all_.tasks(name="day:db2")
    while page.next is not None:
        page = await all_.tasks(name="day:db2", after=page.next)
    assert [row.task.node for row in page.rows] == ["day:db2"]


async def test_notices_are_told_once_each_with_their_scheduler() -> None:
    one, two, all_ = both()
    one.said = [Notice(serial=4, at=NOW, level="info", text="reloaded")]
    two.said = [Notice(serial=1, at=NOW - 1, level="error", text="broke")]
    first = await all_.notices()
    assert [notice.text for notice in first] == ["day: broke", "night: reloaded"]
    assert await all_.notices(after=first[-1].serial) == ()
    one.said.append(replace(one.said[0], serial=5, text="again"))
    news = await all_.notices(after=first[-1].serial)
    assert [notice.text for notice in news] == ["night: again"]


async def test_whoever_only_looks_changes_nothing() -> None:
    control = ReadOnlyControl("shown read-only: start attach without --readonly")
    with pytest.raises(ControlRefused, match="read-only"):
        await control.kill_task(task("etl", "db1"))
    with pytest.raises(ControlRefused, match="read-only"):
        await control.set_job_enabled(JobName("etl"), True)
    control.request_stop()


async def test_who_comes_back_to_the_merged_log_is_told_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(merged_logs, "_POSITIONS", 50)
    one, two, all_ = both()
    one.write(task("etl", "db1"), "a", "b", at=NOW)
    away = here = (await all_.read_log(None)).last_id
    for number in range(70):
        two.write(task("etl", "db1"), f"{number}", at=NOW + 1 + number)
        here = (await all_.read_log(None, after=here)).last_id
    back = await all_.read_log(None, after=away, limit=30)
    assert [line.line for line in back.lines] == [
        f"{number}\n".encode() for number in range(40, 70)
    ]
    rest = await all_.read_log(None, after=away)
    assert not {b"a\n", b"b\n"} & {line.line for line in rest.lines}


@pytest.mark.parametrize("label", ["my host", "a b c", "day "])
async def test_pages_of_tasks_go_on_whatever_a_scheduler_is_called(label: str) -> None:
    one, two = night(), day()
    all_ = Together({label: one, "day": two}, {label: one, "day": two})
    for engine in (one, two):
        engine.task_rows = [
            TaskRow(task("etl", f"db{i}"), R.FAILED, None, 1, None, "")
            for i in range(3)
        ]
    found: list[NodeName] = []
    after = None
    for _ in range(6):
        page = await all_.tasks(reason=R.FAILED, after=after, limit=2)
        found += [row.task.node for row in page.rows]
        after = page.next
        if after is None:
            break
    assert found == [
        outer_node(one, NodeName(f"db{i}")) for one in (label, "day") for i in range(3)
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("night", ["night:db1", "night:eu:2"]),
        ("ight:db", ["night:db1"]),
        ("y:", ["day:db1", "day:eu:2"]),
        ("eu:2", ["night:eu:2", "day:eu:2"]),
        (":", ["night:db1", "night:eu:2", "day:db1", "day:eu:2"]),
        ("night:b1", []),
        ("db", ["night:db1", "day:db1"]),
    ],
)
async def test_a_part_of_a_name_is_a_part_of_the_name_that_is_shown(
    name: str, found: list[str]
) -> None:
    one, two, all_ = both()
    for engine in (one, two):
        engine.task_rows = [
            TaskRow(task("etl", node_name), R.FAILED, None, 1, None, "")
            for node_name in ("db1", "eu:2")
        ]
    page = await all_.tasks(name=name)
    rows = [*page.rows]
    while page.next is not None:
        page = await all_.tasks(name=name, after=page.next)
        rows += page.rows
    assert [row.task.node for row in rows] == found


async def test_a_scheduler_that_lost_the_job_meanwhile_is_not_begun_anew() -> None:
    one, two, all_ = both()
    for engine in (one, two):
        engine.task_rows = [
            TaskRow(task("etl", f"db{i}"), R.FAILED, None, 1, None, "")
            for i in range(3)
        ]
    first = await all_.tasks(job=JobName("etl"), limit=2)
    one.change(jobs=())
    rest = await all_.tasks(job=JobName("etl"), after=first.next)
    assert [row.task.node for row in rest.rows] == ["day:db0", "day:db1", "day:db2"]
    two.change(jobs=())
    one.change(jobs=(job("etl", {}),))
    gone = await all_.tasks(job=JobName("etl"), after="day:2")
    assert (gone.rows, gone.next) == ((), None)


def test_rows_of_nodes_that_stay_are_not_made_anew() -> None:
    one, two, all_ = both()
    before = all_.snapshot().nodes
    one.change(starts=9)
    assert all_.snapshot().nodes == before
    assert all(a is b for a, b in zip(all_.snapshot().nodes, before, strict=True))
    first, second = one.current.nodes
    one.change(nodes=(first, second._replace(running=7)))
    after = all_.snapshot().nodes
    assert [a is b for a, b in zip(after, before, strict=True)] == [
        True, False, True, True,
    ]  # fmt: skip
    assert (after[1].name, after[1].running) == ("night:db1", 7)
    two.change(nodes=(node("day"),))
    assert [row.name for row in all_.snapshot().nodes] == [
        "night:night", "night:db1", "day:day",
    ]  # fmt: skip


async def test_workers_and_what_is_waited_for_say_whose_they_are() -> None:
    one, two, all_ = both()
    first = WorkerRow(NodeName("w1"), "HEALTHY", "rack1", 2, (), 5.0)
    one.change(workers=(first,), initial_wait="Waiting for all workers to connect")
    two.change(workers=(first._replace(state="NEW"),))
    assert [(row.shard, row.state) for row in all_.snapshot().workers] == [
        ("night:w1", "HEALTHY"),
        ("day:w1", "NEW"),
    ]
    told = "night: Waiting for all workers to connect"
    assert all_.snapshot().initial_wait == told
    assert all_.snapshot().wait_until is None
    one.change(wait_until=NOW + 5, missing_workers=2)
    two.change(initial_wait="waits too", wait_until=NOW + 9, missing_workers=1)
    assert all_.snapshot().initial_wait == f"{told}\nday: waits too"
    assert all_.snapshot().wait_until == NOW + 9
    assert all_.snapshot().missing_workers == 3


async def test_the_claims_on_a_worker_are_asked_of_its_scheduler() -> None:
    _, two, all_ = both()
    key = (NodeName("w1"), ResourceName("ram"))
    two.claimed[key] = Claims(
        node=key[0],
        resource=key[1],
        used=1,
        limit=2,
        holders=(Holding(task=task("etl", "db1"), amount=1),),
        waiters=(),
    )
    found = await all_.claims(NodeName("day:w1"), ResourceName("ram"))
    assert (found.node, found.resource) == ("day:w1", "ram")
    assert found.holders == (Holding(task=task("etl", "day:db1"), amount=1),)


async def test_limits_of_workers_say_whose_they_are() -> None:
    one, two, all_ = both()
    slots = Usage(resource="slots", used=1, limit=2)
    one.change(worker_usage=(slots,))
    two.change(worker_usage=(slots._replace(used=0),))
    assert [usage.resource for usage in all_.snapshot().worker_usage] == [
        "night:slots",
        "day:slots",
    ]
    key = (NodeName("local"), ResourceName("slots"))
    two.claimed[key] = Claims(
        node=key[0],
        resource=key[1],
        used=1,
        limit=2,
        holders=(Holding(task=task("etl", "db1"), amount=1),),
        waiters=(),
    )
    found = await all_.claims(NodeName("local"), ResourceName("day:slots"))
    assert found.resource == "day:slots"
    assert found.holders == (Holding(task=task("etl", "day:db1"), amount=1),)
