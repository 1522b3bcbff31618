"""Bistro's table of worker resources: configured, measured, cards, override."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.parse import parse_config
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.physical.host import Gpu, HostResources
from bistro_tui.engine.physical.limits import worker_limits
from tests.engine.config.builders import config_json, settings_json

LOCAL = NodeName("local")
K80 = Gpu(bus_id="0000:8A:00.0", name="Tesla K80", memory_mb=11441)
T4 = Gpu(bus_id="0000:8B:00.0", name="T4")
HOST = HostResources(name="box", cpu_cores=8, ram_mb=16_000.5, gpus=(K80, K80, T4))


def limits(
    host: HostResources,
    physical: dict[str, Json],
    *,
    override: dict[str, dict[str, int]] | None = None,
    models: dict[str, int] | None = None,
    **named: int,
) -> dict[str, int]:
    configured = {**named, **(models or {})}
    worker: Json = {name: {"limit": n, "default": 0} for name, n in configured.items()}
    raw = settings_json(
        resources={"worker": worker},
        physical_resources=physical,
        worker_resources_override=override or {},
    )
    parsed = parse_config(config_json(raw, {}))
    assert parsed.config is not None, parsed.problems
    found = worker_limits(parsed.config.settings, host, LOCAL)
    return {str(name): limit for name, limit in found.items()}


def mapped(name: str, multiply: float = 1, reserve: float = 0) -> Json:
    return {
        "logical_resource": name,
        "multiply_logical_by": multiply,
        "physical_reserve_amount": reserve,
    }


@pytest.mark.parametrize(
    ("ram_mb", "multiply", "reserve", "limit"),
    [
        (4096.0, 1, 0, 4096),
        (4096.9, 1, 0, 4096),
        (4096.0, 1024, 0, 4),
        (4095.0, 1024, 0, 3),
        (4096.0, 1024, 1024, 3),
        (4096.0, 1024, 1023.5, 3),
        (4096.0, 1024, 5000, 0),
        (4096.0, 1024, -1024, 5),
        (4096.0, 0.5, 96, 8000),
        (4096.0, -1, 0, 0),
        (100.0, -1, 150, 50),
        # 0 is unknown: what the config says stays.
        (0.0, 1, -7, 77),
        (4096.0, 1e-12, -1e300, 2**63 - 1),
        (4096.0, 1e-12, 1e308, 0),
    ],
)
def test_a_limit_is_what_is_left_by_the_factor_cut_and_never_below_zero(
    ram_mb: float, multiply: float, reserve: float, limit: int
) -> None:
    host = HostResources(ram_mb=ram_mb)
    physical = {"ram_mb": mapped("ram", multiply, reserve)}
    assert limits(host, physical, ram=77) == {"ram": limit}


def test_each_thing_has_its_resource_and_the_others_stay() -> None:
    physical = {
        "gpu_card": mapped("gpu"),
        "cpu_core": mapped("cpu", 0.5),
        "ram_mb": mapped("gb", 1024),
    }
    found = limits(HOST, physical, disks=3, cpu=1, gb=1, gpu=1)
    assert found == {"disks": 3, "cpu": 16, "gb": 15, "gpu": 3}
    assert list(found) == ["disks", "cpu", "gb", "gpu"]


def test_without_an_entry_nothing_is_measured_in() -> None:
    assert limits(HOST, {}, cpu=1, gb=2) == {"cpu": 1, "gb": 2}


def test_each_card_adds_to_its_model_whether_or_not_cards_are_mapped() -> None:
    assert limits(HOST, {}, cpu=1, models={"GPU: T4": 0}) == {"cpu": 1, "GPU: T4": 1}


def test_each_card_adds_to_the_resource_of_its_model() -> None:
    models = {"GPU: Tesla K80": 0, "GPU: T4": 10, "GPU: A100": 0}
    found = limits(HOST, {"gpu_card": mapped("gpu")}, gpu=1, models=models)
    assert found == {"gpu": 3, "GPU: Tesla K80": 2, "GPU: T4": 11, "GPU: A100": 0}


def test_no_card_known_keeps_what_the_config_says() -> None:
    found = limits(HostResources(), {"gpu_card": mapped("gpu")}, gpu=1)
    assert found == {"gpu": 1}


@pytest.mark.parametrize(
    ("override", "limit"),
    [
        ({"local": {"cpu": 5}}, 5),
        ({"box": {"cpu": 6}}, 6),
        ({"local": {"cpu": 5}, "box": {"cpu": 6}}, 6),
        # The first that exists counts alone, whatever it says.
        ({"local": {"cpu": 5}, "box": {"disks": 9}}, 8),
        ({"local": {"cpu": 5}, "box": {}}, 8),
        ({"elsewhere": {"cpu": 5}}, 8),
        ({"": {"cpu": 5}}, 8),
        ({"local": {"cpu": -1}}, -1),
    ],
)
def test_an_override_beats_what_is_measured(
    override: dict[str, dict[str, int]], limit: int
) -> None:
    physical = {"cpu_core": mapped("cpu")}
    found = limits(HOST, physical, override=override, cpu=2, disks=3)
    assert found["cpu"] == limit


def test_the_override_of_a_host_with_the_port_beats_that_of_the_host_alone() -> None:
    override: Json = {"box:31": {"cpu": 7}, "box": {"cpu": 6}, ":31": {"cpu": 5}}
    raw = settings_json(
        resources={"worker": {"cpu": {"limit": 1, "default": 0}}},
        worker_resources_override=override,
    )
    config = parse_config(config_json(raw, {})).config
    assert config is not None
    settings = config.settings
    found = [worker_limits(settings, HOST, LOCAL, port) for port in (31, 32)]
    found.append(worker_limits(settings, HostResources(), LOCAL, 31))
    assert [list(one.values()) for one in found] == [[7], [6], [1]]


def test_a_host_without_a_name_is_no_worker_called_nothing() -> None:
    assert limits(HostResources(), {}, override={"": {"cpu": 5}}, cpu=2) == {"cpu": 2}


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.floats(0, 1e15),
    finite.filter(lambda factor: abs(factor) >= 1e-12),
    finite,
)
def test_a_limit_is_a_number_that_the_config_could_hold(
    ram_mb: float, multiply: float, reserve: float
) -> None:
    physical = {"ram_mb": mapped("ram", multiply, reserve)}
    (limit,) = limits(HostResources(ram_mb=ram_mb), physical, ram=7).values()
    assert 0 <= limit < 2**63
