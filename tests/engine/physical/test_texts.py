"""What the kernel and nvidia-smi write, read strictly."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.physical.host import Gpu
from bistro_tui.engine.physical.texts import (
    Unreadable,
    read_allowed_memory_nodes,
    read_cpu_limit,
    read_gpus,
    read_integers,
    read_mem_total,
    read_memory_limit,
)


def test_each_line_of_nvidia_smi_is_a_card() -> None:
    text = "0000:8A:00.0, 11441, Tesla K80\r\n\n00000000:0B:00.0, 15360.5, T4\n"
    assert read_gpus(text) == (
        Gpu(bus_id="0000:8A:00.0", memory_mb=11441.0, name="Tesla K80"),
        Gpu(bus_id="00000000:0B:00.0", memory_mb=15360.5, name="T4"),
    )


def test_no_line_is_no_card() -> None:
    assert read_gpus("\n") == ()


@pytest.mark.parametrize("memory", ["[N/A]", "[Not Supported]"])
def test_a_card_that_does_not_tell_its_memory_is_a_card(memory: str) -> None:
    assert read_gpus(f"8A, {memory}, T4") == (Gpu(bus_id="8A", name="T4"),)


@pytest.mark.parametrize(
    "text",
    [
        "No devices were found",
        "8A, 11441",
        "8A, 11441, Tesla, K80",
        "8A,11441,K80",
        "8A, 11441, K80\n8B",
        "8A, 11441 MiB, K80",
        "8A, nan, K80",
        "8A, -1, K80",
        ", 11441, K80",
        "gpu_bus_id, memory.total, name",
    ],
)
def test_a_line_that_is_no_card_is_an_error(text: str) -> None:
    with pytest.raises(Unreadable, match="printed"):
        read_gpus(text)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0\n", {0}),
        ("0-3", {0, 1, 2, 3}),
        ("0-1,4,6-7", {0, 1, 4, 6, 7}),
        ("0-3,2-4,4", {0, 1, 2, 3, 4}),
        ("7-7", {7}),
    ],
)
def test_a_list_of_integers_may_hold_ranges(text: str, numbers: set[int]) -> None:
    assert read_integers(text) == numbers


@pytest.mark.parametrize(
    "text", ["", "\n", "3-1", "1,,2", "a", "1-", "-1", "1-2-3", "0-99999999999", "１"]
)
def test_a_list_that_is_empty_backwards_or_malformed_is_an_error(text: str) -> None:
    with pytest.raises(Unreadable):
        read_integers(text)


@pytest.mark.parametrize(
    ("text", "mb"),
    [
        ("MemTotal:       24684084 kB\nMemFree: 1 kB\n", 24684084 / 1024),
        ("MemFree: 1 kB\nMemTotal: 2048 kB\n", 2.0),
        ("Node 3 MemTotal:        1024 kB\n", 1.0),
    ],
)
def test_memory_is_in_units_of_1024_kb(text: str, mb: float) -> None:
    assert read_mem_total(text) == mb


def test_the_memory_nodes_of_a_process_are_in_its_status() -> None:
    text = "Name:\tx\nMems_allowed:\t00000003\nMems_allowed_list:\t0-1\n"
    assert read_allowed_memory_nodes(text) == {0, 1}


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("max\n", math.inf),
        ("-1\n", math.inf),
        ("1073741824\n", 2.0**30),
        ("9223372036854771712\n", 2.0**63 - 4096),
        ("0", 0.0),
    ],
)
def test_a_memory_limit_is_bytes_or_none(text: str, limit: float) -> None:
    assert read_memory_limit(text) == limit


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("max 100000\n", math.inf),
        ("150000 100000\n", 1.5),
        ("-1 100000", math.inf),
        ("50000\n 100000\n", 0.5),
    ],
)
def test_a_cpu_limit_is_quota_by_period(text: str, cores: float) -> None:
    assert read_cpu_limit(text) == cores


@pytest.mark.parametrize("text", ["", "100000", "max", "a b", "1 0", "0 1", "1 2 3"])
def test_a_cpu_limit_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(Unreadable):
        read_cpu_limit(text)


READERS: tuple[Callable[[str], object], ...] = (
    read_gpus,
    read_integers,
    read_mem_total,
    read_allowed_memory_nodes,
    read_memory_limit,
    read_cpu_limit,
)

WORDS = ("MemTotal:", " kB", "Mems_allowed_list:", "max", "0", "17", "9" * 25, ", ")
SIGNS = ("\t", "[", "]", ",", "-", "\n", "²", "é", "\x00", " ")
near_misses = st.lists(st.sampled_from((*WORDS, *SIGNS))).map("".join)


@pytest.mark.parametrize("read", READERS)
@given(text=st.text() | near_misses)
def test_any_text_is_read_or_refused_in_one_line(
    read: Callable[[str], object], text: str
) -> None:
    try:
        said = repr(read(text))
    except Unreadable as error:
        said = str(error)
    assert said
    assert "\n" not in said
