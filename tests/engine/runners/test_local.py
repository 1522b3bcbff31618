"""The local runner with real processes."""

import asyncio
import contextlib
import itertools
import json
import os
import stat
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from bistro_tui.engine.config.model import (
    KillMethod,
    KillSettings,
    StatusFrom,
    TaskSubprocess,
)
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.processes.argument import JobArguments
from bistro_tui.engine.processes.attempt import Attempt
from bistro_tui.engine.processes.preparation import Prepared
from bistro_tui.engine.processes.subreaper import zombie_children
from bistro_tui.engine.processes.warden_link import WardenLink
from bistro_tui.engine.runners.local import STARTS_A_TURN
from bistro_tui.engine.statuses.bits import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    INCOMPLETE_BACKOFF,
)
from bistro_tui.engine.warden.tree import look
from bistro_tui.engine.warden.wire import WINDOW
from tests.engine.processes.builders import a_start
from tests.engine.runners.harness import (
    KILL,
    TERM,
    Local,
    is_alive,
    local_runner,
    until,
)

SLEEP = ("sh", "-c", "exec sleep 60")
INHERITED = """
import json, os, signal, sys
fds = [int(fd) for fd in os.listdir("/proc/self/fd")]
fds = sorted(fd for fd in fds if os.path.exists(f"/proc/self/fd/{fd}"))
status = dict(
    line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines()
)
print(json.dumps({
    "fds": fds,
    "stdin": os.readlink("/proc/self/fd/0"),
    "sid_is_pid": os.getsid(0) == os.getpid(),
    "group_is_pid": os.getpgid(0) == os.getpid(),
    "blocked": status["SigBlk"],
    "ignored": int(status["SigIgn"], 16),
    "cwd": os.getcwd(),
    "environment": dict(os.environ),
    "argv": sys.argv[1:],
    "umask": status["Umask"],
}))
"""


def events(local: Local) -> list[dict[str, object]]:
    return [json.loads(row) for row in local.sink.of(Stream.STATUSES)]


def stdout(local: Local) -> bytes:
    return b"".join(local.sink.of(Stream.STDOUT))


async def test_a_task_inherits_nothing_but_what_is_promised(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "/home/me"}
    async with local_runner(tmp_path, environment=environment) as local:
        extra = os.open(os.devnull, os.O_RDONLY)
        os.set_inheritable(extra, True)
        start = a_start(sys.executable, "-I", "-c", INHERITED, env={"MODE": "x"})
        ended = await local.run(start)
        os.close(extra)
        found = json.loads(stdout(local))
        status_file = found["argv"][1]
        config = found["argv"][2]
        # Python itself ignores SIGPIPE (13) and SIGXFSZ (25).
        allowed = (1 << 12) | (1 << 24)
        assert found.pop("ignored") & ~allowed == 0
        found["environment"].pop("LC_CTYPE", None)
        assert found == {
            "fds": [0, 1, 2],
            "stdin": "/dev/null",
            "sid_is_pid": True,
            "group_is_pid": True,
            "blocked": "0" * 16,
            "cwd": str(local.data_dir.jobs / "etl"),
            "environment": {
                **environment,
                "MODE": "x",
                "BISTRO_JOB": "etl",
                "BISTRO_NODE": "db7",
                "BISTRO_STATUS_FILE": status_file,
                "BISTRO_CONFIG": config,
                "BISTRO_INVOCATION": str(start.invocation),
            },
            "argv": ["db7", status_file, config],
            "umask": found["umask"],
        }
        assert json.loads(config)["worker_host"] == "thishost"
        assert Path(status_file).parent == local.data_dir.status_files
        assert ended.exit_text == "exited with status 0"


async def test_the_status_file_is_there_empty_and_private(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        await local.run(a_start("stat", "--format", "%F %a %s", "{status_file}"))
        assert stdout(local) == b"regular empty file 600 0\n"


async def test_signals_ignored_by_the_scheduler_are_not_ignored_by_tasks() -> None:
    program = """
import signal, subprocess
from bistro_tui.engine.processes.dispositions import stop_passing_on_ignored_signals
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
    signal.signal(number, signal.SIG_IGN)
stop_passing_on_ignored_signals()
print(subprocess.run(["grep", "SigIgn", "/proc/self/status"],
                     capture_output=True, text=True).stdout.split()[1])
"""
    found = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert int(found.stdout, 16) == 0, found.stderr


async def test_a_program_with_a_slash_counts_from_the_configs_directory(
    tmp_path: Path,
) -> None:
    async with local_runner(tmp_path) as local:
        script = local.config_dir / "run.sh"
        script.write_text('#!/bin/sh\necho "$1" > hello; echo done > "$2"\n')
        script.chmod(0o755)
        ended = await local.run(a_start("./run.sh"))
        assert ended.reported.bits == DONE
        assert (local.data_dir.jobs / "etl" / "hello").read_text() == "db7\n"


async def test_a_job_without_command_uses_the_worker_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "{node}.sh"
    script.write_text('#!/bin/sh\necho "I got these arguments: $@"; echo done > "$2"\n')
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    async with local_runner(tmp_path, worker_command="./{node}.sh") as local:
        monkeypatch.chdir("/")
        ended = await local.run(a_start())
        assert ended.reported.bits == DONE
        assert stdout(local).startswith(b"I got these arguments: db7 ")


async def test_a_job_without_any_command_fails_to_start(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        ended = await local.run(a_start())
        assert ended.reported.bits == ERROR_BACKOFF
        assert "no --worker-command" in ended.exit_text


@pytest.mark.parametrize(
    ("script", "bits"),
    [
        ("echo done > $BISTRO_STATUS_FILE; exit 3", DONE),
        ("printf failed > $BISTRO_STATUS_FILE", FAILED),
        ("echo done > $BISTRO_STATUS_FILE; kill -9 $$", DONE),
        ("exit 0", ERROR_BACKOFF),
        ("printf 'done\\ndone\\n' > $BISTRO_STATUS_FILE", ERROR_BACKOFF),
        ("rm $BISTRO_STATUS_FILE; mkfifo $BISTRO_STATUS_FILE", ERROR_BACKOFF),
        ("ln -sf /etc/hostname $BISTRO_STATUS_FILE", ERROR_BACKOFF),
        ("head -c 3000000 /dev/zero > $BISTRO_STATUS_FILE", ERROR_BACKOFF),
    ],
)
async def test_the_status_file_alone_decides(
    tmp_path: Path, script: str, bits: int
) -> None:
    async with local_runner(tmp_path) as local:
        ended = await local.run(a_start("sh", "-c", script))
        assert ended.reported.bits == bits
        assert ("exception" in ended.reported.data) is (bits == ERROR_BACKOFF)


async def test_data_of_a_json_status_comes_through(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        text = '{"result":"incomplete","data":{"row":7}}'
        ended = await local.run(
            a_start("sh", "-c", f"echo '{text}' > $BISTRO_STATUS_FILE")
        )
        assert ended.reported.data == {"row": 7}
        last = events(local)[-1]
        assert last["event"] == "got_status"
        assert last["raw_status"] == text
        assert last["status"] == {"result_bits": 8, "data": {"row": 7}}


async def test_any_program_is_a_task_by_its_exit_code(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        good = await local.run(a_start("true", status_from=StatusFrom.EXIT_CODE))
        bad = await local.run(a_start("false", status_from=StatusFrom.EXIT_CODE))
        assert good.reported.bits == DONE
        assert bad.reported.bits == ERROR_BACKOFF
        assert "status 1" in bad.reported.data["exception"]


async def test_a_plain_run_gives_exactly_four_event_rows(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        start = a_start("sh", "-c", "echo done > $BISTRO_STATUS_FILE")
        await local.run(start)
        rows = events(local)
        assert sorted(str(row["event"]) for row in rows) == [
            "got_status",
            "process_exited",
            "running",
            "task_pipes_closed",
        ]
        assert rows[0]["event"] == "running"
        assert rows[3]["event"] == "got_status"
        command = rows[0]["command"]
        assert isinstance(command, list)
        assert command[:2] == ["sh", "-c"]
        assert command[3] == "db7"
        for row in rows:
            assert row["worker_host"] == "thishost"
            assert row["invocation_start_time"] == start.invocation.start_time
            assert row["invocation_rand"] == start.invocation.rand
        (exited,) = [row for row in rows if row["event"] == "process_exited"]
        assert exited["message"] == "exited with status 0"
        assert rows[3]["raw_status"] == "done"


@pytest.mark.parametrize("number", [6, 9, 15])
async def test_the_end_names_the_signal(tmp_path: Path, number: int) -> None:
    async with local_runner(tmp_path) as local:
        ended = await local.run(a_start("sh", "-c", f"ulimit -c 0; kill -{number} $$"))
        assert ended.exit_text == f"killed by signal {number}"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["no-such-program"], "no-such-program: not found in PATH"),
        (["./missing"], "/config/missing: No such file or directory"),
        (
            ["./plain"],
            "/config/plain: Permission denied (it is not executable: chmod +x)",
        ),
        (["./folder"], "/config/folder: Permission denied (it is a directory)"),
        (["./headless"], "/config/headless: Exec format error"),
        (["./lost"], "/config/lost: the interpreter of its #! line does not exist"),
        (["sh", "a\0b"], "sh: embedded null byte"),
        (["sh", "x" * 131_072], "sh: Argument list too long"),
    ],
)
async def test_what_cannot_start_says_why(
    tmp_path: Path, command: list[str], reason: str
) -> None:
    async with local_runner(tmp_path) as local:
        for name, text, mode in (
            ("plain", "", 0o644),
            ("headless", "echo hi\n", 0o755),
            ("lost", "#!/no/such\n", 0o755),
        ):
            path = local.config_dir / name
            path.write_text(text)
            path.chmod(mode)
        (local.config_dir / "folder").mkdir()
        ended = await local.run(a_start(*command))
        assert ended.reported.bits == ERROR_BACKOFF
        text = ended.reported.data["exception"]
        assert text.startswith("Failed to start task etl@db7: ")
        assert reason in text
        assert ended.exit_text.startswith("failed to start: ")
        last = events(local)[-1]
        assert last["event"] == "task_failed_to_start"
        assert last["status"] == {"result_bits": 96, "data": {"exception": text}}


async def test_a_working_directory_that_cannot_be_made_says_so(
    tmp_path: Path,
) -> None:
    async with local_runner(tmp_path) as local:
        (local.data_dir.jobs / "etl").write_text("in the way")
        ended = await local.run(a_start("true"))
        assert ended.reported.bits == ERROR_BACKOFF
        assert f"working directory {local.data_dir.jobs / 'etl'}: " in ended.exit_text
        assert "Not a directory" in ended.exit_text


async def test_an_environment_that_cannot_be_is_a_failed_start(
    tmp_path: Path,
) -> None:
    async with local_runner(tmp_path) as local:
        ended = await local.run(a_start("true", env={"A=B": "c"}))
        assert "illegal environment variable name" in ended.exit_text


@pytest.mark.parametrize("size", [131_057, 131_058, 131_071, 131_072, 500_000])
async def test_a_config_of_any_size_reaches_the_task(tmp_path: Path, size: int) -> None:
    program = """
import json, os, stat, sys
def load(text):
    if text.startswith("@"):
        assert stat.S_IMODE(os.stat(text[1:]).st_mode) == 0o600
        return json.load(open(text[1:])), True
    return json.loads(text), False
third, third_in_file = load(sys.argv[3])
variable, variable_in_file = load(os.environ["BISTRO_CONFIG"])
assert third == variable
print(third_in_file, variable_in_file, len(third["config"]["x"]))
"""
    async with local_runner(tmp_path) as local:
        empty = a_start(sys.executable, "-c", program, config={"x": ""})
        await local.run(empty)
        command = events(local)[0]["command"]
        assert isinstance(command, list)
        padding = size - len(command[-1])
        local.sink.rows.clear()
        await local.run(
            a_start(sys.executable, "-c", program, config={"x": "y" * padding})
        )
        assert stdout(local).decode().split() == [
            str(size > 131_071),
            str(size > 131_057),
            str(padding),
        ], b"".join(local.sink.of(Stream.STDERR)).decode()


async def test_ten_megabytes_of_output_are_complete_and_in_order(
    tmp_path: Path,
) -> None:
    program = "for i in range(180000): print(f'{i:055d}')"
    async with local_runner(tmp_path) as local:
        await local.run(a_start(sys.executable, "-c", program))
        rows = local.sink.of(Stream.STDOUT)
        assert rows == [b"%055d\n" % i for i in range(180_000)]


async def test_binary_output_is_kept_byte_by_byte(tmp_path: Path) -> None:
    program = "import os, sys; os.write(1, bytes(range(256)) * 800)"
    async with local_runner(tmp_path) as local:
        await local.run(a_start(sys.executable, "-c", program))
        assert stdout(local) == bytes(range(256)) * 800


async def test_stdout_and_stderr_are_told_apart(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        await local.run(a_start("sh", "-c", "echo out; echo err >&2; printf end"))
        assert local.sink.of(Stream.STDOUT) == [b"out\n", b"end"]
        assert local.sink.of(Stream.STDERR) == [b"err\n"]


async def test_reading_pauses_while_the_store_is_behind(tmp_path: Path) -> None:
    program = "import os; os.write(1, b'first\\n'); print('y' * 300000)"
    async with local_runner(tmp_path) as local:
        local.sink.behind = True
        local.runner.start(start := a_start(sys.executable, "-c", program))
        await until(lambda: local.sink.of(Stream.STDOUT))
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert len(stdout(local)) <= WINDOW
        assert local.reports.ended(start.invocation) is None
        local.sink.behind = False
        await local.reports.wait_ended(start)
        assert stdout(local) == b"first\n" + b"y" * 300_000 + b"\n"


async def test_a_quota_of_lines_slows_a_task_down_and_loses_nothing(
    tmp_path: Path,
) -> None:
    # More than the pipe and one read hold, so that the task itself has to wait.
    quota = TaskSubprocess(max_log_lines_per_poll_interval=5, poll_ms=10)
    program = "for i in range(200): print('z' * 999)"
    async with local_runner(tmp_path) as local:
        before = time.monotonic()
        await local.run(a_start(sys.executable, "-uc", program, task_subprocess=quota))
        assert time.monotonic() - before > 0.1
        assert len(local.sink.of(Stream.STDOUT)) == 200


async def test_an_unfinished_line_is_shown_after_a_moment_and_taken_back(
    tmp_path: Path,
) -> None:
    async with local_runner(tmp_path) as local:
        start = a_start("sh", "-c", "printf 50%%; read x < go; echo 100%")
        fifo = local.data_dir.job_dir(start.job.name) / "go"
        os.mkfifo(fifo)
        local.runner.start(start)
        await until(lambda: local.sink.partials)
        assert local.sink.partials == [(start.task, Stream.STDOUT, b"50%")]
        fifo.write_text("\n")
        await local.reports.wait_ended(start)
        assert local.sink.partials[-1] == (start.task, Stream.STDOUT, b"")
        assert local.sink.of(Stream.STDOUT) == [b"50%100%\n"]


async def test_a_grandchild_that_keeps_the_pipe_does_not_keep_the_task(
    tmp_path: Path,
) -> None:
    script = "setsid sleep 60 & echo $!; echo done > $BISTRO_STATUS_FILE"
    async with local_runner(tmp_path) as local:
        before = time.monotonic()
        ended = await local.run(a_start("sh", "-c", script))
        # Not for the minute that it sleeps.
        assert 1.9 < time.monotonic() - before < 30
        assert ended.reported.bits == DONE
        assert not is_alive(int(stdout(local)))


async def test_what_a_grandchild_writes_while_it_keeps_the_pipe_is_kept(
    tmp_path: Path,
) -> None:
    script = "(sleep 0.3; echo late) & echo done > $BISTRO_STATUS_FILE"
    async with local_runner(tmp_path) as local:
        await local.run(a_start("sh", "-c", script))
        assert stdout(local) == b"late\n"


async def test_a_background_process_does_not_outlive_its_task(
    tmp_path: Path,
) -> None:
    script = "sleep 60 >/dev/null 2>&1 & echo $!"
    async with local_runner(tmp_path) as local:
        await local.run(a_start("sh", "-c", script))
        pid = int(stdout(local))
        await until(lambda: not is_alive(pid))


async def test_a_kill_takes_a_daemon_along(tmp_path: Path) -> None:
    script = "setsid sh -c 'setsid sleep 60 >/dev/null 2>&1 & echo $!' ; sleep 60"
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start("sh", "-c", script))
        await until(lambda: stdout(local))
        local.runner.kill(start.invocation, KILL)
        await local.reports.wait_ended(start)
        assert not is_alive(int(stdout(local)))


async def test_term_is_one_signal_and_a_trap_may_write_the_status(
    tmp_path: Path,
) -> None:
    script = (
        "trap 'echo done > $BISTRO_STATUS_FILE; exit' TERM; echo up;"
        " while :; do sleep 0.01; done"
    )
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start("sh", "-c", script))
        await until(lambda: stdout(local))
        local.runner.kill(start.invocation, TERM)
        ended = await local.reports.wait_ended(start)
        assert ended.reported.bits == DONE


async def test_a_task_that_ignores_term_is_killed_after_the_wait(
    tmp_path: Path,
) -> None:
    script = "trap '' TERM INT HUP; echo up; while :; do sleep 0.05; done"
    how = KillSettings(method=KillMethod.TERM_WAIT_KILL, kill_wait_ms=200)
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start("sh", "-c", script))
        await until(lambda: stdout(local))
        before = time.monotonic()
        local.runner.kill(start.invocation, how)
        ended = await local.reports.wait_ended(start)
        assert time.monotonic() - before > 0.19
        assert ended.exit_text == "killed by signal 9"
        assert ended.reported.bits == INCOMPLETE_BACKOFF
        assert ended.reported.data == {"exception": "Task killed, no status returned"}


async def test_a_kill_wait_of_nothing_kills_at_once(tmp_path: Path) -> None:
    how = KillSettings(method=KillMethod.TERM_WAIT_KILL, kill_wait_ms=0)
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start(*SLEEP))
        await local.reports.wait_started(start)
        local.runner.kill(start.invocation, how)
        ended = await local.reports.wait_ended(start)
        assert ended.exit_text == "killed by signal 9"


async def test_a_second_kill_can_only_be_faster(tmp_path: Path) -> None:
    script = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    slow = KillSettings(method=KillMethod.TERM_WAIT_KILL, kill_wait_ms=60_000)
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start("sh", "-c", script))
        await until(lambda: stdout(local))
        local.runner.kill(start.invocation, slow)
        local.runner.kill(start.invocation, KILL)
        local.runner.kill(start.invocation, slow)
        ended = await local.reports.wait_ended(start)
        assert ended.exit_text == "killed by signal 9"


async def test_a_stopped_task_dies_of_term(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start("sh", "-c", "echo up; kill -STOP $$"))
        pid = (await local.reports.wait_started(start)).pid or 0
        await until(lambda: getattr(look(pid), "state", "") == "T")
        local.runner.kill(start.invocation, TERM)
        ended = await local.reports.wait_ended(start)
        assert ended.exit_text in {"killed by signal 15", "exited with status 0"}


async def test_a_task_past_its_timeout_is_killed_and_says_so(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        ended = await local.run(a_start(*SLEEP, timeout_sec=0.2))
        assert ended.exit_text == "killed by signal 15"
        assert ended.reported.bits == ERROR_BACKOFF
        assert ended.reported.data == {"exception": "timed out after 0.2 s"}


async def test_a_task_that_is_quicker_than_its_timeout_knows_nothing_of_it(
    tmp_path: Path,
) -> None:
    async with local_runner(tmp_path) as local:
        script = "echo done > $BISTRO_STATUS_FILE"
        ended = await local.run(a_start("sh", "-c", script, timeout_sec=20))
        assert ended.reported.bits == DONE


def open_files() -> Counter[str]:
    """Return what this process has open, and how often."""
    found: Counter[str] = Counter()
    for number in os.listdir("/proc/self/fd"):
        # That of the listing itself is closed by now.
        with contextlib.suppress(FileNotFoundError):
            found[os.readlink(f"/proc/self/fd/{number}")] += 1
    return found


async def test_nothing_is_left_open_after_many_tasks(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        await local.run(a_start("true"))
        await until(lambda: all(one.capacity for one in local.runner._wardens.links))
        before = open_files()
        starts = [a_start("sh", "-c", "echo hi; exit 1") for _ in range(50)]
        starts += [a_start("no-such-program") for _ in range(5)]
        for start in starts:
            local.runner.start(start)
        for start in starts:
            await local.reports.wait_ended(start)
        assert open_files() - before == Counter()
        told = [local.reports.started(one.invocation) for one in starts]
        pids = {one.pid for one in told if one is not None}
        assert not pids & {pid for pid, _ in zombie_children()}


async def test_the_loop_is_free_between_some_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Attempt] = []
    send = Attempt.send

    def count(attempt: Attempt, prepared: Prepared, link: WardenLink) -> None:
        sent.append(attempt)
        send(attempt, prepared, link)

    async with local_runner(tmp_path) as local:
        await local.run(a_start("true"))
        monkeypatch.setattr(Attempt, "send", count)
        starts = [a_start("true") for _ in range(3 * STARTS_A_TURN)]
        for start in starts:
            local.runner.start(start)
        seen = [0]
        while seen[-1] < len(starts):
            await asyncio.sleep(0)
            seen.append(len(sent))
        assert max(b - a for a, b in itertools.pairwise(seen)) == STARTS_A_TURN
        for start in starts:
            await local.reports.wait_ended(start)


async def test_files_made_for_a_task_are_private(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        directory = local.data_dir.status_files
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        start = a_start(*SLEEP, config={"x": "y" * 200_000})
        local.runner.start(start)
        await local.reports.wait_started(start)
        found = [path for path in directory.iterdir() if path.is_file()]
        assert len(found) == 2
        assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}


@pytest.mark.parametrize(
    "instead",
    ['mkdir "$f" && touch "$f/x"', 'mkfifo "$f"', 'ln -s /etc/passwd "$f"', "true"],
)
async def test_whatever_stands_in_place_of_the_status_file_the_task_ends(
    tmp_path: Path, instead: str
) -> None:
    script = f'f=$BISTRO_STATUS_FILE; rm "$f"; {instead}; echo "$f"'
    async with local_runner(tmp_path) as local:
        ended = await local.run(a_start("sh", "-c", script))

        assert ended.reported.bits == ERROR_BACKOFF
        local.settle()
        await until(lambda: not os.path.lexists(stdout(local).strip()))


async def test_an_error_of_ours_in_one_start_costs_that_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> str:
        raise ZeroDivisionError("ours")

    async with local_runner(tmp_path) as local:
        with monkeypatch.context() as patched:
            patched.setattr(JobArguments, "task_json", explode)
            broken = await local.run(a_start("true"))
        fine = await local.run(a_start("sh", "-c", "echo done > $BISTRO_STATUS_FILE"))

    assert "ZeroDivisionError" in broken.exit_text
    assert broken.reported.bits == ERROR_BACKOFF
    assert fine.reported.bits == DONE
