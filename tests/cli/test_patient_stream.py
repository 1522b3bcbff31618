"""Log lines to somebody who reads late, or never."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bistro_tui.cli import patient_stream
from bistro_tui.cli.log_lines import JournalLines
from bistro_tui.cli.patient_stream import PatientStream

LINE = "x" * 999


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def hang_up(descriptor: int) -> None:
    """Close it so that nobody else gets its number."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, descriptor)
    os.close(null)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_stream, "_AGAIN_SEC", 0.01)
    monkeypatch.setattr(patient_stream, "_AT_THE_END_SEC", 0.05)


def record(text: str, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("bistro_tui", level, "", 0, "%s", (text,), None)


def read(reader: int, until: str) -> str:
    """Return what comes, up to a line that ends so."""
    found = ""
    while not found.endswith(until):
        found += os.read(reader, 65_536).decode()
    return found


def test_who_does_not_read_holds_nothing_up_and_gets_it_all_later(
    pipe: tuple[int, int],
) -> None:
    reader, writer = pipe
    handler = PatientStream(writer)
    for number in range(500):
        handler.handle(record(f"{number} {LINE}"))
    found = read(reader, f"499 {LINE}\n").splitlines()
    assert [line.split()[0] for line in found] == [str(n) for n in range(500)]


def test_beyond_a_mebibyte_lines_go_and_are_counted_where_they_are_missing(
    pipe: tuple[int, int],
) -> None:
    reader, writer = pipe
    handler = PatientStream(writer)
    for number in range(2_000):
        handler.handle(record(f"{number} {LINE}"))
    kept = 0
    while kept < 1_000:
        kept += os.read(reader, 65_536).count(b"\n")
    # What was kept is being written by now, so there is room again.
    handler.handle(record("after"))
    rest = read(reader, "after\n").splitlines()
    (gap,) = [line for line in rest if line.endswith("log lines are missing here)")]
    assert rest.index(gap) == len(rest) - 2
    missing = int(gap[1:].split()[0])
    assert kept + len(rest) - 2 + missing == 2_000


def test_a_line_that_is_longer_than_all_that_is_kept_comes_whole(
    pipe: tuple[int, int],
) -> None:
    reader, writer = pipe
    text = "y" * (2 << 20)
    PatientStream(writer).handle(record(text))
    assert read(reader, "\n") == text + "\n"


def test_a_reader_that_is_gone_costs_nothing(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    hang_up(reader)
    handler = PatientStream(writer)
    for _ in range(10):
        handler.handle(record(LINE))
    handler.flush()
    assert handler._bytes == 0


def test_the_end_does_not_wait_for_ever(pipe: tuple[int, int]) -> None:
    _, writer = pipe
    handler = PatientStream(writer)
    for _ in range(500):
        handler.handle(record(LINE))
    handler.flush()
    assert handler._bytes == 0


def test_a_file_takes_everything_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        PatientStream(file.fileno()).handle(record("z" * 100_000))
    assert (tmp_path / "log").stat().st_size == 100_001


def test_without_a_stderr_no_descriptor_is_written_to(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = pipe
    monkeypatch.setattr("sys.stderr", None)
    PatientStream(writer).handle(record("nobody"))
    hang_up(writer)
    assert os.read(reader, 10) == b""


@pytest.mark.parametrize(
    ("level", "margin"),
    [
        (logging.DEBUG, "<7>"),
        (logging.INFO, "<6>"),
        (logging.WARNING, "<4>"),
        (logging.ERROR, "<3>"),
        (logging.CRITICAL, "<3>"),
    ],
)
def test_the_journal_gets_the_level_of_each_line(level: int, margin: str) -> None:
    shown = JournalLines().format(record("one\n<0>two\x1b", level))
    assert shown == f"{margin}one\n{margin}    <0>two␛"
