"""Failures grouped by what they said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import Failure, Reason
from bistro_tui.present.clean import clean
from bistro_tui.present.failures import (
    LIMIT,
    Group,
    failure_key,
    failure_rows,
    failure_text,
    grouped,
    normalised,
    things_of,
)
from tests.ui.scripted import NOW, task

PIECES = st.sampled_from(
    [
        "db7",
        "db12.rack-3.example.com:3306",
        ":80",
        "'a b'",
        '"',
        "'",
        "`x`",
        "/usr/lib/x1",
        "./a",
        "~/b",
        "c:\\x\\y",
        "https://a.b/c?d=1",
        "10.0.0.7:99",
        "fe80::1:2:3",
        "0xff",
        "deadbeef00",
        "550e8400-e29b-41d4-a716-446655440000",
        "2026-01-31T12:00:00.123Z",
        "Jan 31 12:00:00",
        "12:30",
        "3.14",
        "-7",
        "*",
        "<",
        ">",
        " ",
        "\x1b[31m",
        "\r",
        "…",
        "e",
        "x",
        ".",
        "-",
        "٣",
    ]
)
LINES = st.one_of(
    st.binary(max_size=300),
    st.lists(PIECES, max_size=40).map("".join),
    st.text(max_size=200),
)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (
            "ConnectionRefused db7:3306",
            "ConnectionRefused db12:3306",
            "ConnectionRefused db*:3306",
        ),
        (
            "2026-01-31 12:00:00,123 ERROR no route to 10.0.0.7",
            "2026-02-01 07:10:09,001 ERROR no route to 10.20.0.255",
            "<time> ERROR no route to <host>",
        ),
        (
            "cp: cannot stat /var/lib/db/7: No space left",
            "cp: cannot stat /srv/x.tmp: No space left",
            "cp: cannot stat <path>: No space left",
        ),
        ("KeyError: 'alpha'", "KeyError: 'beta gamma'", "KeyError: '*'"),
        (
            "lost lock 550e8400-e29b-41d4-a716-446655440000",
            "lost lock 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "lost lock <id>",
        ),
        (
            "\x1b[31;1merror\x1b[0m: at 0x7ffd12 after 3.2s",
            "error: at 0xab after 12s",
            "error: at * after *s",
        ),
        ("GET https://a/1 -> 503", "GET http://b.c:8080/2?x -> 500", "GET <url> -> *"),
        ("1%\r57%\rdisk full", "2%\rdisk   full", "disk full"),
        ("can't open db1's log", "can't open db22's log", "can't open db*'s log"),
    ],
)
def test_what_varies_becomes_a_placeholder(one: str, other: str, words: str) -> None:
    assert normalised(one) == normalised(other.encode()) == words


def test_ports_and_reasons_keep_failures_apart() -> None:
    lines = ("refused db1:3306", "refused db1:5432", "timeout db1:3306", "and/or")
    assert len({normalised(line) for line in lines}) == 4


@given(LINES)
def test_normalising_is_idempotent_short_clean_and_never_fails(
    line: str | bytes,
) -> None:
    words = normalised(line)
    assert normalised(words) == words
    assert len(words) <= LIMIT
    assert clean(words) == words
    assert words == words.strip()


def test_a_huge_or_hostile_line_costs_little() -> None:
    for line in (b"'" * 10**6, b"a:" * 10**6, b"/." * 10**6, b"1-" * 10**6):
        assert len(normalised(line)) <= LIMIT


def failure(
    job: str, node: str, line: str = "", *, ago: float = 5, retried: bool = False
) -> Failure:
    return Failure(
        task=task(job, node),
        reason=Reason.BACKOFF if retried else Reason.FAILED,
        ended=NOW - ago,
        exit="exited with status 1",
        last_line=line.encode(),
        line_id=7 if line else 0,
    )


def test_groups_come_by_size_then_by_their_newest_task() -> None:
    groups = grouped(
        [
            failure("etl", "db1", "refused db1:3306", ago=50),
            failure("etl", "db2", "refused db2:3306", ago=9, retried=True),
            failure("copy", "db3", "refused db3:3306", ago=20),
            failure("copy", "db4", "disk full", ago=300),
            failure("etl", "db5", "", ago=60),
        ]
    )
    facts = [(g.words, g.said, len(g.failures)) for g in groups]
    assert facts == [
        ("refused db*:3306", True, 3),
        ("exited with status 1", False, 1),
        ("disk full", True, 1),
    ]
    first = groups[0]
    assert first.jobs == ("etl", "copy")
    assert (first.waiting, first.newest) == (1, NOW - 9)
    assert [str(one.task) for one in first.failures] == [
        "etl@db2",
        "copy@db3",
        "etl@db1",
    ]


def test_an_open_group_shows_its_tasks_and_keys_act_on_all_of_them() -> None:
    groups = grouped(
        [failure("a", "n1", "x 1"), failure("a", "n2", "x 2"), failure("b", "n1", "y")]
    )
    shut = failure_rows(groups, set())
    opened = failure_rows(groups, {failure_key(groups[0])})
    assert [type(row) for row in shut] == [Group, Group]
    assert [type(row) for row in opened] == [Group, Failure, Failure, Group]
    assert {str(thing.task) for thing in things_of(opened[0])} == {"a@n1", "a@n2"}
    assert isinstance(first := opened[1], Failure)
    assert [str(thing) for thing in things_of(first)] == [str(first.task)]
    assert len({failure_key(row) for row in opened}) == 4


def test_the_filter_looks_at_words_jobs_and_nodes() -> None:
    (group,) = grouped([failure("etl", "db7", "refused db7:3306")])
    assert failure_text(group) == "refused db*:3306 etl"
    assert failure_text(group.failures[0]) == "etl db7 refused db7:3306"
