"""Requests as they come: what is refused as a whole, what is answered by itself."""

import asyncio
import json
import logging
import sqlite3
from typing import Any

import pytest

from bistro_tui.engine.api import envelope, registry, turns
from bistro_tui.engine.api.envelope import (
    MAX_DEPTH,
    MAX_SUBQUERIES,
    BadRequest,
    parse_request,
    respond,
)
from bistro_tui.engine.api.handler import Handler, Query
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.patience import Patience
from tests.engine.api.scene import Scene


def nested(levels: int) -> bytes:
    """Return a body with so many levels in all."""
    inner = levels - 2
    return b'{"a": {"handler": ' + b"[" * inner + b"]" * inner + b"}}"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"jobs"', "not a JSON object"),
        (b"{} {}", "not JSON"),
        (b'{"a": {"handler": "jobs"}', "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"a": {}}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "a number has too many digits$"),
        (b'{"a": "\x00"}', "not JSON"),
        (nested(MAX_DEPTH + 1), "too deeply"),
        (nested(100_000), "too deeply"),
        (b'{"a":' * 400_000, "too deeply"),
        (json.dumps({str(i): {} for i in range(1_001)}).encode(), "at most"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_a_body_that_is_no_json_object_is_refused_as_a_whole(
    body: bytes, why: str
) -> None:
    with pytest.raises(BadRequest, match=why):
        parse_request(body)


def test_as_many_levels_and_subqueries_as_are_allowed_are_taken() -> None:
    assert parse_request(nested(MAX_DEPTH)).subqueries.keys() == {"a"}
    many: Json = {str(number): {} for number in range(MAX_SUBQUERIES)} | {"prefs": {}}
    assert len(parse_request(json.dumps(many).encode()).subqueries) == MAX_SUBQUERIES


def test_brackets_in_texts_are_no_levels() -> None:
    body = json.dumps({"a": {"handler": "[{" * 500}}).encode()
    assert parse_request(body).subqueries["a"] == {"handler": "[{" * 500}


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_request(b"\xef\xbb\xbf{}").subqueries == {}


def test_prefs_are_ignored_whatever_they_hold() -> None:
    request = parse_request(b'{"prefs": {"handler": "kill_task"}}')
    assert request.subqueries == {}
    assert not request.changes


def test_a_request_changes_something_if_any_of_its_subqueries_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(monkeypatch, "moves", _nothing, changes=True)

    def changes(**subqueries: Json) -> bool:
        return parse_request(json.dumps(subqueries).encode()).changes

    assert changes(a={"handler": "jobs"}, b={"handler": "moves"})
    assert not changes(a={"handler": "jobs"}, b={"handler": ["moves"]}, c="moves")


async def test_of_a_repeated_name_the_last_one_counts_also_for_the_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(monkeypatch, "moves", _nothing, changes=True)
    assert parse_request(
        b'{"a": {"handler": "jobs"}, "a": {"handler": "moves"}}'
    ).changes
    assert not parse_request(
        b'{"a": {"handler": "moves"}, "a": {"handler": "jobs"}}'
    ).changes


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"handler": "nobody"}, "Unknown handler: nobody"),
        ({"handler": ""}, "Unknown handler: "),
        ({"handler": "\ud800"}, "Unknown handler: \ud800"),
        ({}, "Missing key: handler"),
        ({"Handler": "jobs"}, "Missing key: handler"),
        ({"handler": 3}, "handler must be a string"),
        ({"handler": None}, "handler must be a string"),
        ({"handler": ["jobs"]}, "handler must be a string"),
        ("jobs", "a subquery must be an object with a handler"),
        (None, "a subquery must be an object with a handler"),
        ([], "a subquery must be an object with a handler"),
    ],
)
async def test_what_is_wrong_with_one_subquery_is_its_error_and_others_are_answered(
    scene: Scene, query: Json, error: str
) -> None:
    answers = await scene.ask(wrong=query, right={"handler": "refresh_time"})
    assert answers == {"wrong": {"error": error}, "right": {"data": 1_700_000_000}}


async def test_answers_have_the_names_and_the_order_of_the_subqueries(
    scene: Scene,
) -> None:
    names = ["z", "", "my subquery", "é", "a\n\x00", "\ud83d", "__proto__"]
    body = json.dumps({name: {"handler": "refresh_time"} for name in names})
    assert list(await scene.post(body.encode())) == names


async def test_no_subqueries_have_no_answers(scene: Scene) -> None:
    assert await scene.post(b"{}") == {}


async def _nothing(_desk: Desk, _query: Query) -> Json:
    return "moved"


def put(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    answer: Any,
    *,
    changes: bool = False,
) -> None:
    """Have a handler more."""
    handler = Handler(name=name, answer=answer, about="…", changes=changes)
    added = {**registry.HANDLERS, name: handler}
    monkeypatch.setattr(envelope, "HANDLERS", added)


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (ControlRefused("not now"), "not now"),
        (ZeroDivisionError("secret"), "internal error ZeroDivisionError"),
        (RecursionError(), "internal error RecursionError"),
        (sqlite3.OperationalError("disk I/O error"), "cannot be read now: disk I/O"),
    ],
)
async def test_whatever_a_handler_raises_is_the_error_of_its_subquery(
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    raised: Exception,
    error: str,
) -> None:
    async def fails(_desk: Desk, _query: Query) -> Json:
        raise raised

    put(monkeypatch, "fails", fails)
    answers = await scene.ask(a={"handler": "fails"}, b={"handler": "refresh_time"})
    assert error in answers["a"]["error"]
    assert "secret" not in answers["a"]["error"]
    assert "data" in answers["b"]


async def test_an_internal_error_is_logged_with_its_traceback(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_desk: Desk, _query: Query) -> Json:
        raise ZeroDivisionError

    put(monkeypatch, "fails", fails)
    await scene.ask(a={"handler": "fails"})
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_data_that_json_cannot_hold_is_an_internal_error(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gives(_desk: Desk, _query: Query) -> Json:
        return float("nan")

    put(monkeypatch, "gives", gives)
    assert "internal error" in await scene.error("gives")


async def test_who_changes_something_is_logged_with_what_and_the_outcome(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuses(_desk: Desk, _query: Query) -> Json:
        raise ControlRefused("Unknown job\nx")

    put(monkeypatch, "moves", _nothing, changes=True)
    names = [f"j{number}" for number in range(9)]
    asked = {"handler": "moves", "job_id": "etl\nINFO forged", "jobs": names}
    with caplog.at_level(logging.INFO, "bistro_tui"):
        await scene.ask(a={**asked, "job": {"password": "canary"}}, b={"handler": "x"})
        put(monkeypatch, "moves", refuses, changes=True)
        await scene.ask(a={"handler": "moves", "node_id": "n" * 900})
        tasks = [{"job": "a", "node": "\n b"}, {"job": "a"}, {"job": 1, "node": "c"}]
        await scene.ask(a={"handler": "moves", "tasks": tasks, "level": "host"})
    assert [record.getMessage() for record in caplog.records] == [
        "a test asked for moves job_id=etl INFO forged jobs=j0, j1, j2, j3, j4, …:"
        " moved",
        f"a test asked for moves node_id={'n' * 199}…: refused: Unknown job x",
        "a test asked for moves tasks=a@  b level=host: refused: Unknown job x",
    ]


async def test_reading_is_not_logged(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "bistro_tui"):
        await scene.ask(a={"handler": "jobs"}, b={"handler": "jobs", "jobs": 7})
    assert caplog.records == []


async def test_all_of_a_request_is_answered_from_one_config(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = scene.desk.core.config
    seen: list[object] = []

    async def looks(desk: Desk, _query: Query) -> Json:
        seen.append(desk.config)
        scene.desk.core.state.config = None
        return None

    put(monkeypatch, "looks", looks)
    await scene.ask(a={"handler": "looks"}, b={"handler": "looks"})
    scene.desk.core.state.config = before
    assert seen == [before, before]


async def test_a_request_cannot_ask_for_more_than_memory_holds(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envelope, "MAX_ANSWER", 100)
    answers = await scene.ask(
        a={"handler": "jobs"}, b={"handler": "jobs"}, c={"handler": "refresh_time"}
    )
    assert ["data" in one for one in answers.values()] == [True, False, False]
    assert "another request" in answers["c"]["error"]


async def test_what_may_be_large_and_what_follows_it_needs_a_place(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = 0

    async def enter() -> None:
        nonlocal entered
        entered += 1

    async def ask(*handlers: str) -> int:
        nonlocal entered
        entered = 0
        body = {str(at): {"handler": name} for at, name in enumerate(handlers)}
        asked = parse_request(json.dumps(body).encode())
        await respond(scene.desk, asked, who="a test", enter=enter)
        return entered

    assert await ask("stats", "progress", "workers", "nobody") == 0
    assert await ask("stats", "jobs", "stats") == 1
    monkeypatch.setattr(envelope, "SMALL_ANSWER", 10)
    assert await ask("stats", "stats", "stats") == 2


async def test_nothing_more_is_read_for_whoever_has_left(scene: Scene) -> None:
    patience = Patience()
    patience.leave()
    for name, is_read in (("stats", True), ("forgive_jobs", False)):
        body = json.dumps({"a": {"handler": name, "jobs": []}}).encode()
        answering = respond(
            scene.desk, parse_request(body), who="a test", patience=patience
        )
        if is_read:
            with pytest.raises(ConnectionResetError):
                await answering
        else:
            assert json.loads(await answering) == {"a": {"data": "forgiven"}}


async def test_in_one_turn_of_the_loop_one_long_work_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "TURN_SEC", 0.0)
    steps: list[int] = []

    async def work(number: int) -> None:
        mine = turns.Turns()
        for _ in range(5):
            await mine.rest()
            steps.append(number)

    works = [asyncio.ensure_future(work(number)) for number in range(4)]
    most = 0
    while not all(one.done() for one in works):
        before = len(steps)
        await asyncio.sleep(0)
        most = max(most, len(steps) - before)
    assert most == 1
    assert steps == [0, 1, 2, 3] * 5


async def test_others_have_their_turns_between_subqueries(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "TURN_SEC", 0.0)
    number = 0

    async def others() -> None:
        nonlocal number
        while True:
            number += 1
            await asyncio.sleep(0)

    other = asyncio.ensure_future(others())
    await scene.ask(**{f"q{i}": {"handler": "refresh_time"} for i in range(100)})
    other.cancel()
    assert number >= 100
