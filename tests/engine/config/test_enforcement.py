"""What the kernel is told of a job's tasks."""

import pytest

from bistro_tui.engine.config.model import Enforcement, Json
from bistro_tui.engine.config.parse import parse_config
from bistro_tui.engine.ids import JobName
from tests.engine.config.builders import config_json, settings_json

MIB = 2**20


def enforced(
    need: int, *, ram: dict[str, Json] | None = None, cpu: dict[str, Json] | None = None
) -> Enforcement:
    """Return what holds for a job that needs so much of each."""
    physical: Json = {}
    if ram is not None:
        physical["ram_mb"] = {"logical_resource": "ram", **ram}
    if cpu is not None:
        physical["cpu_core"] = {"logical_resource": "cpu", **cpu}
    worker = {name: {"limit": 9, "default": 2} for name in ("ram", "cpu")}
    settings = settings_json(resources={"worker": worker}, physical_resources=physical)
    job: Json = {"resources": {"ram": need, "cpu": need}}
    parsed = parse_config(config_json(settings, {"a": job, "b": {}}))
    assert parsed.config is not None, parsed.problems
    return parsed.config.jobs[JobName("a")].enforcement


@pytest.mark.parametrize(
    ("need", "multiply", "memory_max"),
    [
        # Bistro's own test, whose MB are bytes there.
        (3, 1024, 3072 * MIB),
        (1, 1, MIB),
        (5, 0.5, 3 * MIB),
        (5, 0.4, 2 * MIB),
        (1, 0.4, 0),
        (0, 1024, 0),
        (-3, 1024, 0),
        (3, -1024, 0),
        (2**62, 1e300, (2**63 - 1) // MIB * MIB),
    ],
)
def test_hard_memory_is_a_limit_in_whole_mb(
    need: int, multiply: float, memory_max: int
) -> None:
    ram: Json = {"enforcement": "hard", "multiply_logical_by": multiply}
    assert enforced(need, ram=ram) == Enforcement(memory_max=memory_max)


@pytest.mark.parametrize(
    ("need", "multiply", "weight"),
    [
        # As a group without any weight.
        (1, 1, 100),
        (2, 1, 200),
        (1, 0.5, 50),
        (1, 1e-9, 1),
        (99, 1, 9900),
        (1000, 1, 10_000),
        (0, 1, 0),
        (-1, 1, 0),
    ],
)
def test_soft_cpu_is_a_weight_of_100_a_core(
    need: int, multiply: float, weight: int
) -> None:
    cpu: Json = {"enforcement": "soft", "multiply_logical_by": multiply}
    assert enforced(need, cpu=cpu) == Enforcement(cpu_weight=weight)


def test_without_the_word_nothing_is_enforced() -> None:
    assert enforced(3, ram={}, cpu={"enforcement": "none"}) == Enforcement()
    assert enforced(3) == Enforcement()


def test_both_hold_together() -> None:
    ram: Json = {"enforcement": "hard"}
    found = enforced(3, ram=ram, cpu={"enforcement": "soft"})
    assert found == Enforcement(memory_max=3 * MIB, cpu_weight=300)


def test_a_default_is_held_to_like_an_amount_of_the_jobs_own() -> None:
    settings = settings_json(
        resources={"worker": {"ram": {"limit": 9, "default": 2}}},
        physical_resources={
            "ram_mb": {"logical_resource": "ram", "enforcement": "hard"}
        },
    )
    first = parse_config(config_json(settings, {"a": {}}))
    assert first.config is not None
    assert first.config.jobs[JobName("a")].enforcement.memory_max == 2 * MIB
    # Also for a job that is not read again after an edit of the settings alone.
    settings["physical_resources"]["ram_mb"]["multiply_logical_by"] = 3
    second = parse_config(config_json(settings, {"a": {}}), known=first.known)
    assert second.config is not None
    assert second.config.jobs[JobName("a")].enforcement.memory_max == 6 * MIB
