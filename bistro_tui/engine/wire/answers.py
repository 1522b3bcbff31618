"""Pages of logs and explanations as JSON, and back."""

import base64
from collections.abc import Sequence

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.scheduling.reasons import Check, Explanation, Reason
from bistro_tui.engine.view import LogLine, LogPage, Stream
from bistro_tui.engine.wire.rows import task_in, task_out
from bistro_tui.engine.wire.values import (
    MALFORMED,
    NOT_OURS,
    NotUnderstood,
    text_in,
    truth_in,
)


def bytes_out(data: bytes) -> dict[str, Json]:
    """Return bytes as JSON: ``text`` if they are UTF-8, else ``base64``."""
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def bytes_in(value: Json) -> bytes:
    """Return the bytes. Raises what ``MALFORMED`` names."""
    if "text" in value:
        return text_in(value["text"]).encode()
    return base64.b64decode(text_in(value["base64"]), validate=True)


def encode_line(line: LogLine) -> Json:
    """Return a line of a log as JSON."""
    return (
        {"line_id": str(line.line_id)}
        | task_out(line.task)
        | {"stream": line.stream.value}
        | bytes_out(line.line)
    )


def encode_page(page: LogPage) -> Json:
    """Return a page of a log as JSON.

    Line ids are texts: they are greater than what JavaScript can count to.
    """
    told = {"unasked": list(page.unasked)} if page.unasked else {}
    return told | {
        "lines": list(map(encode_line, page.lines)),
        "last_id": str(page.last_id),
        "partial": {
            stream.value: bytes_out(text) for stream, text in page.partial.items()
        },
        "attempt_running": page.attempt_running,
    }


def decode_page(value: Json) -> LogPage:
    """Return the page. Raises NotUnderstood."""
    try:
        return LogPage(
            lines=tuple(
                LogLine(
                    int(text_in(line["line_id"])),
                    task_in(line),
                    Stream(line["stream"]),
                    bytes_in(line),
                )
                for line in value["lines"]
            ),
            last_id=int(text_in(value["last_id"])),
            partial={
                Stream(stream): bytes_in(text)
                for stream, text in value["partial"].items()
            },
            attempt_running=truth_in(value["attempt_running"]),
            unasked=tuple(map(text_in, value.get("unasked", ()))),
        )
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error


def encode_explanation(found: Explanation) -> Json:
    """Return why a task is where it is, as JSON."""
    return task_out(found.task) | {
        "reason": found.reason.value,
        "checks": [
            {"check": check.check, "ok": check.ok, "text": check.text}
            for check in found.checks
        ],
        "holders": [task_out(task) for task in found.holders],
        "would_run_if": found.would_run_if,
    }


def decode_explanation(value: Json) -> Explanation:
    """Return why a task is where it is. Raises NotUnderstood."""
    try:
        return Explanation(
            task=task_in(value),
            reason=Reason(value["reason"]),
            checks=tuple(map(_check_in, value["checks"])),
            holders=tuple(map(task_in, value["holders"])),
            would_run_if=text_in(value["would_run_if"]),
        )
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error


def decode_explanations(value: Json) -> tuple[Explanation, ...]:
    """Return why these tasks are where they are. Raises NotUnderstood."""
    if not isinstance(value, Sequence):
        raise NotUnderstood(NOT_OURS)
    return tuple(map(decode_explanation, value))


def _check_in(value: Json) -> Check:
    return Check(
        check=text_in(value["check"]),
        ok=truth_in(value["ok"]),
        text=text_in(value["text"]),
    )
