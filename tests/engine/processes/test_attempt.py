"""Attempts, told by a warden of the test's."""

import asyncio
import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.config.model import (
    Enforcement,
    KillMethod,
    KillSettings,
    TaskSubprocess,
)
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.processes.attempt import (
    PIECE_BYTES,
    Attempt,
    AttemptResult,
    Workshop,
)
from bistro_tui.engine.processes.capture import OutputDesk
from bistro_tui.engine.processes.event_rows import EventRows
from bistro_tui.engine.processes.preparation import Preparation
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.attempts import StatusHome, StatusPlace
from bistro_tui.engine.statuses.bits import DONE, ERROR_BACKOFF, INCOMPLETE_BACKOFF
from bistro_tui.engine.warden.tags import tag_of
from bistro_tui.engine.warden.wire import (
    STDERR,
    STDOUT,
    TERM_WAIT_KILL,
    Credit,
    Ended,
    Exited,
    NotStarted,
    Output,
    Start,
)
from tests.engine.processes.builders import RecordingSink, a_start
from tests.engine.processes.fake_warden import FakeWarden, an_end, fake_warden, turns


class Keeper:
    commits = 5


class Stage:
    def __init__(self, path: Path, fake: FakeWarden) -> None:
        self.fake = fake
        self.keeper = Keeper()
        self.sink = RecordingSink()
        clock = SystemClock()
        desk = OutputDesk(asyncio.get_running_loop(), clock, self.sink)
        self.shop = Workshop(clock, self.sink, desk, EventRows("thishost"))
        self.data_dir = DataDir(path / "data", host="h", now=0.0)
        self.preparation = Preparation(
            data_dir=self.data_dir,
            config_dir=path,
            worker_command=None,
            worker_node="root",
            worker_host="thishost",
            statuses=StatusHome(
                place=StatusPlace("sqlite", 'odd "table"'), keeper=self.keeper
            ),
        )

    def begin(self, start: StartTask) -> Attempt:
        attempt = Attempt(start, 7, self.shop)
        attempt.send(self.preparation.prepare(start, 7), self.fake.link)
        self.fake.link.flush()
        return attempt

    def events(self) -> list[str]:
        return [json.loads(row)["event"] for row in self.sink.of(Stream.STATUSES)]


@contextmanager
def stage(path: Path) -> Iterator[Stage]:
    with fake_warden() as fake:
        made = Stage(path, fake)
        try:
            yield made
        finally:
            made.data_dir.close()


async def test_a_warden_is_told_all_that_the_attempt_needs(tmp_path: Path) -> None:
    with stage(tmp_path) as at:
        start = a_start(
            "./run",
            "{node}",
            env={"MODE": "x"},
            timeout_sec=1.5,
            kill_subprocess=KillSettings(kill_wait_ms=250),
            enforcement=Enforcement(memory_max=1 << 20, cpu_weight=50),
        )
        at.begin(start)
        (request,) = at.fake.asked()
        assert isinstance(request, Start)
        base = at.data_dir.status_files / str(start.invocation)
        assert request.number == 7
        assert request.tag == tag_of(start.invocation.rand)
        assert request.argv == (str(tmp_path / "run").encode(), b"db7")
        assert b"MODE=x" in request.environment
        assert request.directory == bytes(at.data_dir.jobs / "etl")
        assert request.status_file == bytes(base.with_name(base.name + ".status"))
        assert (request.config_file, request.config) == (b"", b"")
        assert (request.kill_method, request.kill_wait) == (TERM_WAIT_KILL, 0.25)
        assert request.timeout == 1.5
        assert (request.memory_max, request.cpu_weight) == (1 << 20, 50)
        assert json.loads(request.record) == {
            "job": "etl",
            "node": "db7",
            "invocation": list(start.invocation),
            "status_file": f"{base}.status",
            "config_file": "",
            "kill_method": KillMethod.TERM_WAIT_KILL,
            "kill_wait": 0.25,
            "statuses": ["sqlite", 'odd "table"', 5],
        }
        at.keeper.commits += 1
        later = at.preparation.prepare(start, 8).request.record
        assert json.loads(later)["statuses"][2] == 6


async def test_a_long_config_goes_into_a_file_that_the_warden_writes(
    tmp_path: Path,
) -> None:
    with stage(tmp_path) as at:
        at.begin(a_start("run", config={"x": "y" * 140_000}))
        await turns()
        (request,) = at.fake.asked()
        assert isinstance(request, Start)
        assert json.loads(request.config)["config"] == {"x": "y" * 140_000}
        assert json.loads(request.record)["config_file"].encode() == request.config_file
        assert request.argv[-1] == b"@" + request.config_file


async def test_a_changed_job_is_prepared_anew(tmp_path: Path) -> None:
    with stage(tmp_path) as at:
        words = [
            at.preparation.prepare(a_start("run", mode), 1).words[1]
            for mode in ("old", "new")
        ]
        assert words == ["old", "new"]


async def test_a_plain_end_has_its_rows_in_order(tmp_path: Path) -> None:
    with stage(tmp_path) as at:
        attempt = at.begin(a_start("run"))
        found = attempt.ended(an_end(7, status=b"done\n", out=b"a\nb", err=b"c\n"))
        assert found.reported.bits == DONE
        assert found.exit_text == "exited with status 0"
        assert at.sink.of(Stream.STDOUT) == [b"a\n", b"b"]
        assert at.sink.of(Stream.STDERR) == [b"c\n"]
        assert at.events() == [
            "running",
            "process_exited",
            "task_pipes_closed",
            "got_status",
        ]


async def test_an_exit_that_was_told_before_is_told_once(tmp_path: Path) -> None:
    with stage(tmp_path) as at:
        attempt = at.begin(a_start("run"))
        attempt.exited(Exited(7, -1, 11, True))
        found = attempt.ended(an_end(7)._replace(code=-1, signal=11, core=True))
        assert found.exit_text == "killed by signal 11 (core dumped)"
        assert at.events().count("process_exited") == 1


async def test_want_of_memory_is_named(tmp_path: Path) -> None:
    with stage(tmp_path) as at:
        end = an_end(7)._replace(code=-1, signal=9, out_of_memory=True)
        found = at.begin(a_start("run")).ended(end)
        assert found.exit_text == "killed by signal 9 (out of memory)"


@pytest.mark.parametrize(
    ("end", "bits", "exception"),
    [
        (
            an_end(7)._replace(killed=True),
            INCOMPLETE_BACKOFF,
            "Task killed, no status returned",
        ),
        (an_end(7)._replace(timed_out=True), ERROR_BACKOFF, "timed out after 2 s"),
        (
            an_end(7)._replace(code=-1),
            ERROR_BACKOFF,
            "No status returned: ended in an unknown way",
        ),
    ],
)
async def test_an_end_without_a_status_says_why(
    tmp_path: Path, end: Ended, bits: int, exception: str
) -> None:
    with stage(tmp_path) as at:
        found = at.begin(a_start("run", timeout_sec=2.0)).ended(end)
        assert found.reported.bits == bits
        assert found.reported.data == {"exception": exception}


async def test_much_output_is_taken_piece_by_piece_and_credited_once(
    tmp_path: Path,
) -> None:
    with stage(tmp_path) as at:
        attempt = at.begin(a_start("run"))
        at.fake.asked()
        data = b"0123456\n" * (PIECE_BYTES // 2)
        message: Output | None = Output(7, STDOUT, data)
        pieces = 0
        while message is not None:
            message = attempt.output(message)
            pieces += 1
        await turns()
        assert pieces == 4
        assert b"".join(at.sink.of(Stream.STDOUT)) == data
        (credit,) = at.fake.asked()
        assert credit == (7, len(data))


async def test_the_last_output_is_taken_piece_by_piece_too(tmp_path: Path) -> None:
    with stage(tmp_path) as at:
        attempt = at.begin(a_start("run"))
        out, err = b"o" * (3 * PIECE_BYTES), b"e\n" * PIECE_BYTES
        attempt.output(Output(7, STDERR, b"first, "))
        end, steps = an_end(7, out=out, err=err), 0
        while (rest := attempt.some_of(end)) is not None:
            end, steps = rest, steps + 1
        attempt.ended(end)
        assert steps == 3
        assert b"".join(at.sink.of(Stream.STDOUT)) == out
        assert b"".join(at.sink.of(Stream.STDERR)) == b"first, " + err


LACKS = ["EAGAIN", "EDQUOT", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC"]


@pytest.mark.parametrize("lack", LACKS)
async def test_what_a_host_lacks_for_a_while_is_no_failure(
    tmp_path: Path, lack: str
) -> None:
    with stage(tmp_path) as at:
        attempt = at.begin(a_start("run"))
        number = getattr(errno, lack)
        found = attempt.not_started(NotStarted(7, "program", number, ""))
        assert isinstance(found, str)
        assert found.startswith(f"{lack}: {os.strerror(number)}")
        assert at.events() == []


async def test_who_lacks_a_process_is_told_which_limits_there_are(
    tmp_path: Path,
) -> None:
    with stage(tmp_path) as at:
        attempt = at.begin(a_start("run"))
        assert attempt.not_started(NotStarted(7, "program", errno.EAGAIN, "")) == (
            "EAGAIN: Resource temporarily unavailable"
            " (ulimit -u, or pids.max of a control group)"
        )


async def test_what_was_killed_does_not_wait_for_what_a_host_lacks(
    tmp_path: Path,
) -> None:
    with stage(tmp_path) as at:
        attempt = at.begin(a_start("run"))
        attempt.is_killed = True
        found = attempt.not_started(NotStarted(7, "program", errno.EAGAIN, ""))
        assert isinstance(found, AttemptResult)
        assert found.reported.bits == INCOMPLETE_BACKOFF
        assert found.exit_text == "killed before it started"
        assert at.events() == ["got_status"]


async def test_an_attempt_is_logged_as_running_once_and_before_all_else(
    tmp_path: Path,
) -> None:
    with stage(tmp_path) as at:
        attempt = at.begin(a_start("run"))
        assert at.events() == []
        attempt.output(Output(7, STDOUT, b"early\n"))
        attempt.started(77)
        attempt.exited(Exited(7, 0, 0, False))
        attempt.ended(an_end(7, out=b"late\n"))
        streams = [stream for _, stream, _ in at.sink.rows]
        assert streams[:2] == [Stream.STATUSES, Stream.STDOUT]
        assert at.events() == [
            "running",
            "process_exited",
            "task_pipes_closed",
            "got_status",
        ]


async def test_the_quota_of_lines_counts_in_bistros_interval_whatever_poll_ms_says(
    tmp_path: Path,
) -> None:
    with stage(tmp_path) as at:
        settings = TaskSubprocess(max_log_lines_per_poll_interval=1, poll_ms=60_000)
        attempt = at.begin(a_start("run", task_subprocess=settings))
        at.fake.asked()
        attempt.output(Output(7, STDOUT, b"a\nb\nc\n"))
        assert at.fake.asked() == []
        async with asyncio.timeout(25):
            while not (found := at.fake.asked()):
                await asyncio.sleep(0.005)
        assert found == [Credit(7, 6)]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (NotStarted(7, "program", errno.ENOENT, ""), "run: not found in PATH"),
        (NotStarted(7, "program", errno.ETXTBSY, ""), "run: Text file busy"),
        (
            NotStarted(7, "program", errno.E2BIG, ""),
            "run: Argument list too long (arguments and environment together)",
        ),
        (NotStarted(7, "program", 0, "odd"), "run: odd"),
        (
            NotStarted(7, "directory", errno.EACCES, ""),
            "working directory {jobs}/etl: Permission denied",
        ),
        (
            NotStarted(7, "files", errno.EACCES, ""),
            "status file {status}: Permission denied",
        ),
    ],
)
async def test_other_failures_name_what_failed(
    tmp_path: Path, message: NotStarted, reason: str
) -> None:
    with stage(tmp_path) as at:
        start = a_start("run")
        found = at.begin(start).not_started(message)
        assert isinstance(found, AttemptResult)
        status = at.data_dir.status_files / f"{start.invocation}.status"
        reason = reason.format(jobs=at.data_dir.jobs, status=status)
        assert found.exit_text == f"failed to start: {reason}"
        assert at.events() == ["running", "task_failed_to_start"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            NotStarted(7, "files", errno.EROFS, ""),
            "status file {status}: Read-only file system",
        ),
        (
            NotStarted(7, "journal", errno.EIO, ""),
            "the record of started tasks: Input/output error",
        ),
    ],
)
async def test_a_disk_that_fails_our_own_files_is_no_fault_of_the_task(
    tmp_path: Path, message: NotStarted, reason: str
) -> None:
    with stage(tmp_path) as at:
        start = a_start("run")
        found = at.begin(start).not_started(message)
        status = at.data_dir.status_files / f"{start.invocation}.status"
        assert found == reason.format(status=status)


async def test_an_attempt_killed_in_the_wardens_queue_was_not_a_failure(
    tmp_path: Path,
) -> None:
    with stage(tmp_path) as at:
        found = at.begin(a_start("run")).not_started(NotStarted(7, "killed", 0, ""))
        assert isinstance(found, AttemptResult)
        assert found.reported.bits == INCOMPLETE_BACKOFF
        assert found.exit_text == "killed before it started"
        assert at.events() == ["got_status"]


@pytest.mark.parametrize(
    ("content", "bits"),
    [(b"done\n", DONE), (b"nonsense", ERROR_BACKOFF), (b"", INCOMPLETE_BACKOFF)],
)
async def test_a_status_that_a_lost_attempt_wrote_counts(
    tmp_path: Path, content: bytes, bits: int
) -> None:
    with stage(tmp_path) as at:
        attempt = at.begin(a_start("run"))
        attempt.output(Output(7, STDOUT, b"half a li"))
        found = attempt.lost(content)
        assert found.reported.bits == bits
        assert found.exit_text == "warden lost"
        assert at.sink.of(Stream.STDOUT) == [b"half a li"]
        if not content:
            assert found.reported.data == {"exception": "warden lost"}
