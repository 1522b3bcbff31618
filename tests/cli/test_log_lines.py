"""Log lines are readable, one record each, and cannot drive a terminal."""

import json
import logging
import logging.handlers
from pathlib import Path

import pytest

from bistro_tui.cli import log_lines
from bistro_tui.cli.log_lines import JsonLines, TextLines, file_handler


def record(
    message: str, *arguments: object, level: int = logging.INFO
) -> logging.LogRecord:
    made = logging.LogRecord("bistro_tui", level, "", 0, message, arguments, None)
    made.created = 0.25
    return made


def test_a_text_line_has_time_and_message() -> None:
    line = TextLines().format(record("Task %s, %s quit", "a", "b"))
    assert line.endswith(" Task a, b quit")
    assert line.startswith(("1970-01-01", "1969-12-31"))


def test_anything_but_news_is_marked() -> None:
    assert " ERROR bad" in TextLines().format(record("bad", level=logging.ERROR))


def test_foreign_text_is_made_visible() -> None:
    assert "\x1b" not in TextLines().format(record("%s", "\x1b[2J"))


def test_a_json_line_is_one_object_with_the_exact_message() -> None:
    line = JsonLines().format(record("%s", "two\nlines \x1b", level=logging.WARNING))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": 0.25,
        "level": "warning",
        "message": "two\nlines \x1b",
    }


def test_the_log_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "log"
    handler = file_handler(path)
    handler.emit(record("hello"))
    handler.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "hello" in path.read_text()


def test_a_rotated_log_file_is_private_too(tmp_path: Path) -> None:
    path = tmp_path / "log"
    handler = file_handler(path)
    assert isinstance(handler, logging.handlers.RotatingFileHandler)
    handler.doRollover()
    handler.emit(record("hello"))
    handler.close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_file_that_would_become_too_long_is_moved_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "FILE_BYTES", 80)
    path = tmp_path / "log"
    path.write_text("x" * 60 + "\n")
    handler = file_handler(path)
    handler.emit(record("first"))
    assert "first" not in (before := path.with_name("log.1")).read_text()
    handler.emit(record("second"))
    assert [line[20:] for line in path.read_text().split("\n")[:2]] == [
        "first",
        "second",
    ]
    handler.emit(record("third " * 10))
    handler.close()
    assert "first" in before.read_text()
    assert path.read_text().count("third") == 10


def test_text_with_newlines_cannot_pass_for_a_line_of_ours() -> None:
    lines = TextLines().format(record("Task %s", "a\n2026-01-01 Got status done"))
    first, second = lines.split("\n")
    assert first.endswith("Task a")
    assert second.startswith("    ")


def together(*lines: str) -> logging.LogRecord:
    made = record("%s", "\n".join(lines))
    made.lines = lines
    return made


def test_messages_that_were_logged_together_are_a_line_each() -> None:
    lines = (
        TextLines().format(together("Task a, b quit", "Got status done")).split("\n")
    )
    assert [line[20:] for line in lines] == ["Task a, b quit", "Got status done"]
    assert len({line[:20] for line in lines}) == 1


def test_foreign_text_in_one_of_many_messages_is_made_safe_like_any() -> None:
    hostile = "Task \x1b[2J\u202e, a\n2026-01-01 Got status done"
    alone = TextLines().format(record("%s", hostile))
    assert "\x1b" not in alone
    assert "\u202e" not in alone

    assert TextLines().format(together("fine", hostile)).endswith(alone)


def test_messages_that_were_logged_together_are_a_json_object_each() -> None:
    messages = ["two\nlines \x1b", 'a "quoted" one', "ünïcode"]
    lines = JsonLines().format(together(*messages)).split("\n")
    assert [json.loads(line) for line in lines] == [
        {"time": 0.25, "level": "info", "message": message} for message in messages
    ]


def test_what_is_logged_together_reaches_a_plain_formatter_whole() -> None:
    assert logging.Formatter().format(together("a %s", "b")) == "a %s\nb"
