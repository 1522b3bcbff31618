"""SIGKILL again and again, at the worst moments: nothing shown may be taken back.

One config whose tasks finish, fail once, count, daemonise, ignore SIGTERM and print a
lot; at most one runs on a node and so many at once, whatever was left of runs before.
Those that count go on until all kills are over, so that there is always work.
"""

import random
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from bistro_tui.engine.recovery.history import DIED
from tests.e2e.program import Place
from tests.faults import crashes
from tests.faults.crashes import KILL_WAIT, Crashes, job_of, settings
from tests.faults.oracle import LINES, Record, Task, judge
from tests.faults.seeds import SCALE
from tests.faults.watching import alive_with, stat_of

NODES = 30
AT_ONCE = 12
KINDS = {
    "quick": 0.0,
    "sleep": 0.4,
    "fail": 0.1,
    "daemon": 0.2,
    "stubborn": 0.3,
    "chatty": 0.1,
    "count": 0.05,
}
"""What they do, and for how many seconds."""

ENDED = re.compile(rb"Got status (\S+) from task (\S+), (\S+) (after|of the run)")
SERVES, RECOVERS, ENDS = b" serves ", b" of the run before", b"Got status "
PATIENCE = 60.0
ENOUGH_SEC = 150.0 * SCALE


class Shown(NamedTuple):
    """An end of an attempt that the log told of."""

    word: str
    task: Task
    was_adopted: bool


class Seen(NamedTuple):
    """How far the counting tasks were at some moment."""

    boot_seconds: float
    counts: dict[Task, int]


class Kills(Crashes):
    """A place where the program is killed; ``strictly`` says that only it is."""

    def __init__(self, place: Place, rng: random.Random, *, strictly: bool) -> None:
        super().__init__(place, rng)
        self.kills = 0
        """How often something was killed."""
        self._strictly = strictly
        self._begin = 0
        self._starts: dict[Task, int] = {}
        """How often each task had been started when it was first seen as done."""
        self._seen: list[Seen] = []

    def _config(self) -> dict[str, Any]:
        jobs = {
            f"bistro_job->{kind}": job_of(
                self.oracle.job(kind, seconds, one_a_node=True)
            )
            for kind, seconds in KINDS.items()
        }
        chosen = settings(nodes=NODES, at_once=AT_ONCE)
        chosen["resources"]["host"] = {"place": {"limit": 1, "default": 1}}
        return {"bistro_settings": chosen, **jobs}

    @property
    def tasks(self) -> int:
        """How many tasks have to be done in the end."""
        return NODES * len(KINDS)

    def start(self) -> None:
        """Start it with the same command as ever."""
        self._begin = self.log.stat().st_size if self.log.exists() else 0
        super().start()

    def said(self) -> bytes:
        """Return what it has said since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._begin)
            return log.read()

    def wait_for(self, *words: bytes) -> None:
        """Wait until it has said one of these, or has ended."""
        deadline = time.monotonic() + PATIENCE
        while self.is_running and not any(word in self.said() for word in words):
            assert time.monotonic() < deadline, f"never said {words}:\n{self.tail()}"
            self.pause(0.005)

    def run_kills(self, number: int) -> None:
        """Kill it so often, let it end its work, and judge.

        Less often on a machine where that would take very long.
        """
        kinds = [kill_scheduler] if self._strictly else KILLS
        enough = time.monotonic() + ENOUGH_SEC
        with self.judged():
            while self.kills < number and time.monotonic() < enough:
                if not self.is_running:
                    self.check_exit()
                    self.start()
                    self.rng.choice(MOMENTS)(self)
                else:
                    at_any_moment(self)
                if self.is_running:
                    self.look_at_limits()
                    self.kills += 1
                    self.rng.choice(kinds)(self)
                self.compare()
            self.oracle.enough.touch()

    def look_at_limits(self) -> None:
        """Fail if more tasks live than the limit allows, those left over with them."""
        first, second = self._sessions(), self._sessions()
        # Who is in both was alive when the second look began.
        at_once = first & second
        assert len(at_once) <= AT_ONCE, f"{len(at_once)} at once:\n{self.tail()}"

    def _sessions(self) -> set[str]:
        """Return the sessions of the tasks that are alive; each has one of its own."""
        alive = alive_with(str(self.oracle.script))
        found = (stat_of(int(one.split()[0])) for one in alive)
        return {fields[3] for fields in found if fields}

    def compare(self) -> None:
        """Fail if something that was shown is not in the store."""
        shown = self._told()
        rows = self._rows()
        boot = float(Path("/proc/uptime").read_text().split()[0])
        records = self.oracle.records()
        ends = Counter(one.task for one in shown if one.task[0] == "count")
        for task, word in {one.task: one.word for one in shown}.items():
            row = rows.get(task)
            assert row is not None, f"{task} was shown as {word}\n{self.tail()}"
            if word == "done":
                assert row.result == 1, f"{task} was done and is {row}\n{self.tail()}"
        for task, count in self._counted(shown).items():
            assert rows[task].at >= count, f"{task}: {count} shown, {rows[task]}"
        done = {task for task, row in rows.items() if row.result == 1}
        assert self.shown <= done, f"not done any more: {self.shown - done}"
        starts = Counter(one.task for one in records if one.what == "start")
        for task in done - self.shown:
            self._starts[task] = starts[task]
        self.shown = done
        counts = {task: rows[task].at for task in ends if task in rows}
        self._seen.append(Seen(boot, counts))

    def _told(self) -> list[Shown]:
        if not self.log.exists():
            return []
        return [
            Shown(word.decode(), (job.decode(), node.decode()), how != b"after")
            for word, job, node, how in ENDED.findall(self.log.read_bytes())
        ]

    def _counted(self, shown: Sequence[Shown]) -> Counter[Task]:
        """Return how often each counting task was shown to have counted one more."""
        words = ("incomplete", "done")
        return Counter(
            one.task for one in shown if one.task[0] == "count" and one.word in words
        )

    def _rows(self) -> "dict[Task, Row]":
        query = (
            "SELECT job_id, node_id, result, json_extract(data, '$.count')"
            " FROM task_statuses"
        )
        return {
            (job, node): Row(result, count or 0)
            for job, node, result, count in look(
                self.place.data / "statuses.sql3", query
            )
        }

    def judge(self) -> None:
        """Fail unless all is done, once, with its output, and nothing went back."""
        records = self.oracle.records()
        assert len(self.shown) == self.tasks
        judge(records, expected=self.tasks, silent=self.shown)
        starts = Counter(one.task for one in records if one.what == "start")
        again = {task for task, times in self._starts.items() if starts[task] > times}
        assert not again, f"started after they were shown as done: {again}"
        self._judge_counts(records)
        self._judge_output(records)
        self._judge_history(records)

    def _judge_counts(self, records: Sequence[Record]) -> None:
        """No task may count on from less than what had been seen in the store."""
        for seen in self._seen:
            # The clock of the records has hundredths.
            since = seen.boot_seconds + 0.02
            for one in records:
                if one.what.startswith("count=") and one.boot_seconds > since:
                    at = int(one.what.removeprefix("count=") or 0)
                    assert at >= seen.counts.get(one.task, 0), f"{one} after {seen}"

    def _judge_output(self, records: Sequence[Record]) -> None:
        """Each line was stored once, and the last ones of those that were shown."""
        lines = Counter(
            line
            for (line,) in look(
                self.place.data / "task_logs.sql3", "SELECT line FROM stdout"
            )
        )
        # A start that was killed itself may have adopted one without a word.
        adopted = {one.task for one in self._told() if one.was_adopted}
        adopted |= set(
            look(
                self.place.data / "task_logs.sql3",
                f"SELECT job_id, node_id FROM attempts WHERE detail LIKE '{DIED}%'",
            )
        )
        of = {one.invocation: one.task for one in records}
        for line, times in lines.items():
            words = line.split()
            invocation = words[1] if words[0] == "last" else words[0]
            assert times == 1 or of[invocation] in adopted, f"{times} times: {line}"
        if not self._strictly:
            return
        for one in records:
            if one.what == "end" and one.task not in adopted:
                assert lines[f"last {one.invocation}\n"] == 1, f"{one}: no last line"
                if one.task[0] == "chatty":
                    last = f"{one.invocation} {LINES}\n"
                    assert lines[last] == 1, f"{one}: not all of its lines"

    def _judge_history(self, records: Sequence[Record]) -> None:
        """Each attempt that was started has one record of its end."""
        rows = look(
            self.place.data / "task_logs.sql3",
            "SELECT start_time, rand FROM attempts",
        )
        known = Counter(f"{start}-{rand:016x}" for start, rand in rows)
        started = {one.invocation for one in records if one.what == "start"}
        missing = started - known.keys()
        assert not missing, f"{len(missing)} of {len(started)}: {sorted(missing)[:5]}"


class Row(NamedTuple):
    """What the store says of a task."""

    result: int
    at: int


def look(database: Path, query: str) -> list[tuple[Any, ...]]:
    """Return what is in a database, leaving its log of changes as it is."""
    if not database.exists():
        return []
    uri = f"file:{quote(str(database))}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=20)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            # Killed before the first tables were made.
            if "no such table" in str(error):
                return []
            raise


# When.


def at_any_moment(run: Kills) -> None:
    run.wait(run.rng.uniform(0.1, 1.5))


def while_it_starts(run: Kills) -> None:
    run.wait(run.rng.uniform(0, 0.7))


def while_it_recovers(run: Kills) -> None:
    run.wait_for(SERVES, RECOVERS)
    run.wait(run.rng.uniform(0, 0.1))


def when_a_status_was_shown(run: Kills) -> None:
    run.wait_for(ENDS)


def while_it_stops(run: Kills) -> None:
    run.wait_for(ENDS)
    run.wait(run.rng.uniform(0, 0.3))
    run.signal(run.process.pid, signal.SIGTERM)
    run.wait(run.rng.uniform(0, 0.4))


MOMENTS: Sequence[Callable[[Kills], None]] = (
    at_any_moment,
    while_it_starts,
    while_it_recovers,
    when_a_status_was_shown,
    when_a_status_was_shown,
    while_it_stops,
)


# What.


def kill_scheduler(run: Kills) -> None:
    run.process.kill()
    run.process.wait()
    if run.rng.random() < 0.3:
        run.nothing_stays(of_killed_wardens=False)
    else:
        run.pause(run.rng.uniform(0, KILL_WAIT))


KILLS: Sequence[Callable[[Kills], None]] = (
    kill_scheduler,
    kill_scheduler,
    crashes.kill_warden,
    crashes.kill_wardens,
    crashes.kill_all_at_once,
    crashes.kill_all_at_once,
)
