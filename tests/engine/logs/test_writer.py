"""The log writer over a real store."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.logs import recent, writer
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.rows import StoredLine, Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.logs.writer import LogWriter
from tests.engine.logs.builders import LAST_ID, SECOND, ManualClock, task

RECORD = AttemptRecord(
    InvocationId(SECOND, 1),
    task(),
    started=1.5,
    ended=3.5,
    seconds=2.0,
    exit_text="exited with status 0",
    result_bits=4,
    detail="",
    worker="local",
)


class FailingStore(LogStore):
    """Fails as long as it is told to, then works."""

    is_broken = False
    before_append: Callable[[], None] = staticmethod(lambda: None)

    async def append(
        self, written: Sequence[Written], attempts: Sequence[AttemptRecord] = ()
    ) -> None:
        self.before_append()
        if self.is_broken:
            raise sqlite3.OperationalError("database or disk is full")
        await super().append(written, attempts)


@dataclass
class Opened:
    writer: LogWriter
    store: FailingStore
    clock: ManualClock
    troubles: list[str] = field(default_factory=list)


@asynccontextmanager
async def opened(path: Path, *, running: bool = True) -> AsyncIterator[Opened]:
    store = await FailingStore.open(path / "task_logs.sql3", clock=ManualClock())
    assert isinstance(store, FailingStore)
    clock, troubles = ManualClock(), list[str]()
    log = await LogWriter.open(store, clock=clock, on_trouble=troubles.append)
    async with asyncio.TaskGroup() as group:
        run = group.create_task(log.run(), name="log writer") if running else None
        try:
            yield Opened(log, store, clock, troubles)
        finally:
            if run is not None:
                run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                if run is not None:
                    await run
            await log.close()


async def until_stored(log: Opened, line_id: int) -> None:
    async with asyncio.timeout(25):
        while await log.store.last_id() < line_id:
            await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(25):
        while not condition():
            await asyncio.sleep(0.001)


def texts(lines: Sequence[StoredLine]) -> list[bytes]:
    return [one.line for one in lines]


async def test_lines_are_in_the_store_after_a_flush(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        log.writer.write(task(), Stream.STDOUT, [b"1\n", b"2\n"])
        log.writer.write(task(), Stream.STATUSES, [b"{}"])
        await log.writer.flush()
        stored = await log.store.reader.newest(task(), after=0, up_to=LAST_ID, limit=9)
        assert texts(stored) == [b"1\n", b"2\n"]
        assert [one.line_id for one in stored] == [SECOND << 32, (SECOND << 32) + 1]


async def test_a_flush_of_nothing_returns(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        async with asyncio.timeout(25):
            await log.writer.flush()
        assert await log.store.last_id() == 0


async def test_many_flushes_at_once_all_return(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        async with asyncio.timeout(25), asyncio.TaskGroup() as group:
            for i in range(50):
                log.writer.write(task(), Stream.STDOUT, [b"%d\n" % i] * 100)
                group.create_task(log.writer.flush(), name=f"flush {i}")
        found = await log.store.reader.newest(
            task(), after=0, up_to=LAST_ID, limit=9_999
        )
        assert texts(found) == [b"%d\n" % i for i in range(50) for _ in range(100)]


async def test_lines_reach_the_store_without_anybody_asking(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        log.writer.write(task(), Stream.STDOUT, [b"1\n"])
        await until_stored(log, SECOND << 32)


async def test_what_was_written_can_be_looked_at_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, running=False) as log:
        log.writer.write(task(), Stream.STDOUT, [b"1\n", b"2\n"])
        log.writer.write(task("other"), Stream.STDERR, [b"3\n"])
        log.writer.write(task(), Stream.STATUSES, [b"{}"])
        mine = await log.writer.tail(task(), after=0, limit=9)
        assert texts(mine.lines) == [b"1\n", b"2\n"]
        merged = await log.writer.tail(None, after=0, limit=2)
        assert texts(merged.lines) == [b"2\n", b"3\n"]
        assert merged.lines[1].stream is Stream.STDERR


async def test_a_second_look_shows_only_what_is_new(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        log.writer.write(task(), Stream.STDOUT, [b"1\n"])
        first = await log.writer.tail(task(), after=0, limit=9)
        again = await log.writer.tail(task(), after=first.last_id, limit=9)
        assert again.lines == ()
        assert again.last_id == first.last_id
        log.writer.write(task(), Stream.STDOUT, [b"2\n"])
        third = await log.writer.tail(task(), after=again.last_id, limit=9)
        assert texts(third.lines) == [b"2\n"]


async def test_a_partial_line_is_shown_until_it_is_taken_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        log.writer.partial(task(), Stream.STDOUT, b"50%")
        assert (await log.writer.tail(task(), after=0, limit=9)).partial == {
            Stream.STDOUT: b"50%"
        }
        assert (await log.writer.tail(None, after=0, limit=9)).partial == {}
        log.writer.partial(task(), Stream.STDOUT, b"")
        log.writer.partial(task("other"), Stream.STDOUT, b"")
        assert (await log.writer.tail(task(), after=0, limit=9)).partial == {}


async def test_after_a_restart_in_the_same_second_nothing_is_lost(
    tmp_path: Path,
) -> None:
    for text in (b"1\n", b"2\n", b"3\n"):
        async with opened(tmp_path) as log:
            log.writer.write(task(), Stream.STDOUT, [text])
            log.writer.write(task(), Stream.STATUSES, [b"{}"])
    async with opened(tmp_path) as log:
        log.writer.write(task(), Stream.STDOUT, [b"4\n"])
        found = await log.writer.tail(task(), after=0, limit=9)
        assert texts(found.lines) == [b"1\n", b"2\n", b"3\n", b"4\n"]
        two = await log.writer.tail(None, after=0, limit=2)
        assert texts(two.lines) == [b"3\n", b"4\n"]


async def test_lines_pushed_out_of_memory_are_found_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "LINES_A_TASK", 3)
    monkeypatch.setattr(recent, "LINES_MERGED", 2)
    async with opened(tmp_path) as log:
        written = [b"%d\n" % i for i in range(20)]
        log.writer.write(task(), Stream.STDOUT, written)
        for of in (task(), None):
            found = await log.writer.tail(of, after=0, limit=10)
            assert texts(found.lines) == written[10:]


async def test_close_stores_what_is_queued(tmp_path: Path) -> None:
    async with opened(tmp_path, running=False) as log:
        log.writer.write(task(), Stream.STDOUT, [b"1\n"])
    async with opened(tmp_path) as log:
        assert await log.store.last_id() == SECOND << 32


async def test_close_tries_again_to_store_what_is_queued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_AT_END_SEC", 0.001)
    tries = []
    async with opened(tmp_path, running=False) as log:

        def mend_at_the_third() -> None:
            tries.append(log.store.is_broken)
            log.store.is_broken = len(tries) < 3

        log.store.is_broken = True
        log.store.before_append = mend_at_the_third
        log.writer.write(task(), Stream.STDOUT, [b"1\n"])
    assert len(tries) == 3
    async with opened(tmp_path) as log:
        assert await log.store.last_id() == SECOND << 32


async def test_close_gives_up_at_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LAST_TRIES_SEC", 0.01)
    monkeypatch.setattr(writer, "RETRY_AT_END_SEC", 0.001)
    store = await FailingStore.open(tmp_path / "task_logs.sql3", clock=ManualClock())
    assert isinstance(store, FailingStore)
    log = await LogWriter.open(store, clock=ManualClock(), on_trouble=lambda _: None)
    store.is_broken = True
    log.write(task(), Stream.STDOUT, [b"1\n"])
    with pytest.raises(sqlite3.Error, match="disk is full"):
        await log.close()


async def test_what_close_cannot_store_is_counted_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "LAST_TRIES_SEC", 0.0)
    monkeypatch.setattr(writer, "MOST_IN_ONE", 3)
    monkeypatch.setattr(writer, "BEHIND_BYTES", 2_000)
    store = await FailingStore.open(tmp_path / "task_logs.sql3", clock=ManualClock())
    assert isinstance(store, FailingStore)
    log = await LogWriter.open(store, clock=ManualClock(), on_trouble=lambda _: None)
    store.is_broken = True
    log.hold("the disk is full")
    for _ in range(20):
        log.write(task(), Stream.STDOUT, [b"1234\n"])
        log.record(RECORD)
    assert 0 < log.dropped.lines < 20
    with pytest.raises(sqlite3.Error):
        await log.close()
    assert log.dropped == (20, 100, 20)
    told = "stored: 20 lines (100 bytes) of output and the records of 20 attempts"
    assert caplog.messages == [f"dropped while task logs could not be {told}"]


async def test_a_close_that_stores_all_tells_of_what_was_dropped_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "BEHIND_BYTES", 0)
    async with opened(tmp_path, running=False) as log:
        log.writer.hold("the disk is full")
        log.writer.write(task(), Stream.STDOUT, [b"1"])
        log.writer.record(RECORD)
        assert log.troubles[-1] == (
            "task logs cannot be stored: the disk is full; dropped so far: 1 line"
            " (1 byte) of output"
        )
    assert caplog.messages[-1].endswith(
        ": 1 line (1 byte) of output and the record of 1 attempt"
    )


async def test_records_alone_that_are_dropped_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BEHIND_BYTES", 0)
    async with opened(tmp_path, running=False) as log:
        log.writer.hold("the disk is full")
        log.writer.record_all([RECORD] * 3)
        assert log.troubles[-1].endswith("dropped so far: the records of 3 attempts")


async def test_writers_are_asked_to_stop_until_half_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BEHIND_BYTES", 10_000)
    monkeypatch.setattr(writer, "CAUGHT_UP_BYTES", 5_000)
    monkeypatch.setattr(writer, "MOST_IN_ONE", 1)
    async with opened(tmp_path) as log:
        seen = []
        log.store.before_append = lambda: seen.append(log.writer.is_behind)
        for _ in range(3):
            log.writer.write(task(), Stream.STDOUT, [b"x" * 4_000])
            seen.append(log.writer.is_behind)
        await log.writer.flush()
        # 12, 8 and 4 KB wait as each of the three rows goes into the store.
        assert seen == [False, False, True, True, True, False]


async def test_a_short_trouble_loses_nothing_holds_nobody_up_and_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_SEC", 0.01)
    async with opened(tmp_path) as log:
        log.store.is_broken = True
        log.writer.write(task(), Stream.STDOUT, [b"1\n"])
        await log.writer.flush()
        assert "disk is full" in log.troubles[0]
        log.writer.write(task(), Stream.STDOUT, [b"2\n"])
        log.store.is_broken = False
        await until_stored(log, (SECOND << 32) + 1)
        assert log.troubles[-1] == ""
        stored = await log.store.reader.newest(task(), after=0, up_to=LAST_ID, limit=9)
        assert texts(stored) == [b"1\n", b"2\n"]


async def test_a_writer_that_is_stopped_in_the_middle_loses_nothing(
    tmp_path: Path,
) -> None:
    written = [b"%d\n" % i for i in range(5_000)]
    async with opened(tmp_path) as log:
        log.writer.write(task(), Stream.STDOUT, written)
        await asyncio.sleep(writer.GATHER_SEC + 0.002)
    async with opened(tmp_path) as log:
        found = await log.store.reader.newest(
            task(), after=0, up_to=LAST_ID, limit=9_999
        )
        assert texts(found) == written


async def test_of_an_attempt_recorded_twice_the_first_record_stays(
    tmp_path: Path,
) -> None:
    record = AttemptRecord(
        InvocationId(SECOND, 2**63 - 1),
        task("\ud800"),
        started=1.5,
        ended=3.5,
        seconds=2.0,
        exit_text="exited with status 0",
        result_bits=4,
        detail="",
        worker="local",
        peak_memory=2**40,
    )
    async with opened(tmp_path) as log:
        log.writer.record(record)
        await log.writer.flush()
        log.writer.record(record._replace(ended=4.5))
        await log.writer.flush()
        with contextlib.closing(sqlite3.connect(tmp_path / "task_logs.sql3")) as seen:
            asked = "SELECT rand, started, ended, exit, peak_memory, cpu_seconds"
            rows = seen.execute(f"{asked} FROM attempts").fetchall()
    assert rows == [(2**63 - 1, 1.5, 3.5, "exited with status 0", 2**40, None)]


async def test_while_nothing_can_be_stored_writers_go_on_and_memory_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "BEHIND_BYTES", 10_000)
    monkeypatch.setattr(writer, "CAUGHT_UP_BYTES", 5_000)
    monkeypatch.setattr(writer, "RETRY_SEC", 0.01)
    async with opened(tmp_path) as log:
        log.store.is_broken = True
        kept, lost = [b"k" * 4_000] * 2, [b"l" * 4_000]
        log.writer.write(task(), Stream.STDOUT, kept)
        await log.writer.flush()
        for _ in range(50):
            log.writer.write(task(), Stream.STDOUT, lost)
            assert not log.writer.is_behind
        assert log.writer.dropped == (50, 200_000, 0)
        shown = await log.writer.tail(task(), after=0, limit=1)
        assert texts(shown.lines) == lost, "what is dropped is shown while it is new"
        await until(lambda: "50 lines (200000 bytes)" in log.troubles[-1])
        log.store.is_broken = False
        await until(lambda: log.troubles[-1] == "")
        await log.writer.flush()
        log.writer.write(task(), Stream.STDOUT, [b"after\n"])
        await log.writer.flush()
        stored = await log.store.reader.newest(task(), after=0, up_to=LAST_ID, limit=99)
        assert texts(stored) == [*kept, b"after\n"]
    assert "50 lines (200000 bytes) of output" in caplog.text


async def test_a_writer_that_is_held_stores_nothing_until_it_may_go_on(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as log:
        log.writer.hold("the disk is full")
        log.writer.write(task(), Stream.STDOUT, [b"1\n"])
        async with asyncio.timeout(25):
            await log.writer.flush()
        assert log.troubles == ["task logs cannot be stored: the disk is full"]
        assert await log.store.last_id() == 0
        log.writer.hold("")
        await log.writer.flush()
        assert await log.store.last_id() == SECOND << 32
        assert log.troubles[-1] == ""


steps = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(["break", "mend", "hold", "release", "wait"]),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(steps, max_size=40))
def test_what_is_kept_is_a_subsequence_and_with_what_is_dropped_it_adds_up(
    tmp_path_factory: pytest.TempPathFactory, given_steps: list[bytes | str]
) -> None:
    path = tmp_path_factory.mktemp("law")
    written: list[bytes] = []

    async def go() -> list[bytes]:
        async with opened(path) as log:
            for step in given_steps:
                match step:
                    case bytes(line):
                        written.append(line)
                        log.writer.write(task(), Stream.STDOUT, [line])
                    case "break" | "mend":
                        log.store.is_broken = step == "break"
                    case "hold" | "release":
                        log.writer.hold("test" if step == "hold" else "")
                    case _:
                        await log.writer.flush()
            log.store.is_broken = False
            log.writer.hold("")
            dropped = log.writer.dropped
            await until(lambda: not log.writer._is_queueing)
            stored = await log.store.reader.newest(
                task(), after=0, up_to=LAST_ID, limit=99
            )
        assert dropped.lines + len(stored) == len(written)
        assert dropped.bytes + sum(map(len, texts(stored))) == sum(map(len, written))
        return texts(stored)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "BEHIND_BYTES", 1_000)
        patch.setattr(writer, "CAUGHT_UP_BYTES", 500)
        patch.setattr(writer, "RETRY_SEC", 0.001)
        patch.setattr(writer, "MOST_IN_ONE", 3)
        kept = asyncio.run(go())
    rest = iter(written)
    assert all(line in rest for line in kept)
