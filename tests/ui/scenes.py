"""Engines in the middle of something, for pictures and for tests of whole screens."""

from bistro_tui.engine.view import Banner, NodeRow, Reason, RunningRow, Stream
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
    worker,
)

R = Reason

WAIT = (
    "No initial worker set ID consensus. Waiting for all workers to connect before"
    " running tasks. Missing since 2025-12-31 23:59:20 UTC: w5 on farm5, w6 on farm6."
    " The wait is over at 2026-01-01 00:10:56 UTC at the latest."
    ' "CAUTION_exit_initial_wait_before_timestamp": 1767226256 in bistro_settings ends'
    " it. Set that only if they surely run nothing, as their hosts are off, say; else"
    " tasks may be started a second time."
)


def busy_engine() -> ScriptedEngine:
    """Return a night of backups and reports: some of everything."""
    jobs = (
        job(
            "backup",
            {R.DONE: 31, R.RUNNING: 4, R.RESOURCE: 12, R.BACKOFF: 1},
            eta=NOW + 2_520,
        ),
        job("verify-backup", {R.DEPENDENCY: 17, R.DONE: 28, R.RUNNING: 3}, owner="ops"),
        job("compress", {R.DONE: 40, R.FAILED: 3, R.BACKOFF: 5}, owner="storage"),
        job(
            "index-rebuild",
            {R.RUNNABLE: 44, R.RUNNING: 2, R.DONE: 2},
            owner="search",
            eta=NOW + 11_000,
        ),
        job("analytics-rollup", {R.JOB_DISABLED: 48}, enabled=False, owner="data"),
        job(
            "vacuum",
            {R.JOB_INVALID: 48},
            errors=("bistro_job->vacuum.backoff[2]: must be above 60, got 30",),
        ),
        job("ship-logs", {R.DONE: 48}, owner="sre"),
    )
    nodes: list[NodeRow] = [
        node("db-farm", 0, ("concurrency", 9, 12), ("network", 6, 10), running=9)
    ]
    racks = {
        "rack-a": {"db1": 2, "db2": 1, "db3": 1, "db4": 1},
        "rack-b": {"db5": 2, "db6": 1, "db7": 1, "db8": 0},
    }
    for rack, hosts in racks.items():
        total = sum(hosts.values())
        nodes.append(node(rack, 1, ("io", total, 5), running=total))
        for name, number in hosts.items():
            use = ("concurrency", number, 2)
            on = name != "db8"
            nodes.append(node(name, 2, use, running=number, enabled=on))
    runs: tuple[RunningRow, ...] = (
        running("backup", "db1", 754, pid=20117, attempt=2),
        running("backup", "db3", 312, pid=20344),
        running("verify-backup", "db1", 95, pid=20781),
        running("backup", "db5", 61, pid=20802, stopping=True, kill_at=NOW + 7),
        running("verify-backup", "db2", 44, pid=20850),
        running("backup", "db6", 38, pid=20861),
        running("index-rebuild", "db5", 21, pid=20877),
        running("verify-backup", "db7", 9, pid=20913, attempt=3),
        running("index-rebuild", "db4", 4, pid=20931),
    )
    runs = tuple(
        row._replace(
            containment="subreaper",
            rss=(412 << 20) // (number + 1),
            cpu_seconds=(NOW - row.since) * 0.83,
            processes=number % 3 + 1,
        )
        for number, row in enumerate(runs)
    )
    ends = (
        ended("backup", "db2", 3, seconds=188.2),
        ended(
            "compress",
            "db4",
            12,
            result=R.BACKOFF,
            detail="exited with status 1",
            seconds=4.2,
            retry_at=NOW + 48,
        ),
        ended("ship-logs", "db8", 17, seconds=0.8),
        ended(
            "compress",
            "db7",
            40,
            result=R.FAILED,
            detail="no more backoffs: killed by signal 9 (SIGKILL)",
            seconds=61,
        ),
        ended("backup", "db4", 71, seconds=203.0),
    )
    engine = ScriptedEngine(
        current=snapshot(
            jobs=jobs, nodes=tuple(nodes), running=runs, ended=ends, starts=187
        )
    )
    _write_logs(engine)
    _explain(engine)
    return engine


def _write_logs(engine: ScriptedEngine) -> None:
    dump = task("backup", "db1")
    verify = task("verify-backup", "db1")
    rebuild = task("index-rebuild", "db5")
    for number in range(1, 13):
        at = NOW - 60 + number * 4
        size = number * 412
        engine.write(dump, f"dumped table orders_{number:02} ({size} MB)", at=at)
        engine.write(verify, f"page {number * 1024}: checksum ok", at=at + 1)
        if number % 3 == 0:
            engine.write(
                rebuild, f"segment {number}: merged, 2 of 3 replicas", at=at + 2
            )
        if number % 5 == 0:
            engine.write(
                dump,
                f"warning: lock wait 3.{number} s on orders_{number:02}",
                stream=Stream.STDERR,
                at=at + 2,
            )
    engine.partial[dump] = {Stream.STDOUT: b"dumping table orders_13 ... 61%"}


def _explain(engine: ScriptedEngine) -> None:
    holders = (task("backup", "db1"), task("verify-backup", "db1"))
    for name in ("db2", "db4"):
        engine.explanations[task("backup", name)] = explanation(
            task("backup", name),
            R.RESOURCE,
            ("job_enabled", True, "backup is enabled"),
            ("node_enabled", True, f"{name} and all nodes above it are enabled"),
            ("backoff", True, "not in backoff"),
            ("dependency", True, "depends on no job"),
            ("resources of rack-a", False, "rack-a: io 5/5, backup needs 1"),
            holders=holders,
            would_run_if="runs when one of the tasks on rack-a ends",
        )
    engine.explanations[task("backup", "db8")] = explanation(
        task("backup", "db8"),
        R.BACKOFF,
        ("job_enabled", True, "backup is enabled"),
        ("backoff", False, "waits 48 s more of 60 s after its second failure"),
        would_run_if="runs when its backoff ends, in 48 s",
    )


def broken_engine() -> ScriptedEngine:
    """Return the busy engine after a bad edit of its config."""
    engine = busy_engine()
    text = (
        "nightly.json:12:18: expected ',' or '}' here\n"
        '  12 |     "concurrency" 3\n'
        "     |                   ^\n"
        "the last good config stays in force; nothing new starts"
    )
    engine.change(banners=(Banner(topic="config", text=text),))
    return engine


def quiet_engine() -> ScriptedEngine:
    """Return a little config whose work is all done."""
    from tests.ui.scripted import engine_state

    return ScriptedEngine(
        current=snapshot(
            state=engine_state(all_done=True),
            jobs=(job("hello", {R.DONE: 3}), job("flaky", {R.DONE: 3})),
            nodes=(
                node("laptop", 0, ("concurrency", 0, 3)),
                node("host1", 1, ("slots", 0, 2)),
                node("host2", 1, ("slots", 0, 2)),
            ),
            ended=(ended("hello", "host1", 4), ended("flaky", "host2", 9)),
        )
    )


def pool_engine() -> ScriptedEngine:
    """Return four workers in four states and three tasks, in the initial wait."""
    engine = ScriptedEngine(
        current=snapshot(
            jobs=(
                job("etl", {R.RUNNING: 2, R.WORKER: 9}),
                job("backup", {R.RUNNING: 1, R.DONE: 4}),
            ),
            nodes=(node("farm"), *(node(f"db{n}", 2) for n in range(1, 12))),
            workers=(
                worker("w1", "HEALTHY", ("mem_gb", 3, 64), running=1, slots=8),
                worker("w2", "UNHEALTHY", ("mem_gb", 64, 64), running=2, beat=200,
                       why="no heartbeat for 3m20s"),
                worker("w3", "NEW", ("mem_gb", 0, 64), slots=8,
                       why="what it runs is not known yet"),
                worker("w4", "MUST_DIE", ("mem_gb", 0, 64), beat=4000, why="lost"),
            ),
            initial_wait=WAIT,
            wait_until=NOW + 656,
            missing_workers=2,
            state=engine_state(word="paused", text=WAIT),
            running=(
                running("etl", "db1", 300, worker="w1"),
                running("etl", "db2", 200, worker="w2"),
                running("backup", "db3", 100, worker="w2"),
            ),
        )
    )  # fmt: skip
    engine.write(task("etl", "db1"), "copied table 7")
    engine.write(task("backup", "db3"), "saved 3 of 4")
    return engine
