"""What a task wrote, and how its end becomes a status."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bistro_tui.engine.config.model import StatusFrom
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.report import (
    MAX_DATA_DEPTH,
    MAX_REPORT_BYTES,
    Exit,
    describe,
    final_status,
    parse_report,
)
from bistro_tui.engine.statuses.status import TaskStatus

OK = Exit(code=0)
LEGAL_BITS = {4, 8, 16, 32, 96, 608, 584}


def parse(content: bytes | None) -> tuple[int, dict[str, object]]:
    status = parse_report(content, now_wall=5.0)
    assert status.time == 5.0
    assert status.backoff_sec == 0
    return int(status.bits), dict(status.data)


def problem(content: bytes | None) -> str:
    bits, data = parse(content)
    assert bits == 96
    assert list(data) == ["exception"]
    return str(data["exception"])


def end(
    content: bytes | None = b"",
    *,
    ended: Exit = OK,
    killed_by_us: bool = False,
    timed_out_sec: float | None = None,
    status_from: StatusFrom = StatusFrom.FILE,
) -> tuple[int, dict[str, object]]:
    status = final_status(
        content,
        ended=ended,
        killed_by_us=killed_by_us,
        timed_out_sec=timed_out_sec,
        status_from=status_from,
        now_wall=5.0,
    )
    return int(status.bits), dict(status.data)


@pytest.mark.parametrize(
    ("word", "bits"),
    [
        ("done", 4),
        ("incomplete", 8),
        ("incomplete_backoff", 584),
        ("error_backoff", 96),
        ("backoff", 96),
        ("failed", 16),
    ],
)
@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_each_word_means_its_bits_with_one_newline_or_none(
    word: str, bits: int, ending: str
) -> None:
    assert parse(f"{word}{ending}".encode()) == (bits, {})
    assert parse(f'{{"result": "{word}"}}{ending}'.encode()) == (bits, {})


@pytest.mark.parametrize(
    "content",
    [
        b"Done",
        b" done",
        b"done ",
        b"done\r",
        b'"done"',
        b"running",
        b"error",
        b"[]",
        b"4",
        b"null",
        b"{}",
        b'{"result": 4}',
        b'{"result": null}',
        b'{"result": []}',
        b'{"result": "running"}',
        b'{"result_bits": "x"}',
        b'{"result_bits": 5.5}',
        b'{"result_bits": null}',
        b'{"result_bits": 99999999999999999999999}',
        b'{"result_bits": 1e400}',
        b'{"result_bits": "4_0"}',
        b'{"result_bits": -4}',
        b'{"result": "done", "data": null}',
        b'{"result": "done", "data": [1]}',
        b'{"result": "done", "data": {"a": NaN}}',
        b'{"result": "done", "data": {"a": Infinity}}',
        b'{"result": "done", "data": {"a": 1e999}}',
        b'{"result": "done", "data": {"a": "\\ud800"}}',
        b'{"result": "done",',
        b"\xff\xfe",
        b"\xef\xbb\xbfdone",
        b"done\x00",
        b"[" * 60_000,
        b'{"result": "done", "data": ' + b'{"a":' * 300 + b"1" + b"}" * 301,
        b'{"result_bits": ' + b"9" * 5000 + b"}",
    ],
)
def test_anything_else_is_an_error_that_quotes_it(content: bytes) -> None:
    text = problem(content)
    assert text.startswith("Cannot parse status: ")
    assert text.isprintable()
    assert len(text) < 450


def test_data_just_below_the_depth_limit_is_kept() -> None:
    depth = MAX_DATA_DEPTH - 1
    content = b'{"result": "done", "data": ' + b'{"a":' * depth + b"1" + b"}" * depth
    bits, data = parse(content + b"}")
    assert bits == 4
    assert json.loads(json.dumps(data)) == data


def test_the_exception_says_what_kind_of_mistake_it_was() -> None:
    assert problem(None).startswith("Cannot read status")
    assert problem(b"") == "No status returned"
    assert "empty line" in problem(b"\n")
    assert "several lines" in problem(b"done\n\n")
    assert "several lines" in problem(b"working\ndone\n")
    assert "not UTF-8" in problem(b"Zo\xeb")
    assert "not an object" in problem(b'"done"')
    assert "neither a word" in problem(b"dnoe")
    assert "running" in problem(b'{"result_bits": 2}')


def test_a_status_may_have_65536_bytes_and_one_newline_but_no_more() -> None:
    def padded(length: int) -> bytes:
        frame = b'{"result": "done", "data": {"a": ""}}'
        return frame.replace(b'""', b'"' + b"x" * (length - len(frame)) + b'"')

    assert len(padded(MAX_REPORT_BYTES)) == MAX_REPORT_BYTES
    assert parse(padded(MAX_REPORT_BYTES))[0] == 4
    assert parse(padded(MAX_REPORT_BYTES) + b"\r\n")[0] == 4
    assert "longer than 65536 bytes" in problem(padded(MAX_REPORT_BYTES + 1))


def test_of_all_result_bits_exactly_the_legal_ones_are_read() -> None:
    read = set()
    for number in range(4096):
        bits, data = parse(b'{"result_bits": %d, "data": {"mine": 1}}' % number)
        if data == {"mine": 1}:
            assert bits == number
            read.add(number)
    assert read >= LEGAL_BITS
    for number in read:
        bits = Bits(number)
        assert not bits & (
            Bits.UNSTARTED
            | Bits.RUNNING
            | Bits.AVOIDED
            | Bits.DISABLED
            | Bits.HAS_SAVED_BACKOFF
        )
        if Bits.USES_BACKOFF in bits:
            assert number & ~Bits.OVERWRITEABLE in {96, 608, 584}


def test_result_bits_are_coerced_and_win_over_result() -> None:
    assert parse(b'{"result_bits": " 4 ", "result": "failed"}') == (4, {})
    assert parse(b'{"result_bits": 4.0}') == (4, {})
    assert parse(b'{"result_bits": 8, "result": 7}') == (8, {})
    assert "cannot set" in problem(b'{"result_bits": true}')


def test_data_is_kept_but_for_our_own_key_and_other_keys_are_ignored() -> None:
    content = {
        "result": "incomplete",
        "data": {"at": 7, "name": "Zoë", "__bistro_saved_backoff": 9},
        "time": 1,
        "backoff_duration": 99,
    }
    assert parse(json.dumps(content).encode()) == (8, {"at": 7, "name": "Zoë"})
    assert parse(b'{"result": "done", "data": {}}') == (4, {})


def test_a_quoted_status_is_short_and_harmless_on_a_terminal() -> None:
    text = problem(b"\x1b]0;title\x07\xff" + "\u202e[/bold]".encode() * 5000)
    assert text.isprintable()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text) < 300


@given(st.binary(max_size=300))
@example(b"done")
@example(b'{"result_bits": 96}')
def test_no_bytes_make_the_parser_raise_or_leave_the_legal_statuses(
    content: bytes,
) -> None:
    status = parse_report(content, now_wall=1.0)
    assert describe(status)
    json.dumps(status.export()).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(("result", "result_bits", "data", "time")),
        JSON | st.sampled_from(("done", "failed", 4, 96, 584)),
    )
)
def test_no_json_makes_the_parser_raise_and_what_it_keeps_can_be_written_again(
    content: dict[str, object],
) -> None:
    status = parse_report(json.dumps(content).encode(), now_wall=1.0)
    exported = json.dumps(status.export(), allow_nan=False, ensure_ascii=False)
    exported.encode()
    if Bits.USES_BACKOFF in status.bits:
        assert int(status.bits) & ~1024 in {96, 608, 584}


@pytest.mark.parametrize("status_from", list(StatusFrom))
@pytest.mark.parametrize("ended", [OK, Exit(code=3), Exit(signal=9)])
@pytest.mark.parametrize("killed_by_us", [True, False])
@pytest.mark.parametrize("timed_out_sec", [None, 5.0])
def test_a_written_status_always_wins(
    status_from: StatusFrom,
    ended: Exit,
    killed_by_us: bool,
    timed_out_sec: float | None,
) -> None:
    for content, bits in ((b"done\n", 4), (b"dnoe", 96), (b"\n", 96)):
        assert (
            end(
                content,
                ended=ended,
                killed_by_us=killed_by_us,
                timed_out_sec=timed_out_sec,
                status_from=status_from,
            )[0]
            == bits
        )


@pytest.mark.parametrize("status_from", list(StatusFrom))
@pytest.mark.parametrize("ended", [OK, Exit(signal=15)])
def test_a_task_killed_by_us_that_wrote_nothing_is_incomplete_with_backoff(
    status_from: StatusFrom, ended: Exit
) -> None:
    assert end(ended=ended, killed_by_us=True, status_from=status_from) == (
        584,
        {"exception": "Task killed, no status returned"},
    )


@pytest.mark.parametrize(("limit", "said"), [(5.0, "5"), (0.25, "0.25")])
def test_a_timeout_with_nothing_written_is_an_error_that_says_so(
    limit: float, said: str
) -> None:
    assert end(ended=Exit(signal=9), killed_by_us=True, timed_out_sec=limit) == (
        96,
        {"exception": f"timed out after {said} s"},
    )


def test_the_exit_code_counts_only_where_the_job_says_so() -> None:
    by_exit = StatusFrom.EXIT_CODE
    assert end(ended=OK, status_from=by_exit) == (4, {})
    assert end(ended=Exit(code=3), status_from=by_exit) == (
        96,
        {"exception": "exited with status 3"},
    )
    assert end(ended=Exit(signal=11), status_from=by_exit) == (
        96,
        {"exception": "killed by signal 11"},
    )
    assert end(ended=OK) == (
        96,
        {"exception": "No status returned: exited with status 0"},
    )


def test_a_status_file_that_is_gone_is_no_success_under_exit_code_either() -> None:
    bits, data = end(None, ended=OK, status_from=StatusFrom.EXIT_CODE)
    assert bits == 96
    assert "regular file" in str(data["exception"])


@pytest.mark.parametrize(
    ("bits", "word"),
    [
        (4, "done"),
        (16, "failed"),
        (80, "failed"),
        (8, "incomplete"),
        (584, "incomplete_backoff"),
        (96, "error_backoff"),
        (608, "error_backoff"),
        (32, "error"),
    ],
)
def test_every_status_has_a_short_word(bits: int, word: str) -> None:
    assert describe(TaskStatus(bits=Bits(bits), time=0.0)) == word
