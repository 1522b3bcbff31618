import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.processes.event_rows import EventRows
from bistro_tui.engine.statuses.bits import ERROR_BACKOFF, Bits
from bistro_tui.engine.statuses.status import TaskStatus

INVOCATION = InvocationId(1_700_000_000, 77)
texts = st.text(st.sampled_from('ab"\\\0\n\x7f é\u2028\U0001f4a9\ud800'))


def written(event: str, host: str, **more: Any) -> bytes:
    common = {
        "worker_host": host,
        "invocation_start_time": 1_700_000_000,
        "invocation_rand": 77,
    }
    return json.dumps({"event": event, **common, **more}).encode()


@given(texts, st.lists(texts))
def test_a_row_is_what_json_itself_would_write(host: str, words: list[str]) -> None:
    rows = EventRows(host)

    assert rows.running(INVOCATION, words) == written("running", host, command=words)
    for word in words:
        found = rows.process_exited(INVOCATION, word)
        assert found == written("process_exited", host, message=word)


@given(texts)
def test_a_status_is_written_with_its_data_and_what_the_file_held(text: str) -> None:
    rows = EventRows("h")
    plain = TaskStatus(bits=Bits.DONE, time=7.5)
    error = TaskStatus(bits=ERROR_BACKOFF, time=7.5, data={"exception": text})
    raw = text.encode("utf-8", "surrogatepass")
    shown = raw.decode("utf-8", "replace")

    assert rows.failed_to_start(INVOCATION, error) == written(
        "task_failed_to_start",
        "h",
        status={"result_bits": 96, "data": {"exception": text}},
    )
    assert rows.got_status(INVOCATION, plain, None) == written(
        "got_status", "h", status={"result_bits": 4}
    )
    assert rows.got_status(INVOCATION, plain, raw + b"x\r\n") == written(
        "got_status", "h", raw_status=shown + "x", status={"result_bits": 4}
    )


@given(texts, texts)
def test_an_end_is_three_rows(host: str, text: str) -> None:
    rows = EventRows(host)
    status = TaskStatus(bits=ERROR_BACKOFF, time=7.5, data={"exception": text})
    raw = text.encode("utf-8", "surrogatepass")

    assert rows.ended(INVOCATION, text, status, raw) == [
        rows.process_exited(INVOCATION, text),
        written("task_pipes_closed", host),
        rows.got_status(INVOCATION, status, raw),
    ]


def test_an_empty_status_file_is_not_mentioned() -> None:
    row = EventRows("h").got_status(INVOCATION, TaskStatus(bits=Bits.DONE, time=0), b"")
    assert "raw_status" not in json.loads(row)
