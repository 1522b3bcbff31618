"""The command line: what is meant, what is missing, what could follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import Reason
from bistro_tui.present.commands import COMMANDS, Order, completions, parsed, usage
from tests.ui.scripted import job, node, snapshot

SHOWN = snapshot(
    jobs=(job("etl", {Reason.DONE: 1}), job("etl nightly"), job("report-etl")),
    nodes=(node("farm", 0, ("slots", 0, 1)), node("db7", 1), node("db70", 1)),
)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("job etl", Order(command="job", words=("etl",))),
        (":why etl db7", Order(command="why", words=("etl", "db7"))),
        (" why ", Order(command="why")),
        ("job 'etl nightly'", Order(command="job", words=("etl nightly",))),
        ("q", Order(command="quit")),
    ],
)
def test_commands_are_read_as_in_a_shell(text: str, order: Order) -> None:
    assert parsed(text) == order


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "jbo etl",
            "there is no command :jbo; did you mean :job? · :help lists all commands",
        ),
        ("zzzzzz", "there is no command :zzzzzz · :help lists all commands"),
        ("job", ":job JOB – job is missing"),
        ("why a b c", ":why [JOB] [NODE] – c is one word too many"),
        ("job 'etl", "job 'etl: a quote is open"),
        ("  ", ""),
    ],
)
def test_what_cannot_be_done_is_one_sentence(text: str, sentence: str) -> None:
    assert parsed(text) == sentence


def test_commands_complete_first_then_names_that_begin_so_then_names_with_it() -> None:
    assert completions("jo", SHOWN) == ["job", "jobs"]
    assert completions("job etl", SHOWN) == [
        "job etl",
        "job 'etl nightly'",
        "job report-etl",
    ]
    assert completions("why etl db7", SHOWN) == ["why etl db7", "why etl db70"]
    assert completions("why 'etl nightly' db70", SHOWN) == ["why 'etl nightly' db70"]
    assert completions("limit instance s", SHOWN) == ["limit instance slots"]
    assert completions("theme ", SHOWN, ["dark", "light"]) == [
        "theme dark",
        "theme light",
    ]
    assert completions("undo x", SHOWN) == []
    assert completions("nonsense x", SHOWN) == []


def test_names_that_a_terminal_would_obey_are_not_put_into_the_line() -> None:
    shown = snapshot(jobs=(job("a\x1b[2J"), job("a[/b]")))
    assert completions("job a", shown) == ["job 'a[/b]'"]


def test_usage_says_the_form_and_what_it_does() -> None:
    assert usage("why etl") == (
        "why [JOB] [NODE] · why a job's tasks wait, or one task does"
    )
    assert usage("nonsense") == ""


@given(st.text(max_size=60))
def test_whatever_is_typed_is_an_order_or_a_sentence(text: str) -> None:
    found = parsed(text)
    if isinstance(found, Order):
        assert found.command in COMMANDS
    for offer in completions(text, SHOWN)[:20]:
        assert isinstance(parsed(offer), (Order, str))


def test_a_completion_means_the_name_it_was_made_from() -> None:
    for offer in completions("job e", SHOWN):
        order = parsed(offer)
        assert isinstance(order, Order)
        assert order.words[0] in {row.name for row in SHOWN.jobs}
