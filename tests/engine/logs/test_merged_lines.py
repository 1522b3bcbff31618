"""Lines of workers beside our own: who is asked, and what is told of who is not."""

from collections.abc import Sequence

import pytest

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.logs import merged_lines
from bistro_tui.engine.logs.last_words import LastWords
from bistro_tui.engine.logs.line_ids import first_id_of
from bistro_tui.engine.logs.patterns import Pattern
from bistro_tui.engine.logs.query import LAST_ID, THE_END, LogQuery, QueryPage
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.remote import messages
from bistro_tui.engine.remote.messages import LogLines, LogTail, QueryLogs
from tests.engine.logs.builders import SECOND, line, task
from tests.engine.logs.fake_workers import Kept, Own, Pool, Worker

ATTEMPT = InvocationId(SECOND, 7)


def worker(shard: str, *ids: int) -> Worker:
    text = f"{shard}\n".encode()
    return Worker(shard, Kept([line(one, text) for one in ids]))


def texts(found: Sequence[StoredLine]) -> list[bytes]:
    return [one.line for one in found]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merged_lines, "ANSWER_SEC", 0.01)


async def test_without_workers_it_is_the_own_store_and_its_ids() -> None:
    own = Own(Kept([line(1), line(2), line(3)]))
    pool = Pool(own=own)
    page = await pool.lines.page(LogQuery(limit=2))
    assert page == own.kept.page(LogQuery(limit=2))
    tail = await pool.lines.tail(None, after=1, limit=10)
    assert [one.line_id for one in tail.lines] == [2, 3]


async def test_where_one_worker_has_lines_pages_go_on_at_plain_line_ids() -> None:
    pool = Pool(worker("a", 1, 2, 3), worker("b"))
    page = await pool.lines.page(LogQuery(limit=1, ascending=True))
    assert page.next_line_id == 2


async def test_where_several_have_lines_it_is_a_place_beyond_all_line_ids() -> None:
    pool = Pool(worker("a", 1, 2), worker("b", 1, 2))
    page = await pool.lines.page(LogQuery(limit=1, ascending=True))
    assert page.next_line_id > LAST_ID
    assert len(str(page.next_line_id)) <= 60
    # Known also to a scheduler that did not give it out.
    other = Pool(*pool.workers)
    rest = await other.lines.page(LogQuery(line_id=page.next_line_id, ascending=True))
    assert len(rest.lines) == 3


@pytest.mark.parametrize(
    ("workers", "wanted", "limit"),
    [(1, 1000, 1000), (4, 1000, 1000), (10, 1000, 500), (99, 1000, 100), (9, 20, 20)],
)
async def test_of_many_workers_each_is_asked_for_less(
    workers: int, wanted: int, limit: int
) -> None:
    pool = Pool(*(worker(str(number)) for number in range(workers)))
    await pool.lines.page(LogQuery(limit=wanted))
    for one in pool.workers:
        (question,) = one.asked
        assert isinstance(question, QueryLogs)
        assert question.limit == limit


async def test_a_worker_is_asked_all_that_was_asked() -> None:
    pool = Pool(worker("a"))
    pattern = Pattern.regex("x+", ignore_case=True)
    one = task()
    asked = LogQuery(
        streams=(Stream.STATUSES,),
        jobs=(one.job,),
        nodes=(one.node,),
        line_id=9,
        stop_id=3,
        limit=7,
        pattern=pattern,
    )
    await pool.lines.page(asked, attempt=ATTEMPT)
    assert pool.workers[0].asked == [
        QueryLogs(
            log_types=("statuses",),
            jobs=(one.job,),
            nodes=(one.node,),
            line_id=9,
            ascending=False,
            limit=7,
            regex="x+",
            text="",
            invocation=ATTEMPT,
            ignores_case=True,
            stop_id=3,
        )
    ]


async def test_who_is_not_asked_or_does_not_answer_is_told() -> None:
    pool = Pool(*map(worker, "abcdef"), own=Own(Kept([line(1, b"own\n")])))
    a, b, c, d, e, f = pool.workers
    a.is_queryable = b.is_queryable = c.is_queryable = False
    c.is_lost = True
    d.fails, e.fails = "not connected", ""
    f.kept.lines.append(line(2, b"f\n"))
    page = await pool.lines.page(LogQuery(ascending=True))
    assert texts(page.lines) == [b"own\n", b"f\n"]
    assert page.unasked == (
        "Some workers cannot be asked for logs: unhealthy: a, b; lost: c",
        "Failed to fetch logs from worker d: not connected",
        "Failed to fetch logs from worker e: no answer within 0.01 s",
    )
    assert not a.asked
    assert page.next_line_id == THE_END


async def test_workers_that_fail_in_one_way_are_told_of_at_once() -> None:
    pool = Pool(*map(worker, "abcde"))
    for one in pool.workers:
        one.fails = "not connected"
    pool.workers[1].fails = "it hangs"
    page = await pool.lines.page(LogQuery(ascending=True))
    assert page.unasked == (
        "Failed to fetch logs from workers a, c, d, e: not connected",
        "Failed to fetch logs from worker b: it hangs",
    )


async def test_what_is_said_when_no_worker_can_be_asked() -> None:
    pool = Pool(has_own_tasks=False)
    assert pool.lines.refusal() == "No workers connected; cannot query logs."
    pool.workers += [worker("b"), worker("a"), worker("c")]
    assert pool.lines.refusal() == ""
    for one in pool.workers:
        one.is_queryable = False
    pool.workers[2].is_lost = True
    assert pool.lines.refusal() == (
        "All workers are unhealthy; cannot query logs."
        " Known workers: unhealthy: a, b; lost: c"
    )
    assert Pool(has_own_tasks=True).lines.refusal() == ""


def told(line_id: int, name: str = "stdout") -> tuple[str, messages.LogLine]:
    one = messages.LogLine(line_id=line_id, job="etl", node="db7", line=b"x\n")
    return name, one


@pytest.mark.parametrize(
    "answer",
    [
        LogLines(lines=(told(2), told(1)), next_line_id=None),
        LogLines(lines=(told(1, "statuses"),), next_line_id=None),
        LogLines(lines=(told(1, "nothing"),), next_line_id=None),
        LogLines(lines=(told(4),), next_line_id=None),
        LogLines(lines=(told(21),), next_line_id=None),
        LogLines(lines=(told(8),), next_line_id=8),
        LogLines(lines=(), next_line_id=5),
        LogLines(lines=(), next_line_id=2**70),
        LogLines(lines=(), next_line_id=None, last_id=2**63),
    ],
)
async def test_an_answer_that_can_be_none_is_not_believed(answer: LogLines) -> None:
    pool = Pool(worker("a"), worker("b", 9))
    pool.workers[0].answer = answer
    page = await pool.lines.page(LogQuery(line_id=5, stop_id=20, ascending=True))
    assert texts(page.lines) == [b"b\n"]
    (text,) = page.unasked
    assert text.startswith("Failed to fetch logs from worker a: gave lines")


async def test_what_is_no_unicode_cannot_be_asked_of_a_worker() -> None:
    pool = Pool(worker("a", 1))
    page = await pool.lines.page(LogQuery(pattern=Pattern.text("\udcff")))
    assert "not valid Unicode" in page.unasked[0]
    assert not pool.workers[0].asked


async def test_who_follows_is_told_no_old_lines_of_who_comes_back() -> None:
    pool = Pool(worker("a", 100), worker("b", 200))
    first = await pool.lines.page(LogQuery(limit=10))
    # Another scheduler, which knows no more of it than what the number says.
    other = Pool(pool.workers[0])
    begin = first.last_id + 1
    for _ in range(3):
        page = await other.lines.page(LogQuery(line_id=begin, ascending=True))
        assert page.lines == ()
        begin = page.last_id + 1
    other.workers.append(pool.workers[1])
    pool.workers[1].kept.lines.append(line(201, b"new\n"))
    page = await other.lines.page(LogQuery(line_id=begin, ascending=True))
    assert texts(page.lines) == [b"new\n"]


async def test_pages_of_one_that_is_behind_repeat_nothing_of_the_others() -> None:
    pool = Pool(worker("a", 100), worker("b"))
    first = await pool.lines.page(LogQuery(ascending=True))
    pool.workers[1].kept.lines += [line(5, b"5\n"), line(6, b"6\n")]
    pool.workers[1].newest_id = 6
    begin, heard = first.last_id + 1, list[bytes]()
    while begin != THE_END:
        asked = LogQuery(line_id=begin, ascending=True, limit=1)
        page = await pool.lines.page(asked)
        heard += texts(page.lines)
        begin = page.next_line_id
    assert heard == [b"5\n", b"6\n"]


# The newest lines.


async def test_the_tail_of_a_task_is_asked_where_its_attempts_ran() -> None:
    pool = Pool(worker("a", 1), worker("b", 2), worker("c", 3))
    pool.places[task()] = {"a", "b", "gone"}
    pool.workers[1].kept.partial[Stream.STDERR] = b"50 %"
    tail = await pool.lines.tail(task(), after=0, limit=10)
    assert texts(tail.lines) == [b"a\n", b"b\n"]
    assert tail.partial == {Stream.STDERR: b"50 %"}
    assert not pool.workers[2].asked


async def test_the_tail_of_a_task_of_which_nobody_knows_is_asked_everywhere() -> None:
    pool = Pool(worker("a", 1), worker("b", 2))
    tail = await pool.lines.tail(task(), after=0, limit=10)
    assert texts(tail.lines) == [b"a\n", b"b\n"]


async def test_a_worker_that_is_behind_or_comes_later_is_told_all_the_same() -> None:
    pool = Pool(worker("a", 100))
    first = await pool.lines.tail(task(), after=0, limit=10)
    pool.workers.append(worker("b", 5))
    pool.workers[0].kept.lines.append(line(101, b"a\n"))
    second = await pool.lines.tail(task(), after=first.last_id, limit=10)
    assert texts(second.lines) == [b"b\n", b"a\n"]
    assert first.last_id < second.lines[0].line_id < second.lines[1].line_id
    third = await pool.lines.tail(task(), after=second.last_id, limit=10)
    assert third.lines == ()


async def test_after_a_restart_nothing_is_told_again_of_a_task() -> None:
    pool = Pool(worker("a", 1), worker("b", 2))
    after = (await pool.lines.tail(task(), after=0, limit=10)).last_id
    other = Pool(pool.workers[0])
    tail = await other.lines.tail(task(), after=after, limit=10)
    other.workers.append(pool.workers[1])
    pool.workers[1].kept.lines.append(line(3, b"new\n"))
    tail = await other.lines.tail(task(), after=tail.last_id, limit=10)
    assert texts(tail.lines) == [b"new\n"]


async def test_who_joins_does_not_bring_its_old_lines_to_who_follows_all() -> None:
    pool = Pool(worker("a", 100))
    first = await pool.lines.tail(None, after=0, limit=10)
    pool.workers.append(worker("b", 5, 101))
    second = await pool.lines.tail(None, after=first.last_id, limit=10)
    assert [one.line_id for one in second.lines] == [101]


async def test_two_readers_at_the_same_line_do_not_disturb_each_other() -> None:
    pool = Pool(worker("a", 10), worker("b", 5))
    one = await pool.lines.tail(None, after=0, limit=10)
    pool.workers[1].kept.lines.append(line(6, b"late\n"))
    pool.clock.sec += 2
    other = await pool.lines.tail(None, after=0, limit=10)
    assert one.last_id != other.last_id
    pool.clock.sec += 2
    news = await pool.lines.tail(None, after=one.last_id, limit=10)
    assert texts(news.lines) == [b"late\n"]
    assert (await pool.lines.tail(None, after=other.last_id, limit=10)).lines == ()


async def test_the_newest_are_told_where_there_are_more_than_wanted() -> None:
    pool = Pool(worker("a", 1, 3, 5), worker("b", 2, 4, 6))
    tail = await pool.lines.tail(None, after=0, limit=3)
    assert [one.line_id for one in tail.lines] == [4, 5, 6]
    assert (await pool.lines.tail(None, after=0, limit=0)).lines == ()


async def test_a_silent_worker_is_not_asked_all_the_time_by_who_follows_all() -> None:
    pool = Pool(worker("a", 1))
    (one,) = pool.workers
    after = (await pool.lines.tail(None, after=0, limit=10)).last_id
    assert len(one.asked) == 1
    after = (await pool.lines.tail(None, after=after, limit=10)).last_id
    assert len(one.asked) == 1
    one.kept.lines.append(line(2))
    one.newest_id = 2
    tail = await pool.lines.tail(None, after=after, limit=10)
    assert [line.line_id for line in tail.lines] == [2]
    pool.clock.sec += merged_lines.SILENT_SEC
    await pool.lines.tail(None, after=tail.last_id, limit=10)
    assert len(one.asked) == 3


async def test_a_worker_that_hangs_is_waited_for_once_in_a_while() -> None:
    pool = Pool(worker("a"), worker("b", 1))
    pool.workers[0].fails = ""
    for _ in range(3):
        tail = await pool.lines.tail(task(), after=0, limit=10)
        assert texts(tail.lines) == [b"b\n"]
        assert tail.unasked == (
            "Failed to fetch logs from worker a: no answer within 0.01 s",
        )
    assert len(pool.workers[0].asked) == 1
    pool.workers[0].fails = None
    pool.workers[0].kept.lines.append(line(2, b"a\n"))
    pool.clock.sec += merged_lines.REST_SEC
    tail = await pool.lines.tail(task(), after=tail.last_id, limit=10)
    assert texts(tail.lines) == [b"a\n"]
    assert tail.unasked == ()


async def test_who_follows_is_told_whose_lines_do_not_come() -> None:
    pool = Pool(worker("a"), worker("b"), worker("c"))
    for one in pool.workers:
        one.is_queryable = False
    pool.workers[1].is_lost = True
    pool.places[task()] = {"b", "c"}
    tail = await pool.lines.tail(task(), after=0, limit=10)
    told = "Some workers cannot be asked for logs: unhealthy:"
    assert tail.unasked == (f"{told} c; lost: b",)
    # Of one that is lost nothing new is awaited.
    assert (await pool.lines.tail(None, after=0, limit=10)).unasked == (f"{told} a, c",)


@pytest.mark.parametrize(
    "answer",
    [
        LogTail(lines=(told(5), told(4)), partial={}, is_running=True, last_id=5),
        LogTail(lines=(told(3),), partial={}, is_running=True, last_id=3),
        LogTail(lines=(told(9),), partial={}, is_running=True, last_id=8),
        LogTail(lines=(), partial={"x": b""}, is_running=True, last_id=8),
        LogTail(lines=(), partial={}, is_running=True, last_id=2**63),
    ],
)
async def test_a_tail_that_can_be_none_is_not_believed(answer: LogTail) -> None:
    pool = Pool(worker("a"), worker("b", 6))
    pool.workers[0].answer = answer
    tail = await pool.lines.tail(task(), after=3, limit=10)
    assert texts(tail.lines) == [b"b\n"]


# The last of failures.


def failed(shard: str, line: bytes = b"") -> LastWords:
    return LastWords("exited with status 1", line, 0, True, shard, ATTEMPT)


async def test_last_words_are_asked_of_the_worker_of_the_last_attempt() -> None:
    pool = Pool(worker("a"), worker("b"))
    one, other, ours = task("n1"), task("n2"), task("n3")
    pool.own.words = {
        one: failed("a"),
        other: failed("b"),
        ours: failed("local"),
    }
    pool.workers[0].kept.lines += [
        line(4, b"out\n", of=one),
        line(5, b"\n", of=one),
    ]
    pool.workers[1].kept.lines += [
        line(6, b"err \n", of=other, stream=Stream.STDERR),
        line(7, b"out\n", of=other),
    ]
    found = await pool.lines.last_words([one, other, ours])
    assert [(said.line, said.line_id, said.is_known) for said in found] == [
        (b"out", 4, True),
        (b"err", 6, True),
        (b"", 0, True),
    ]
    for asking in pool.workers:
        for question in asking.asked:
            assert isinstance(question, QueryLogs)
            assert question.invocation == ATTEMPT


async def test_of_a_worker_that_is_away_that_is_said_and_asked_again_later() -> None:
    pool = Pool(worker("a"), worker("b"))
    pool.workers[0].fails = ""
    pool.workers[1].is_queryable = False
    tasks = [task("n1"), task("n2"), task("n3")]
    pool.own.words = dict(zip(tasks, map(failed, "abc"), strict=True))
    found = await pool.lines.last_words(tasks)
    assert [said.line for said in found] == [
        f"(its output is on worker {shard}, which does not answer now)".encode()
        for shard in "abc"
    ]
    assert not any(said.is_known for said in found)
    assert {said.exit for said in found} == {"exited with status 1"}


async def test_an_id_tells_the_second_of_its_line_also_in_a_place() -> None:
    begin = first_id_of(SECOND)
    pool = Pool(worker("a", begin, begin + 1), worker("b", begin))
    asked = LogQuery(ascending=True, limit=1)
    ids = []
    for _ in range(3):
        page: QueryPage = await pool.lines.page(asked)
        ids += [one.line_id for one in page.lines]
        asked = LogQuery(ascending=True, limit=1, line_id=page.next_line_id)
    assert ids == [begin, begin, begin + 1]
