"""What the ``cron`` command answers."""

import json
import time
from pathlib import Path

import pytest

from bistro_tui.cli.main import run
from tests.engine.cron.zones import PACIFIC, local_zone

FORWARD = 1362909600
FIXES = ["unskip", "repeat_use_both"]
AT_0230 = {"minute": 30, "hour": 2, "dst_fixes": FIXES}


def answer(
    capsys: pytest.CaptureFixture[str], item: object, *flags: str
) -> tuple[int, str, str]:
    text = item if isinstance(item, str) else json.dumps(item)
    code = run(["cron", text, *flags])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_times_are_those_of_the_zone_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start = f"--from={FORWARD - 86400}"
    with local_zone(PACIFIC):
        code, out, err = answer(capsys, AT_0230, start, "--count=3", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "times": [FORWARD - 86400 + 1800, FORWARD - 1, FORWARD + 23 * 3600 + 1800]
    }


def test_people_see_each_time_with_its_clock_and_how_far_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with local_zone(PACIFIC):
        code, out, _ = answer(capsys, AT_0230, "--from", "1362873600", "--count", "2")
    first, second = out.splitlines()
    assert code == 0
    assert first.startswith("1362909599   Sun 2013-03-10 01:59:59 -08:00 PST  ")
    assert second.startswith("1362994200   Mon 2013-03-11 02:30:00 -07:00 PDT  ")
    assert second.endswith("d ago")


def test_without_more_it_begins_now_and_shows_ten(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = time.time()
    code, out, _ = answer(capsys, '"* * * * *"', "--json")
    times = json.loads(out)["times"]
    assert code == 0
    assert before <= times[0] <= time.time() + 60
    assert times == list(range(times[0], times[0] + 600, 60))


def test_a_time_in_the_future_is_in_some_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    soon = int(time.time()) + 7200 + 30
    _, out, _ = answer(capsys, {"epoch": soon})
    assert out.rstrip().endswith("in 2h")


def test_the_first_match_is_not_before_from(capsys: pytest.CaptureFixture[str]) -> None:
    for start, expected in (("-5", [0, 300]), ("300", [300, 600]), ("301", [600, 900])):
        item = {"epoch": {"period": 300}}
        _, out, _ = answer(capsys, item, "--from", start, "--count", "2", "--json")
        assert json.loads(out) == {"times": expected}


@pytest.mark.parametrize(
    ("start", "times", "remark"),
    [("0", [500, 700], "and never again"), ("701", [], "all its times are over")],
)
def test_there_are_fewer_times_when_there_are_no_more(
    start: str, times: list[int], remark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    item = {"epoch": [500, 700]}
    code, out, err = answer(capsys, item, "--from", start, "--json")
    assert (code, json.loads(out), err) == (0, {"times": times}, "")
    code, out, err = answer(capsys, item, "--from", start)
    assert code == 0
    assert len(out.splitlines()) == len(times)
    assert remark in err


def test_a_time_beyond_every_calendar_is_shown_as_that(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = answer(capsys, {"epoch": 2**63 - 1})
    assert code == 0
    assert out.startswith("9223372036854775807  beyond the calendar")


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ("{", "ITEM:1:"),
        ('{"epoch": 5} x', "ITEM:1:14: expected the end here"),
        ('{"minute": 61, "hour": 25}', "hour: must be from 0 to 23"),
        ('{"minute": 61, "hour": 25}', "minute: must be from 0 to 59"),
        ('"@daily"', 'write "0 0 * * *"'),
        ("[" * 5000, "nested too deeply"),
        ("5", "must be an object"),
        ('{"minut": 5}', 'did you mean "minute"?'),
        ('{"minute": 0, "dst_fixes": ["skip"]}', "dst_fixes: must have exactly"),
        ('{"cron": "0 0 30 2 *"}', "never fires"),
        (
            '{"minute": 0, "day_of_month": 30, "month": 2,'
            ' "dst_fixes": ["skip", "repeat_use_both"]}',
            "never fires",
        ),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_bad_item_is_refused(
    item: str, problem: str, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = answer(capsys, item, *flags)
    assert (code, out) == (2, "")
    assert problem in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("0 2 * * MON", "0 2 * * MON"),
        (" 0  2 * * * ", "0 2 * * *"),
        ("@daily", "0 0 * * *"),
        ("@Weekly", "0 0 * * 0"),
        ("0 2 * *", "*/5 * * * *"),
        ("0 0 2 * * *", "*/5 * * * *"),
        ("@reboot", "*/5 * * * *"),
        ("NaN", "*/5 * * * *"),
        ("", "*/5 * * * *"),
    ],
)
def test_text_that_is_not_json_is_answered_with_the_json_to_write(
    text: str, instead: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = answer(capsys, text)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert "not JSON" in line
    assert line.endswith(json.dumps({"cron": instead}))
    assert "config" not in err


def test_an_item_that_this_zone_always_skips_is_refused_here_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    only = {"minute": 30, "hour": 2, "day_of_month": 10, "month": 3, "year": 2013}
    item = {**only, "dst_fixes": ["skip", "repeat_use_both"]}
    with local_zone(PACIFIC):
        code, _, err = answer(capsys, item, "--json")
    assert code == 2
    assert "never fire in this time zone" in err
    with local_zone("UTC0"):
        assert answer(capsys, item, "--json") == (0, '{"times": []}\n', "")


@pytest.mark.parametrize("flags", [["--count", "0"], ["--from", "noon"], ["--form=1"]])
def test_wrong_flags_are_refused(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = answer(capsys, {"epoch": 5}, *flags)
    assert (code, out) == (2, "")
    assert flags[0].partition("=")[0] in err


def test_foreign_text_cannot_drive_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, _, err = answer(capsys, {"\x1b[31m": "\x1b", "minute": 5})
    assert "\x1b" not in err
    with local_zone("<\x1b[31m>5"):
        _, out, _ = answer(capsys, {"epoch": 5})
    assert "\x1b" not in out


def test_nobody_reading_ends_it_however_many_were_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pages: list[str] = []

    def print_data(text: str) -> bool:
        pages.append(text)
        return False

    monkeypatch.setattr("bistro_tui.cli.cron.print_data", print_data)
    assert run(["cron", '"* * * * *"', "--count", "1000000000"]) == 0
    assert len(pages) == 1
