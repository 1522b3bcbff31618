"""What holds of answers about what is over, whoever gives them."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.view import (
    AttemptPage,
    LogPage,
    LogSearch,
    Reason,
    Snapshot,
    Stream,
)
from tests.engine.test_engine import config_text
from tests.engine.view_ways import WAYS, Scheduler, Served, served, until

FAILS = 'echo out; printf "last\\377\\n\\n" >&2; exit 3'
MUTE = 'echo "Only OUT"; echo failed > "$2"'
AGAIN = (
    'echo "try $$"; test -e again && exec sleep 900;'
    ' touch again; echo incomplete > "$2"'
)
TALKS = "for i in 1 2 3 4 5; do echo line $i; done; exec sleep 900"


def shell(script: str, node: str, **more: object) -> dict[str, object]:
    here = {"db": {"whitelist": [node]}}
    return {"command": ["/bin/sh", "-c", script, "x"], "filters": here, **more}


CONFIG = config_text(
    talks=shell(TALKS, "d11", priority=9),
    fails=shell(FAILS, "d11", priority=8, backoff=[3600]),
    mute=shell(MUTE, "d12", priority=7),
    again=shell(AGAIN, "d12", priority=6),
    wrong={"command": ["true"], "level_for_tasks": "nowhere"},
).replace('"limit": 2', '"limit": 4')
TALKING = TaskId(JobName("talks"), NodeName("d11"))
FAILING = TaskId(JobName("fails"), NodeName("d11"))
RETRIED = TaskId(JobName("again"), NodeName("d12"))
NOBODY = JobName("nobody")


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    log = logging.getLogger("bistro_tui")
    level = log.level
    log.setLevel(logging.INFO)
    path = tmp_path_factory.mktemp("looked-at")
    try:
        with served(path, CONFIG) as serving:
            yield serving
    finally:
        log.setLevel(level)


def is_quiet(shown: Snapshot) -> bool:
    running = {row.task for row in shown.running if row.pid}
    return running == {TALKING, RETRIED} and len(shown.ended) == 3


async def settled(view: Scheduler) -> Snapshot:
    shown = await until(view, is_quiet)
    while len((await view.read_log(TALKING)).lines) < 5:
        pass
    while len((await view.read_log(RETRIED)).lines) < 2:
        pass
    return shown


def texts(page: LogPage) -> list[bytes]:
    return [line.line for line in page.lines]


@pytest.mark.parametrize("way", WAYS)
async def test_attempts_that_are_over_come_newest_first_a_page_at_a_time(
    looked_at: Served, way: str
) -> None:
    view = looked_at.by(way)
    await settled(view)
    whole = await view.history()
    assert whole == await looked_at.door.history()
    assert whole.next is None
    assert {one.task.job for one in whole.attempts} == {"fails", "mute", "again"}
    started = [one.started for one in whole.attempts]
    assert started == sorted(started, reverse=True)

    first = await view.history(limit=2)
    assert first.attempts == whole.attempts[:2]
    rest = await view.history(limit=2, before=first.next)
    assert rest == AttemptPage(attempts=whole.attempts[2:], next=None)

    of_task = await view.history(task=FAILING)
    (failed,) = of_task.attempts
    assert of_task == await view.history(job=FAILING.job)
    assert (failed.result, failed.exit) == ("error_backoff", "exited with status 3")
    assert failed.started <= failed.ended
    assert await view.history(since=failed.ended + 60) == AttemptPage(
        attempts=(), next=None
    )
    assert not (await view.history(task=FAILING, job=NOBODY)).attempts


@pytest.mark.parametrize("way", WAYS)
async def test_the_log_is_searched_from_both_ends(looked_at: Served, way: str) -> None:
    view = looked_at.by(way)
    await settled(view)
    whole = await view.search_log(LogSearch())
    assert whole == await looked_at.door.search_log(LogSearch())
    assert whole == await view.search_log(LogSearch(backwards=True))
    assert whole.last_id == 0
    assert b"last\xff\n" in texts(whole)
    ids = [line.line_id for line in whole.lines]
    assert ids == sorted(ids)

    for is_backwards in (False, True):
        found: list[bytes] = []
        line_id = None
        while line_id != 0:
            page = await view.search_log(
                LogSearch(line_id=line_id, backwards=is_backwards, limit=3)
            )
            assert len(page.lines) <= 3
            found = [*texts(page), *found] if is_backwards else [*found, *texts(page)]
            line_id = page.last_id
        assert found == texts(whole)


@pytest.mark.parametrize("way", WAYS)
async def test_lines_are_chosen_by_task_stream_text_and_regex(
    looked_at: Served, way: str
) -> None:
    view = looked_at.by(way)
    await settled(view)

    async def found(**chosen: Any) -> list[bytes]:
        search = LogSearch(**chosen)
        page = await view.search_log(search)
        assert page == await looked_at.door.search_log(search)
        return texts(page)

    assert len(await found(task=TALKING)) == 5
    assert await found(task=FAILING, streams=(Stream.STDERR,)) == [
        b"last\xff\n",
        b"\n",
    ]
    assert await found(text="only out") == [b"Only OUT\n"]
    assert await found(regex="^LINE") == []
    assert await found(regex="^line [24]$") == [b"line 2\n", b"line 4\n"]
    assert await found(streams=()) == []
    events = await found(task=FAILING, streams=(Stream.STATUSES,), text="GOT_status")
    assert len(events) == 1


@pytest.mark.parametrize("way", WAYS)
async def test_each_attempt_has_its_own_lines_though_both_were_in_one_second(
    looked_at: Served, way: str
) -> None:
    view = looked_at.by(way)
    shown = await settled(view)
    both = await view.search_log(LogSearch(task=RETRIED))
    (first,) = (await view.history(task=RETRIED)).attempts
    (second,) = (row for row in shown.running if row.task == RETRIED)
    for number, invocation in enumerate((first.invocation, second.invocation)):
        search = LogSearch(task=RETRIED, invocation=invocation)
        page = await view.search_log(search)
        assert page.lines == both.lines[number : number + 1]
        assert page.last_id == 0
    never = LogSearch(task=RETRIED, invocation="1-00000000000000ff")
    assert await view.search_log(never) == LogPage(lines=(), last_id=0)


@pytest.mark.parametrize("way", WAYS)
async def test_failures_tell_how_the_last_attempt_ended_and_what_it_said(
    looked_at: Served, way: str
) -> None:
    view = looked_at.by(way)
    await settled(view)
    found = await view.failures()
    assert found == await looked_at.door.failures()
    assert [one.ended for one in found] == sorted(
        (one.ended for one in found), reverse=True
    )
    told = {one.task.job: (one.reason, one.exit, one.last_line) for one in found}
    assert told == {
        "fails": (Reason.BACKOFF, "exited with status 3", b"last\xff"),
        "mute": (Reason.FAILED, "exited with status 0", b"Only OUT"),
    }
    (line,) = (await view.search_log(LogSearch(text="only"))).lines
    assert await view.failures(job=JobName("mute")) == tuple(
        one for one in found if one.line_id == line.line_id
    )
    assert await view.failures(limit=1) == found[:1]


@pytest.mark.parametrize("way", WAYS)
async def test_the_config_tells_what_is_wrong_and_whether_it_runs(
    looked_at: Served, way: str
) -> None:
    view = looked_at.by(way)
    await settled(view)
    facts = await view.config_facts()
    assert facts == await looked_at.door.config_facts()
    assert facts.path == str(looked_at.config)
    assert facts.is_in_force
    (problem,) = facts.problems
    assert problem.is_error
    assert problem.job == "wrong"
    assert problem.path == "bistro_job->wrong.level_for_tasks"


@pytest.mark.parametrize("way", WAYS)
async def test_notices_tell_of_the_scheduler_and_not_of_each_task(
    looked_at: Served, way: str
) -> None:
    view = looked_at.by(way)
    await settled(view)
    said = await view.notices()
    assert said == await looked_at.door.notices()
    serials = [one.serial for one in said]
    assert serials == [*range(serials[0], serials[0] + len(said))]
    levels = {one.level for one in said}
    assert levels == {"info", "error"}
    told = "\n".join(one.text for one in said)
    assert "serves with data in" in told
    assert "quit with status" not in told
    assert await view.notices(after=serials[-1]) == ()
    assert await view.notices(after=serials[0]) == said[1:]


@pytest.mark.parametrize("way", WAYS)
async def test_refusals_are_the_same_sentences(looked_at: Served, way: str) -> None:
    view = looked_at.by(way)
    await settled(view)
    asks: list[Callable[[Scheduler], Awaitable[object]]] = [
        lambda one: one.history(before="nonsense"),
        lambda one: one.search_log(LogSearch(regex="(")),
        lambda one: one.search_log(LogSearch(regex="a{1000}{1000}")),
        lambda one: one.search_log(LogSearch(regex="a" * 4_000)),
        lambda one: one.search_log(LogSearch(regex="a", text="a")),
        lambda one: one.search_log(LogSearch(task=RETRIED, invocation="x")),
        lambda one: one.search_log(LogSearch(task=RETRIED, invocation="1-" + "f" * 16)),
        lambda one: one.failures(job=NOBODY),
    ]
    for ask in asks:
        with pytest.raises(ControlRefused) as there:
            await ask(looked_at.door)
        with pytest.raises(ControlRefused) as here:
            await ask(view)
        assert str(here.value) == str(there.value)


@pytest.mark.parametrize("way", WAYS)
async def test_the_same_nodes_have_the_same_structure(
    looked_at: Served, way: str
) -> None:
    shown = await settled(looked_at.by(way))
    assert shown.structure
    assert shown.structure == looked_at.door.snapshot().structure
