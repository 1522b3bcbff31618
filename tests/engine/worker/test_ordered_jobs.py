"""What a worker makes of the orders of its scheduler."""

from typing import Any

import msgspec
import pytest

from bistro_tui.engine.config.model import KillMethod, KillSettings, StatusFrom
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.remote.messages import KillWords, Order
from bistro_tui.engine.worker.ordered_jobs import OrderedJobs, kill_settings

ETL = JobName("etl")
ORDER = Order(
    config="{}",
    command=("/bin/echo", "{node}"),
    env={"A": "1"},
    status_from="exit_code",
    timeout_sec=2.5,
    kill=KillWords("term_wait_kill", 700),
    lines_per_interval=50,
    memory_max=1 << 30,
    cpu_weight=200,
)


def test_all_that_running_takes_is_in_the_job() -> None:
    job = OrderedJobs().job(ETL, ORDER)
    assert (job.name, job.command, job.env) == ("etl", ORDER.command, ORDER.env)
    assert (job.status_from, job.timeout_sec) == (StatusFrom.EXIT_CODE, 2.5)
    assert job.kill_subprocess == KillSettings(kill_wait_ms=700)
    assert job.task_subprocess.max_log_lines_per_poll_interval == 50
    assert (job.enforcement.memory_max, job.enforcement.cpu_weight) == (1 << 30, 200)


def test_orders_that_differ_in_the_task_alone_are_one_job() -> None:
    jobs = OrderedJobs()
    first = jobs.job(ETL, ORDER)
    # As it comes over a wire: equal, and not the same object.
    other = msgspec.msgpack.decode(msgspec.msgpack.encode(ORDER), type=Order)
    other = msgspec.structs.replace(other, config='{"id": "etl"}')
    assert jobs.job(ETL, other) is first
    assert jobs.job(JobName("other"), ORDER) is not first
    assert jobs.job(ETL, ORDER) is first


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("command", ()),
        ("env", {}),
        ("status_from", "file"),
        ("timeout_sec", None),
        ("kill", KillWords("kill", 700)),
        ("lines_per_interval", 0),
        ("memory_max", 0),
        ("cpu_weight", 0),
    ],
)
def test_orders_that_differ_otherwise_are_another_job(field: str, value: Any) -> None:
    jobs = OrderedJobs()
    first = jobs.job(ETL, ORDER)
    second = jobs.job(ETL, msgspec.structs.replace(ORDER, **{field: value}))
    assert second != first


@pytest.mark.parametrize(
    "change", [{"status_from": "stars"}, {"kill": KillWords("ask", 1)}]
)
def test_words_that_this_worker_lacks_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        OrderedJobs().job(ETL, msgspec.structs.replace(ORDER, **change))


def test_how_to_kill_is_told_in_the_words_of_a_config() -> None:
    for method in KillMethod:
        found = kill_settings(KillWords(method.value, 5))
        assert found == KillSettings(method=method, kill_wait_ms=5)
