"""Lines into the log store, and questions to one with millions of lines.

    .venv/bin/python -m benchmarks.logs [--seconds 10] [--lines 10000000] [--dir DIR]

Ingestion: ten tasks write through a LogWriter as fast as it lets them, while a timer of
the same loop says how late it fires. Beside it, in the same run, plain ``sqlite3`` with
``executemany`` into the same table, index and pragmas, a thousand rows a transaction.

Questions: pages of a LogReader over so many lines of 100 tasks (about 110 bytes each on
disk; the file is deleted afterwards). Beside the searches, Python's ``re`` over all
rows.
"""

import argparse
import asyncio
import re
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.patterns import Pattern
from bistro_tui.engine.logs.query import THE_END, LogQuery
from bistro_tui.engine.logs.reader import LogReader
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.logs.writer import LogWriter

LAG_SEC = 0.002
CHUNK = 100
"""Lines that a task hands over together, as one read of its pipe gives them."""
SECOND = 1_700_000_000


def a_line(number: int) -> bytes:
    """Return a line as services print them."""
    return b"2024-01-01 12:00:00 INFO worker handled request %d in 17 ms\n" % number


async def ingest(directory: Path, seconds: float) -> float:
    """Print and return lines a second through the writer, with the loop's lag."""
    store = await LogStore.open(directory / "ingest.sql3", clock=SystemClock())
    writer = await LogWriter.open(store, clock=SystemClock(), on_trouble=print)
    tasks = [TaskId(JobName("etl"), NodeName(f"db{i}")) for i in range(10)]
    late: list[float] = []
    run = asyncio.ensure_future(writer.run())
    watch = asyncio.ensure_future(_watch(late))
    lines = [a_line(i) for i in range(CHUNK)]
    began, number = time.perf_counter(), 0
    while time.perf_counter() < began + seconds:
        for task in tasks:
            if not writer.is_behind:
                writer.write(task, Stream.STDOUT, lines)
                number += CHUNK
        # As a pipe is left alone while the store is behind.
        await asyncio.sleep(0.001 if writer.is_behind else 0)
    await writer.flush()
    took = time.perf_counter() - began
    watch.cancel()
    run.cancel()
    await asyncio.gather(watch, run, return_exceptions=True)
    await writer.close()
    late.sort()
    middle, high = late[len(late) // 2], late[len(late) * 99 // 100]
    print(
        f"ingest: {number / took:,.0f} lines/s over {took:.1f} s; loop lag ms: median"
        f" {1000 * middle:.1f}  p99 {1000 * high:.1f}  max {1000 * late[-1]:.1f}"
    )
    return number / took


async def _watch(late: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(LAG_SEC)
        late.append(time.perf_counter() - began - LAG_SEC)


def plain_ingest(directory: Path, seconds: float) -> float:
    """Print and return lines a second of plain sqlite3."""
    with closing(_made(directory / "plain.sql3")) as connection:
        began, number = time.perf_counter(), 0
        while time.perf_counter() < began + seconds:
            connection.execute("BEGIN")
            connection.executemany(
                "INSERT INTO stdout VALUES (?, ?, ?, ?)",
                [
                    ("etl", f"db{i // CHUNK % 10}", i, a_line(i % CHUNK).decode())
                    for i in range(number, number + 1_000)
                ],
            )
            connection.execute("COMMIT")
            number += 1_000
        took = time.perf_counter() - began
    print(f"plain sqlite3: {number / took:,.0f} lines/s")
    return number / took


def _made(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for sql in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -2000"):
        connection.execute(f"PRAGMA {sql}")
    for table in Stream:
        connection.execute(
            f"CREATE TABLE {table.value} (job_id TEXT, node_id TEXT,"
            " time_and_count INTEGER PRIMARY KEY, line TEXT)"
        )
        connection.execute(
            f"CREATE INDEX {table.value}_job_node_idx ON {table.value}"
            " (job_id, node_id)"
        )
    return connection


def fill(path: Path, lines: int) -> None:
    """Make a log store with so many lines of 100 tasks, a tenth of them stderr."""
    with closing(_made(path)) as connection:
        for table in (Stream.STDOUT.value, Stream.STDERR.value):
            # The index afterwards: ten times as fast, and the same file.
            connection.execute(f"DROP INDEX {table}_job_node_idx")
            is_mine = "n % 10 > 0" if table == "stdout" else "n % 10 = 0"
            connection.execute(
                "WITH RECURSIVE numbers(n) AS"
                f" (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {lines - 1})"
                f" INSERT INTO {table}"
                " SELECT 'etl', 'db' || (n / 10 % 100),"
                f" (({SECOND} + n / 1000) << 32) + n % 1000,"
                " '2024-01-01 12:00:00 INFO worker handled request ' || n || ' in '"
                " || (n % 97) || ' ms' || char(10)"
                f" FROM numbers WHERE {is_mine}"
            )
            connection.execute(
                f"CREATE INDEX {table}_job_node_idx ON {table} (job_id, node_id)"
            )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def ask(reader: LogReader, what: str, query: LogQuery) -> float:
    """Print and return how long all pages take that an answer needs.

    What others on this machine take away is not in the processor time.
    """
    pages, own, found, wanted = list[float](), list[float](), 0, query.limit
    while found < wanted:
        began, used = time.perf_counter(), time.process_time()
        page = await reader.query(query)
        pages.append(time.perf_counter() - began)
        own.append(time.process_time() - used)
        found += len(page.lines)
        if page.next_line_id == THE_END:
            break
        query = replace(query, line_id=page.next_line_id)
    total = sum(pages)
    print(
        f"{what}: {found} lines in {1000 * total:,.1f} ms, {len(pages)} pages, median"
        f" {1000 * statistics.median(pages):.1f} ms, longest {1000 * max(pages):.1f} ms"
        f" ({1000 * max(own):.1f} ms of processor time; {sum(own):.2f} s in all)"
    )
    return total


async def questions(path: Path) -> None:
    """Ask for ends of logs, search for what is nowhere, and follow."""
    reader = LogReader(path, clock=SystemClock())
    etl, one = (JobName("etl"),), (NodeName("db42"),)
    await reader.run(lambda connection: None)
    for _ in range(2):
        await ask(reader, "last 100 of all", LogQuery(limit=100))
    await ask(reader, "last 100 of one task", LogQuery(limit=100, jobs=etl, nodes=one))
    await ask(reader, "last 100 of one job", LogQuery(limit=100, jobs=etl))
    await ask(reader, "last 100 of nobody", LogQuery(jobs=(JobName("nobody"),)))
    rare = Pattern.regex("request [0-9]*777 in 5 ms")
    await ask(reader, "last 100 with a rare regex", LogQuery(limit=100, pattern=rare))
    peer = _peer(path)
    for what, pattern in (
        ("text", Pattern.text("request 17 in 99 ms")),
        ("text of any case", Pattern.text("REQUEST 17 IN 99 MS", ignore_case=True)),
        ("regex", Pattern.regex("request [0-9]+ in 9[89] ms")),
        ("regex without a literal", Pattern.regex("[x-z]{3}[0-9]")),
    ):
        took = await ask(reader, f"no match, {what}", LogQuery(pattern=pattern))
        print(f"  {peer / took:.2f} × the speed of Python's re over all rows")
    last = (await reader.query(LogQuery(limit=1))).last_id
    followed = LogQuery(ascending=True, line_id=last + 1)
    began = time.perf_counter()
    for _ in range(1_000):
        await reader.query(followed)
    print(f"a look for new lines: {time.perf_counter() - began:.3f} ms")
    await reader.close()


def _peer(path: Path) -> float:
    """Return the seconds of a search by Python's re, row by row."""
    search = re.compile("request [0-9]+ in 9[89] ms").search
    began = time.perf_counter()
    with closing(sqlite3.connect(path)) as connection:
        for table in ("stdout", "stderr"):
            for (line,) in connection.execute(f"SELECT line FROM {table}"):
                search(line)
    took = time.perf_counter() - began
    print(f"Python's re, row by row: {1000 * took:,.0f} ms")
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="the log store")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--dir", type=Path, default=None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.dir) as name:
        directory = Path(name)
        if chosen.seconds > 0:
            speed = asyncio.run(ingest(directory, chosen.seconds))
            ratio = speed / plain_ingest(directory, chosen.seconds)
            print(f"  {ratio:.2f} × the lines of plain sqlite3")
        if chosen.lines > 0:
            path = directory / "task_logs.sql3"
            fill(path, chosen.lines)
            print(f"{chosen.lines:,} lines, {path.stat().st_size / 2**20:,.0f} MiB")
            asyncio.run(questions(path))


if __name__ == "__main__":
    main()
