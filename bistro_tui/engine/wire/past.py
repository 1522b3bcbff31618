"""Answers about what is over and what was said as JSON, and back."""

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.view import (
    Attempt,
    AttemptPage,
    ConfigFacts,
    ConfigProblem,
    Failure,
    LogLine,
    LogPage,
    Notice,
)
from bistro_tui.engine.wire.answers import bytes_in, bytes_out
from bistro_tui.engine.wire.rows import task_in, task_out
from bistro_tui.engine.wire.values import (
    MALFORMED,
    NOT_OURS,
    NotUnderstood,
    number_in,
    number_or_none,
    text_in,
    truth_in,
    whole_in,
    whole_or_none,
)


def decode_attempts(value: Json) -> AttemptPage:
    """Return the page of the handler ``history``. Raises NotUnderstood."""
    try:
        return AttemptPage(
            attempts=tuple(map(_attempt_in, value["attempts"])),
            next=_text_or_none(value["next"]),
        )
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error


def decode_lines(value: Json) -> LogPage:
    """Return the page of the handler ``log_lines``, oldest line first.

    Raises NotUnderstood.
    """
    try:
        lines = [_line_in(*one) for one in value["lines"]]
        next_id = int(text_in(value["next_line_id"]))
        unasked = tuple(map(text_in, value.get("unasked", ())))
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error
    if len(lines) > 1 and lines[0].line_id > lines[-1].line_id:
        lines.reverse()
    return LogPage(lines=tuple(lines), last_id=max(0, next_id), unasked=unasked)


def encode_failure(failure: Failure) -> dict[str, Json]:
    """Return a failure as JSON."""
    return task_out(failure.task) | {
        "status": failure.reason.value,
        "ended": failure.ended,
        "exit": failure.exit,
        "last_line": bytes_out(failure.last_line),
        "line_id": str(failure.line_id),
    }


def decode_failures(value: Json) -> tuple[Failure, ...]:
    """Return the failures. Raises NotUnderstood."""
    try:
        return tuple(
            Failure(
                task=task_in(one),
                reason=Reason(one["status"]),
                ended=number_in(one["ended"]),
                exit=text_in(one["exit"]),
                last_line=bytes_in(one["last_line"]),
                line_id=int(text_in(one["line_id"])),
            )
            for one in value["failures"]
        )
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error


def decode_config(value: Json) -> ConfigFacts:
    """Return what the handler ``config`` tells. Raises NotUnderstood."""
    try:
        problems = [
            _problem_in(one, is_error=key == "errors")
            for key in ("errors", "warnings")
            for one in value[key]
        ]
        return ConfigFacts(
            path=text_in(value["path"]),
            version=whole_in(value["version"]),
            loaded=number_in(value["loaded"]),
            problems=tuple(sorted(problems, key=lambda one: (one.line, one.column))),
            is_in_force=truth_in(value["is_in_force"]),
        )
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error


def encode_notice(notice: Notice) -> dict[str, Json]:
    """Return a notice as JSON."""
    return {
        "serial": notice.serial,
        "at": notice.at,
        "level": notice.level,
        "text": notice.text,
    }


def decode_notices(value: Json) -> tuple[Notice, ...]:
    """Return the notices. Raises NotUnderstood."""
    try:
        return tuple(
            Notice(
                serial=whole_in(one["serial"]),
                at=number_in(one["at"]),
                level=text_in(one["level"]),
                text=text_in(one["text"]),
            )
            for one in value["notices"]
        )
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error


def _attempt_in(value: Json) -> Attempt:
    return Attempt(
        task=task_in(value),
        invocation=text_in(value["invocation"]),
        started=number_in(value["started"]),
        ended=number_in(value["ended"]),
        result=text_in(value["status"]),
        exit=text_in(value["exit"]),
        detail=text_in(value["detail"]),
        worker=text_in(value["worker"]),
        peak_memory=whole_or_none(value["peak_memory"]),
        cpu_seconds=number_or_none(value["cpu_seconds"]),
    )


def _line_in(
    job: Json, node: Json, _second: Json, text: Json, line_id: Json, stream: Json
) -> LogLine:
    return LogLine(
        int(text_in(line_id)),
        TaskId(JobName(text_in(job)), NodeName(text_in(node))),
        Stream(stream),
        text_in(text).encode("utf-8", "surrogateescape"),
    )


def _problem_in(value: Json, *, is_error: bool) -> ConfigProblem:
    job = _text_or_none(value["job"])
    return ConfigProblem(
        file=text_in(value["file"]),
        line=whole_in(value["line"]),
        column=whole_in(value["column"]),
        path=text_in(value["path"]),
        message=text_in(value["message"]),
        job=JobName(job) if job is not None else None,
        is_error=is_error,
    )


def _text_or_none(value: Json) -> str | None:
    return None if value is None else text_in(value)
