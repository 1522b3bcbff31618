"""Settings as they stand in a snapshot, and in words."""

from bistro_tui.engine.view import JobName, LevelName, ResourceName
from bistro_tui.present.settings import (
    JobPriority,
    JobSwitch,
    LevelLimit,
    in_words,
    value_in,
)
from tests.ui.scripted import job, node, snapshot

SHOWN = snapshot(
    jobs=(job("etl", priority=2.5),),
    nodes=(node("farm", 0), node("rack-a", 1, ("io", 1, 5))),
)
IO = LevelLimit(level=LevelName("rack"), resource=ResourceName("io"))


def test_values_come_from_the_rows_they_belong_to() -> None:
    assert value_in(SHOWN, JobSwitch(job=JobName("etl"))) is True
    assert value_in(SHOWN, JobPriority(job=JobName("etl"))) == 2.5
    assert value_in(SHOWN, IO) == 5


def test_what_is_not_there_has_no_value() -> None:
    assert value_in(SHOWN, JobSwitch(job=JobName("gone"))) is None
    gone = LevelLimit(level=LevelName("rack"), resource=ResourceName("gone"))
    assert value_in(SHOWN, gone) is None
    gone = LevelLimit(level=LevelName("gone"), resource=ResourceName("io"))
    assert value_in(SHOWN, gone) is None


def test_words_say_whose_it_is_and_how_it_stands() -> None:
    assert in_words(JobSwitch(job=JobName("etl")), False) == "etl is disabled"
    assert in_words(JobPriority(job=JobName("etl")), 2.5) == "etl has priority 2.5"
    assert in_words(IO, 4) == "io of each rack is limited to 4"
