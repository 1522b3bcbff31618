"""One whole night of a database farm: snapshots, logs and answers that agree.

Everything is derived from one table of states, so that each page has what a person
would find there: 24 hosts in three racks, backups that queue for a rack's disks.
"""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from bistro_tui.engine.view import (
    Attempt,
    Claims,
    ConfigFacts,
    ConfigProblem,
    EndedRow,
    Failure,
    Holding,
    JobFacts,
    JobGrid,
    JobName,
    JobRow,
    LevelName,
    NodeName,
    NodeRow,
    Notice,
    Reason,
    ResourceName,
    RunningRow,
    Stream,
    TaskRow,
    Waiting,
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
PLACES = {reason: place for place, reason in enumerate(Reason)}
HOSTS = tuple(f"db{number:02}" for number in range(1, 25))
RACKS = ("rack-a", "rack-b", "rack-c")
OFF = "db24"


def _at(*parts: tuple[Reason, Iterable[int]]) -> dict[str, Reason]:
    """Return the state of each host's task, by the numbers of the hosts."""
    return {HOSTS[n - 1]: reason for reason, numbers in parts for n in numbers}


STATES: dict[str, dict[str, Reason]] = {
    "extract-orders": _at((R.DONE, range(1, 25))),
    "backup": _at(
        (R.DONE, (3, 4, 6, 7, 8, 12, 13, 14, 17, 18, 19, 20, 21, 22)),
        (R.RUNNING, (1, 2, 9, 10)),
        (R.RESOURCE, (5, 11, 15, 16)),
        (R.BACKOFF, (23,)),
        (R.NODE_DISABLED, (24,)),
    ),
    "verify-backup": _at(
        (R.DONE, (6, 7, 8, 13, 14, 17, 18, 19, 20)),
        (R.RUNNING, (3, 12)),
        (R.RUNNABLE, (4, 21, 22)),
        (R.DEPENDENCY, (1, 2, 5, 9, 10, 11, 15, 16, 23)),
        (R.NODE_DISABLED, (24,)),
    ),
    "compress": _at(
        (R.DONE, (1, 2, 3, 5, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 24)),
        (R.FAILED, (4, 7, 12, 21)),
        (R.BACKOFF, (6, 22, 23)),
    ),
    "index-rebuild": _at(
        (R.DONE, (5, 11, 17, 18, 19, 20)),
        (R.RUNNING, (1, 13, 21)),
        (R.RUNNABLE, (*range(6, 9), *range(14, 17), 22, 23)),
        (R.RESOURCE, (2, 3, 4, 9, 10, 12)),
        (R.NODE_DISABLED, (24,)),
    ),
    "analytics-rollup": _at((R.JOB_DISABLED, range(1, 25))),
    "vacuum": _at((R.JOB_INVALID, range(1, 25))),
    "ship-logs": _at((R.DONE, range(1, 25))),
}

NEEDS = {
    "backup": {"concurrency": 1, "io": 2, "network": 2},
    "verify-backup": {"concurrency": 1, "io": 0, "network": 0},
    "index-rebuild": {"concurrency": 1, "io": 0, "network": 0},
}
LIMITS = {"network": 10, "io": 4, "concurrency": 2}
USUAL = {
    "extract-orders": 40.0,
    "backup": 300.0,
    "verify-backup": 45.0,
    "compress": 20.0,
    "index-rebuild": 90.0,
    "ship-logs": 2.0,
}
PRIORITIES = {"backup": 5.0, "verify-backup": 2.0}
OWNERS = {
    "extract-orders": "data",
    "compress": "storage",
    "index-rebuild": "search",
    "analytics-rollup": "data",
    "ship-logs": "sre",
}
ETAS = {"backup": 2_520, "verify-backup": 3_100, "index-rebuild": 11_000}
AGES = {
    ("backup", "db01"): 754,
    ("backup", "db09"): 312,
    ("backup", "db02"): 61,
    ("backup", "db10"): 38,
    ("verify-backup", "db03"): 95,
    ("verify-backup", "db12"): 9,
    ("index-rebuild", "db01"): 44,
    ("index-rebuild", "db13"): 21,
    ("index-rebuild", "db21"): 4,
}

FAILURES = (
    # job's host, seconds ago, last line: three of a kind, two of a kind, one alone.
    ("db04", 61, "ERROR: connection to db04:5432 refused"),
    ("db07", 40, "ERROR: connection to db07:5432 refused"),
    ("db06", 12, "ERROR: connection to db06:5432 refused"),
    ("db22", 25, "zstd: /var/tmp/orders_22.sql: No space left on device"),
    ("db23", 31, "zstd: /var/tmp/orders_23.sql: No space left on device"),
    ("db12", 188, "compress.sh: line 31: zstd: command not found"),
    ("db21", 203, ""),
)

CONFIG = """\
{
  "bistro_settings": {
    "enabled": true,
    "working_wait": 0.5,
    "nodes": {
      "levels": ["rack", "host"],
      "node_sources": [{"source": "file", "prefs": {"file": "nodes.txt"}}]
    },
    "resources": {
      "instance": {"network": {"default": 0, "limit": 10}},
      "rack": {"io": {"default": 0, "limit": 4}},
      "host": {"concurrency": {"default": 1, "limit": 2}}
    }
  },

  // Everything before 05:00: the reports read from the replicas.
  "bistro_job->backup": {
    "owner": "ops",
    "enabled": true,
    "priority": 5,
    "command": ["/srv/backup/dump.sh", "--all-tables"],
    "resources": {"network": 2, "io": 2},
    "backoff": [60, 300, "fail"],
    "kill_orphan_tasks_after_sec": 600
  },

  "bistro_job->verify-backup": {
    "owner": "ops",
    "enabled": true,
    "priority": 2,
    "command": ["/srv/backup/verify.sh"],
    "depends_on": ["backup"]
  },

  "bistro_job->vacuum": {
    "owner": "ops",
    "enabled": true,
    "command": ["/srv/db/vacuum.sh"],
    "backoff": [60, 30]
  }
}
"""
VACUUM_ERROR = "bistro_job->vacuum.backoff[1]: must be above 60, got 30"
PLACE_OF_ERROR = (38, 21)


def rack_of(host: str) -> str:
    return RACKS[HOSTS.index(host) // 8]


def night_engine() -> ScriptedEngine:
    """Return the farm at three in the morning of its own clock."""
    runs, ends = _runs(), _ends()
    engine = ScriptedEngine(
        current=snapshot(
            state=engine_state(config_path="nightly.json"),
            jobs=tuple(_jobs()),
            nodes=tuple(_nodes(runs)),
            running=runs,
            ended=ends,
            starts=187,
            structure=1,
        )
    )
    engine.config = ConfigFacts(
        path="nightly.json",
        version=3,
        loaded=NOW - 130,
        problems=(
            ConfigProblem(
                file="nightly.json",
                line=PLACE_OF_ERROR[0],
                column=PLACE_OF_ERROR[1],
                path="bistro_job->vacuum.backoff[1]",
                message="must be above 60, got 30",
                job=JobName("vacuum"),
                is_error=True,
            ),
        ),
        is_in_force=True,
    )
    engine.attempts = _attempts()
    engine.task_rows = [_task_row(*one) for one in _all_states()]
    _write_logs(engine)
    _fail(engine)
    _explain(engine)
    _tell_of_jobs(engine)
    _tell_of_claims(engine, runs)
    _tell_what_was_said(engine)
    return engine


def _all_states() -> list[tuple[str, str, Reason]]:
    return [
        (name, host, states[host]) for name, states in STATES.items() for host in HOSTS
    ]


def _jobs() -> list[JobRow]:
    return [
        job(
            name,
            Counter(states.values()),
            owner=OWNERS.get(name, "ops"),
            enabled=name != "analytics-rollup",
            errors=(VACUUM_ERROR,) if name == "vacuum" else (),
            priority=PRIORITIES.get(name, 1.0),
            eta=NOW + ETAS[name] if name in ETAS else None,
        )
        for name, states in STATES.items()
    ]


def _runs() -> tuple[RunningRow, ...]:
    rows = []
    for number, ((name, host), age) in enumerate(
        sorted(AGES.items(), key=lambda item: -item[1])
    ):
        is_stopping = (name, host) == ("backup", "db02")
        rows.append(
            running(
                name,
                host,
                age,
                pid=20_117 + number * 97,
                attempt=2 if host == "db01" and name == "backup" else 1,
                stopping=is_stopping,
                kill_at=NOW + 7 if is_stopping else None,
                containment="cgroup",
                rss=(412 << 20) // (number + 1),
                cpu_seconds=age * 0.83,
                processes=number % 3 + 1,
            )
        )
    return tuple(rows)


def _nodes(runs: tuple[RunningRow, ...]) -> list[NodeRow]:
    on_host = Counter(row.task.node for row in runs)

    def used(resource: str, hosts: Iterable[str]) -> int:
        wanted = set(hosts)
        return sum(
            NEEDS[row.task.job][resource] for row in runs if row.task.node in wanted
        )

    rows = [
        node(
            "db-farm",
            0,
            ("network", used("network", HOSTS), LIMITS["network"]),
            running=len(runs),
        )
    ]
    for rack in RACKS:
        hosts = [host for host in HOSTS if rack_of(host) == rack]
        total = sum(on_host[NodeName(host)] for host in hosts)
        use = ("io", used("io", hosts), LIMITS["io"])
        rows.append(node(rack, 1, use, running=total))
        for host in hosts:
            here = on_host[NodeName(host)]
            use = ("concurrency", here, LIMITS["concurrency"])
            rows.append(node(host, 2, use, running=here, enabled=host != OFF))
    return rows


def _ends() -> tuple[EndedRow, ...]:
    failed = [
        ended(
            "compress",
            host,
            ago,
            result=STATES["compress"][host],
            detail="exited with status 1" if line else "killed by signal 9 (SIGKILL)",
            seconds=4.2 + ago / 10,
            retry_at=NOW + 60 - ago if STATES["compress"][host] is R.BACKOFF else None,
        )
        for host, ago, line in FAILURES
    ]
    done = [
        ended("verify-backup", "db20", 3, seconds=38.2),
        ended("ship-logs", "db08", 17, seconds=0.8),
        ended("index-rebuild", "db11", 71, seconds=103.0),
        ended("backup", "db12", 84, seconds=288.0),
        ended("verify-backup", "db19", 96, seconds=47.5),
    ]
    return tuple(sorted((*failed, *done), key=lambda row: -row.ended))


def _attempts() -> list[Attempt]:
    rng = random.Random(7)
    found = []
    for name, host, reason in _all_states():
        if reason not in (R.DONE, R.FAILED, R.BACKOFF):
            continue
        tries = {R.DONE: 1, R.BACKOFF: 2, R.FAILED: 3}[reason]
        took = USUAL[name] * rng.uniform(0.6, 1.5)
        end = NOW - rng.uniform(200, 3_000)
        for number in range(tries, 0, -1):
            is_last = number == tries
            bad = reason is not R.DONE
            result = "failed" if reason is R.FAILED and is_last else "error_backoff"
            found.append(
                Attempt(
                    task=task(name, host),
                    invocation=f"{int(end - took)}-{name}-{number}",
                    started=end - took,
                    ended=end,
                    result=result if bad else "done",
                    exit=f"exited with status {int(bad)}",
                    detail="",
                    worker="local",
                    peak_memory=rng.randrange(40, 700) << 20,
                    cpu_seconds=took * 0.8,
                )
            )
            end -= took + 60
    return sorted(found, key=lambda one: (-one.ended, one.task))


def _task_row(name: str, host: str, reason: Reason) -> TaskRow:
    age = AGES.get((name, host))
    ago = next((ago for on, ago, _ in FAILURES if on == host), 40)
    rack = rack_of(host)
    why = {
        R.RUNNING: "runs",
        R.DONE: "is done",
        R.FAILED: "failed: no more backoffs",
        R.BACKOFF: f"waits {60 - ago} s more of 60 s after its second failure",
        R.RESOURCE: f"{rack}: io 4/4, backup needs 2"
        if name == "backup"
        else f"{host}: concurrency 2/2, {name} needs 1",
        R.DEPENDENCY: f"backup@{host} is not done",
        R.NODE_DISABLED: f"{host} is disabled",
        R.JOB_DISABLED: f"{name} is disabled",
        R.JOB_INVALID: f"{name} is invalid",
    }
    since: float | None = None
    if reason in (R.DONE, R.FAILED, R.BACKOFF):
        since = NOW - ago
    return TaskRow(
        task=task(name, host),
        reason=reason,
        since=since if age is None else NOW - age,
        attempts={R.DONE: 1, R.RUNNING: 1, R.BACKOFF: 2, R.FAILED: 3}.get(reason, 0),
        next_run=NOW + 60 - ago if reason is R.BACKOFF else None,
        why=why.get(reason, "can start"),
    )


def _write_logs(engine: ScriptedEngine) -> None:
    dump = task("backup", "db01")
    other = task("backup", "db09")
    verify = task("verify-backup", "db03")
    rebuild = task("index-rebuild", "db13")
    for number in range(1, 25):
        at = NOW - 110 + number * 4
        engine.write(
            dump, f"dumped table orders_{number:02} ({number * 412} MB)", at=at
        )
        engine.write(verify, f"page {number * 1024}: checksum ok", at=at + 1)
        if number % 2 == 0:
            engine.write(other, f"dumped table users_{number:02} (88 MB)", at=at + 1)
        if number % 3 == 0:
            merged = f"\x1b[32msegment {number}\x1b[0m: merged, 2 of 3 replicas"
            engine.write(rebuild, merged, at=at + 2)
        if number % 5 == 0:
            engine.write(
                dump,
                f"warning: lock wait 3.{number} s on orders_{number:02}",
                stream=Stream.STDERR,
                at=at + 2,
            )
    engine.partial[dump] = {Stream.STDOUT: b"dumping table orders_25 ... 61%"}


def _fail(engine: ScriptedEngine) -> None:
    for host, ago, line in FAILURES:
        whose = task("compress", host)
        engine.write(whose, "compressing orders", "block 1 of 9", at=NOW - ago - 3)
        if line:
            engine.write(whose, line, stream=Stream.STDERR, at=NOW - ago)
        engine.failed.append(
            Failure(
                task=whose,
                reason=STATES["compress"][host],
                ended=NOW - ago,
                exit="exited with status 1" if line else "killed by signal 9 (SIGKILL)",
                last_line=line.encode(),
                line_id=engine.logs[whose][-1].line_id if line else 0,
            )
        )
    engine.failed.append(
        Failure(
            task=task("backup", "db23"),
            reason=R.BACKOFF,
            ended=NOW - 31,
            exit="exited with status 2",
            last_line=b"pg_dump: error: terminating connection due to timeout",
            line_id=0,
        )
    )
    engine.failed.sort(key=lambda one: -one.ended)


def _explain(engine: ScriptedEngine) -> None:
    enabled = ("job_enabled", True, "backup is enabled")
    for host in ("db05", "db11", "db15", "db16"):
        rack = rack_of(host)
        holders = ("db01", "db02") if rack == "rack-a" else ("db09", "db10")
        engine.explanations[task("backup", host)] = explanation(
            task("backup", host),
            R.RESOURCE,
            enabled,
            ("node_enabled", True, f"{host} and all nodes above it are enabled"),
            ("backoff", True, "not in backoff"),
            ("dependency", True, "depends on no job"),
            (f"resources of {rack}", False, f"{rack}: io 4/4, backup needs 2"),
            holders=tuple(task("backup", holder) for holder in holders),
            would_run_if=f"runs when one of the tasks on {rack} ends",
        )
    engine.explanations[task("backup", "db23")] = explanation(
        task("backup", "db23"),
        R.BACKOFF,
        enabled,
        ("backoff", False, "waits 29 s more of 60 s after its second failure"),
        would_run_if="runs when its backoff ends, in 29 s",
    )
    for host, reason in STATES["verify-backup"].items():
        if reason is R.DEPENDENCY:
            engine.explanations[task("verify-backup", host)] = explanation(
                task("verify-backup", host),
                reason,
                ("job_enabled", True, "verify-backup is enabled"),
                ("dependency", False, f"backup@{host} is not done"),
                would_run_if=f"runs when backup@{host} is done",
            )


def _tell_of_jobs(engine: ScriptedEngine) -> None:
    text = CONFIG.splitlines()
    for name, states in STATES.items():
        key = JobName(name)
        engine.grids[key] = JobGrid(
            job=key,
            level=LevelName("host"),
            nodes=tuple(map(NodeName, HOSTS)),
            reasons=bytes(PLACES[states[host]] for host in HOSTS),
        )
        begin = next((n for n, line in enumerate(text) if f'->{name}"' in line), -1)
        excerpt: tuple[str, ...] = ()
        if begin >= 0:
            end = next(n for n in range(begin, len(text)) if text[n].startswith("  }"))
            excerpt = tuple(text[begin : end + 1])
        needs = NEEDS.get(name, {"concurrency": 1})
        engine.facts[key] = JobFacts(
            job=key,
            facts=(
                ("command", f"/srv/{name}/run.sh --all-tables"),
                ("level", "host"),
                ("resources", ", ".join(f"{r} {n}" for r, n in needs.items() if n)),
                ("backoff", "60 s, 300 s, then it fails"),
                ("kill", "SIGTERM, after 10 s SIGKILL"),
            ),
            depends_on=(JobName("backup"),) if name == "verify-backup" else (),
            needed_by=(JobName("verify-backup"),) if name == "backup" else (),
            file="nightly.json",
            line=begin + 1,
            excerpt=excerpt,
            throughput=1.8 if name in NEEDS else None,
            median_seconds=USUAL.get(name),
        )


def _tell_of_claims(engine: ScriptedEngine, runs: tuple[RunningRow, ...]) -> None:
    for row in engine.current.nodes:
        for usage in row.usage:
            holders = [
                Holding(task=one.task, amount=NEEDS[one.task.job][usage.resource])
                for one in runs
                if NEEDS[one.task.job][usage.resource]
                and _is_below(one.task.node, row.name)
            ]
            engine.claimed[row.name, ResourceName(usage.resource)] = Claims(
                node=row.name,
                resource=ResourceName(usage.resource),
                used=usage.used,
                limit=usage.limit,
                holders=tuple(holders),
                waiters=tuple(_waiters(row.name, usage.resource)),
            )


def _is_below(host: str, where: str) -> bool:
    return where in ("db-farm", rack_of(host), host)


def _waiters(where: str, resource: str) -> list[Waiting]:
    lacking = {"backup": "io", "index-rebuild": "concurrency"}
    found = []
    for name, lacks in lacking.items():
        hosts = [
            host
            for host in HOSTS
            if STATES[name][host] is R.RESOURCE
            and lacks == resource
            and _is_below(host, where)
        ]
        if hosts:
            found.append(
                Waiting(
                    job=JobName(name),
                    need=NEEDS[name][resource],
                    tasks=len(hosts),
                    first=task(name, hosts[0]),
                )
            )
    return found


def _tell_what_was_said(engine: ScriptedEngine) -> None:
    said = (
        (7_260, "info", "started: nightly.json, 8 jobs, 28 nodes"),
        (7_259, "info", "config version 1 is in force"),
        (3_900, "info", "config version 2 is in force: backup.priority 1 → 5"),
        (1_820, "warning", "db24 is disabled: 4 tasks there cannot start"),
        (310, "info", "forgave compress: 5 tasks may run again (ops, by REST)"),
        (131, "error", f"vacuum is invalid: {VACUUM_ERROR}"),
        (130, "info", "config version 3 is in force: vacuum added"),
        (3, "info", "backup@db02 is being stopped (SIGTERM, SIGKILL in 10 s)"),
    )
    engine.said = [
        Notice(serial=serial, at=NOW - ago, level=level, text=text)
        for serial, (ago, level, text) in enumerate(said, 1)
    ]


def day_engine() -> ScriptedEngine:
    """Return a second, smaller scheduler that has one job in common with the night."""
    jobs = (
        job("backup", {R.DONE: 2, R.RUNNING: 1}, owner="day-ops", priority=1.0),
        job("thumbnails", {R.RUNNABLE: 2, R.RUNNING: 1}, owner="web"),
    )
    runs = (running("backup", "web1", 12), running("thumbnails", "web2", 48))
    return ScriptedEngine(
        current=snapshot(
            state=replace(engine_state(instance="web-farm"), config_path="day.json"),
            jobs=jobs,
            nodes=(
                node("web-farm", 0, ("slots", 2, 6), running=2),
                *(node(f"web{n}", 1, ("cpu", int(n < 3), 2)) for n in range(1, 4)),
            ),
            running=runs,
            ended=(ended("backup", "web3", 30, seconds=14.0),),
        )
    )
