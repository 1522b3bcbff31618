"""``/metrics``: what Prometheus reads.

A module to be imported late: its library takes a while to load.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

import bistro_tui
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.measures import Spread
from bistro_tui.engine.publish import state_word
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.totals import sum_of, usage_by_level
from bistro_tui.engine.tallies import Counts
from bistro_tui.engine.view import WorkerRow
from bistro_tui.engine.worker_rows import WorkersNow, by_state

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

MOST_JOBS = 500
"""Of more jobs than that only sums are told: each has up to sixteen time series."""

MOST_WORKERS = 500
"""The same of workers."""

JOBS_AT_ONCE = 16
"""Told of in one go: to write a line takes some microseconds."""

_P = "bistro_tui_"
_STATES = ("running", "disabled", "paused", "stopping")


async def render(desk: Desk) -> bytes:
    """Return all that is measured in the text format of Prometheus, as UTF-8.

    Nothing foreign makes it fail: names are escaped, and what is no UTF-8 in them is
    shown as its code.
    """
    turns = Turns()
    counts = await desk.tallies.counts(desk.core.state, turns.rest)
    # Not the library's own registry: that belongs to the process, not to one engine.
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    pieces = [generate_latest(registry)]
    last = ""
    for metric in _metrics(desk, counts):
        piece = generate_latest(_One(metric))
        if metric.name == last:
            # What it is and what it is for was said above the lines before.
            piece = piece.split(b"\n", 2)[2]
        pieces.append(piece)
        last = metric.name
        await turns.rest()
    return b"".join(pieces)


class _One(Collector):
    """Collects one metric or a part of it, so that no turn of the loop is too long."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        """Return the metric."""
        return (self._metric,)


def _metrics(desk: Desk, counts: Counts) -> Iterator[Metric]:
    """Yield all metrics; a long one in parts, one behind the other."""
    yield from _of_scheduler(desk)
    yield from _of_tasks(desk, counts)
    yield from _of_resources(desk)
    yield from _of_workers(desk.workers())
    yield from _of_loop_and_stores(desk)
    yield from _of_requests(desk)


def _of_scheduler(desk: Desk) -> Iterator[Metric]:
    core, now = desk.core, desk.clock.now()
    build = GaugeMetricFamily(
        f"{_P}build_info", "Always 1; its labels say what this is.", labels=["version"]
    )
    build.add_metric([bistro_tui.__version__], 1)
    yield build
    uptime = max(0.0, now.mono - desk.started.mono)
    yield _gauge("uptime_seconds", "Seconds since the scheduler's start.", uptime)
    state = GaugeMetricFamily(
        f"{_P}state", "1 for what the scheduler does now, else 0.", labels=["state"]
    )
    word = state_word(core)
    for one in _STATES:
        state.add_metric([one], one == word)
    yield state
    version = desk.world.version
    yield _gauge("config_version", "Good configs so far in this run.", version)
    is_broken = desk.world.is_broken
    yield _gauge("config_broken", "1 while the config file is bad.", is_broken)
    yield _gauge("jobs", "Jobs of the config.", len(core.state.jobs))
    running = core.state.attempts.live
    yield _gauge("running_attempts", "Attempts that run.", running)


def _of_tasks(desk: Desk, counts: Counts) -> Iterator[Metric]:
    tasks = GaugeMetricFamily(f"{_P}tasks", "Tasks by reason.", labels=["reason"])
    for reason, number in sum_of(counts).items():
        tasks.add_metric([reason.value], number)
    yield tasks
    yield from _by_job(counts)
    yield _counter("task_starts", "Attempts started.", desk.core.starts)
    ends = CounterMetricFamily(
        f"{_P}task_ends", "Attempts that ended, by result.", labels=["result"]
    )
    for result, number in desk.measures.ends().items():
        ends.add_metric([result], number)
    yield ends
    durations = desk.measures.durations()
    yield _histogram("task_duration_seconds", "Seconds that attempts took.", durations)


def _by_job(counts: Counts) -> Iterator[Metric]:
    # What no UTF-8 can hold is shown as its code, so two may look the same.
    alike: dict[str, list[JobName]] = {}
    for job in counts if len(counts) <= MOST_JOBS else ():
        alike.setdefault(_clean(job), []).append(job)
    shown = tuple(alike.items())
    for begin in range(0, max(1, len(shown)), JOBS_AT_ONCE):
        part = GaugeMetricFamily(
            f"{_P}job_tasks",
            f"Tasks by job and reason, zeros left out; for up to {MOST_JOBS} jobs, with"
            " more of them none is told.",
            labels=["job", "reason"],
        )
        for name, jobs in shown[begin : begin + JOBS_AT_ONCE]:
            sums: Counter[Reason] = Counter()
            for job in jobs:
                sums.update(counts[job])
            for reason, number in sums.items():
                part.add_metric([name, reason.value], number)
        yield part


def _of_resources(desk: Desk) -> Iterator[Metric]:
    labels = ["level", "resource"]
    used = GaugeMetricFamily(
        f"{_P}resource_used",
        "In use of a resource, summed over the nodes of its level.",
        labels=labels,
    )
    limit = GaugeMetricFamily(
        f"{_P}resource_limit",
        "Limit of a resource, summed over the nodes of its level.",
        labels=labels,
    )
    sums: Counter[tuple[str, str]] = Counter()
    most: Counter[tuple[str, str]] = Counter()
    for level, usages in usage_by_level(desk.core.state).items():
        for resource, taken, there in usages:
            key = _clean(level), _clean(resource)
            sums[key] += taken
            most[key] += there
    for key in most:
        used.add_metric(key, sums[key])
        limit.add_metric(key, most[key])
    yield used
    yield limit


def _of_workers(there: WorkersNow) -> Iterator[Metric]:
    states = GaugeMetricFamily(f"{_P}workers", "Workers by state.", labels=["state"])
    for state, number in by_state(there.rows).items():
        states.add_metric([state], number)
    yield states
    waits = bool(there.initial_wait)
    yield _gauge("initial_wait", "1 while nothing starts for want of workers.", waits)
    about = f"; for up to {MOST_WORKERS} workers, with more of them none is told."
    running = GaugeMetricFamily(
        f"{_P}worker_running", f"Tasks that a worker has{about}", labels=["worker"]
    )
    labels = ["worker", "resource"]
    used = GaugeMetricFamily(
        f"{_P}worker_resource_used",
        f"In use of a resource of a worker{about}",
        labels=labels,
    )
    limit = GaugeMetricFamily(
        f"{_P}worker_resource_limit",
        f"Limit of a resource of a worker{about}",
        labels=labels,
    )
    alike: dict[str, list[WorkerRow]] = {}
    for row in there.rows if len(there.rows) <= MOST_WORKERS else ():
        alike.setdefault(_clean(row.shard), []).append(row)
    for name, rows in alike.items():
        running.add_metric([name], sum(row.running for row in rows))
        sums: Counter[str] = Counter()
        most: Counter[str] = Counter()
        for resource, taken, there_is in (one for row in rows for one in row.usage):
            sums[_clean(resource)] += taken
            most[_clean(resource)] += there_is
        for resource in most:
            used.add_metric([name, resource], sums[resource])
            limit.add_metric([name, resource], most[resource])
    yield from (running, used, limit)


def _of_loop_and_stores(desk: Desk) -> Iterator[Metric]:
    measures, logs = desk.measures, desk.logs
    lag = GaugeMetricFamily(
        f"{_P}loop_lag_seconds",
        "How late the engine's loop was in the last minute; quantile 1 is the most.",
        labels=["quantile"],
    )
    for quantile, seconds in zip(("0.5", "0.99", "1"), measures.lag(), strict=True):
        lag.add_metric([quantile], seconds)
    yield lag
    yield _histogram(
        "status_commit_seconds",
        "Seconds that commits of statuses took, with the output before them.",
        measures.commits(),
    )
    unstored = desk.core.unstored
    yield _gauge("unstored_statuses", "Statuses that wait for the disk.", unstored)
    waiting = logs.waiting_bytes
    yield _gauge("waiting_log_bytes", "Bytes of output that wait for it.", waiting)
    stored = logs.stored_lines
    yield _counter("log_lines_stored", "Lines of output stored.", stored)
    lines, size, attempts = logs.dropped
    yield _counter("log_lines_dropped", "Lines of output that were dropped.", lines)
    yield _counter("log_bytes_dropped", "Bytes of output that were dropped.", size)
    yield _counter(
        "attempt_records_dropped", "Records of attempts that were dropped.", attempts
    )


def _of_requests(desk: Desk) -> Iterator[Metric]:
    answers = CounterMetricFamily(
        f"{_P}http_requests", "Requests answered, by HTTP status.", labels=["code"]
    )
    for code, number in sorted(desk.measures.answers().items()):
        answers.add_metric([str(code)], number)
    yield answers
    subqueries = CounterMetricFamily(
        f"{_P}subqueries",
        "Subqueries answered, by handler and outcome: data or error.",
        labels=["handler", "outcome"],
    )
    for (handler, ok), number in sorted(desk.measures.subqueries().items()):
        subqueries.add_metric([handler, "data" if ok else "error"], number)
    yield subqueries


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_P}{name}", about, value=value)


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(f"{_P}{name}", about, value=value)


def _histogram(name: str, about: str, spread: Spread) -> Metric:
    buckets = [(str(bound), float(number)) for bound, number in spread.buckets]
    buckets.append(("+Inf", float(spread.number)))
    return HistogramMetricFamily(
        f"{_P}{name}", about, buckets=buckets, sum_value=spread.total
    )


def _clean(name: str) -> str:
    """Return a name as text that UTF-8 can hold."""
    return name.encode("utf-8", "backslashreplace").decode()
