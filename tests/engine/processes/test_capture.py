import asyncio

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.processes.capture import OutputCapture, OutputDesk
from bistro_tui.engine.processes.lines import LineQuota
from bistro_tui.engine.warden.wire import STDERR, STDOUT
from tests.engine.processes.builders import RecordingSink
from tests.engine.processes.fake_warden import turns

TASK = TaskId(JobName("etl"), NodeName("db7"))


class Stage:
    def __init__(self, quota: LineQuota | None = None) -> None:
        self.sink = RecordingSink()
        loop = asyncio.get_running_loop()
        self.desk = OutputDesk(loop, SystemClock(), self.sink)
        self.credits: list[int] = []
        self.capture = OutputCapture(
            self.desk, TASK, quota=quota, credit=self.credits.append
        )

    def take(self, stream: int, data: bytes) -> None:
        self.capture.take(stream, data)
        self.capture.owe(len(data))
        self.capture.settle()

    async def until(self, what: object) -> None:
        async with asyncio.timeout(25):
            while not what:
                await asyncio.sleep(0.002)


async def test_streams_are_cut_into_rows_apart() -> None:
    stage = Stage()
    stage.take(STDOUT, b"a\nb")
    stage.take(STDERR, b"x\n")
    stage.take(STDOUT, b"c\nd")
    stage.capture.finish()
    assert stage.sink.of(Stream.STDOUT) == [b"a\n", b"bc\n", b"d"]
    assert stage.sink.of(Stream.STDERR) == [b"x\n"]


async def test_what_was_taken_is_credited_at_once() -> None:
    stage = Stage()
    stage.take(STDOUT, b"a\nb")
    stage.take(STDERR, b"xyz")
    assert stage.credits == [3, 3]


async def test_nothing_is_credited_while_the_store_is_behind() -> None:
    stage = Stage()
    stage.sink.behind = True
    stage.take(STDOUT, b"first\n")
    stage.take(STDOUT, b"second\n")
    await asyncio.sleep(0.05)
    assert stage.credits == []
    stage.sink.behind = False
    await stage.until(stage.credits)
    assert stage.credits == [13]


async def test_a_quota_that_is_used_up_holds_the_credit_back() -> None:
    now = SystemClock().now().mono
    stage = Stage(LineQuota(rows=2, interval_ms=100, now=now))
    stage.take(STDOUT, b"1\n2\n3\n4\n")
    assert stage.credits == []
    await stage.until(stage.credits)
    assert SystemClock().now().mono - now >= 0.199
    assert stage.credits == [8]


async def test_an_attempt_that_is_over_is_credited_nothing() -> None:
    stage = Stage()
    stage.sink.behind = True
    stage.take(STDOUT, b"first\n")
    stage.capture.finish()
    stage.sink.behind = False
    await asyncio.sleep(0.05)
    assert stage.credits == []


async def test_an_unfinished_line_is_shown_after_a_moment_and_again_when_it_grows() -> (
    None
):
    stage, partials = Stage(), []
    stage.take(STDOUT, b"10%")
    await turns()
    assert stage.sink.partials == []
    partials.append((TASK, Stream.STDOUT, b"10%"))
    await stage.until(stage.sink.partials)
    stage.take(STDOUT, b" 20%")
    async with asyncio.timeout(25):
        while len(stage.sink.partials) < 2:
            await asyncio.sleep(0.005)
    partials.append((TASK, Stream.STDOUT, b"10% 20%"))
    assert stage.sink.partials == partials
    stage.take(STDOUT, b"\n")
    assert stage.sink.partials[-1] == (TASK, Stream.STDOUT, b"")


async def test_one_timer_shows_the_lines_of_all() -> None:
    stage = Stage()
    others = [
        OutputCapture(stage.desk, TASK, quota=None, credit=lambda _: None)
        for _ in range(3)
    ]
    for number, one in enumerate(others):
        one.take(STDERR, b"%d" % number)
        await asyncio.sleep(0.01)
    others[1].finish()
    async with asyncio.timeout(25):
        while len(stage.sink.partials) < 2:
            await asyncio.sleep(0.005)
    assert [text for _, _, text in stage.sink.partials] == [b"0", b"2"]


async def test_nothing_is_shown_after_the_end() -> None:
    stage = Stage()
    stage.take(STDOUT, b"50%")
    stage.capture.finish()
    await asyncio.sleep(0.25)
    assert stage.sink.partials == []
    assert stage.sink.of(Stream.STDOUT) == [b"50%"]
