from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.edit import set_enabled
from bistro_tui.engine.config.formats import format_of, read_document
from bistro_tui.engine.config.parse import JOB_PREFIX
from bistro_tui.engine.config.text import parse_json
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName
from tests.engine.config.builders import COMMENTED, SEED
from tests.engine.config.test_text import spaces
from tests.samples import sample_configs

A = JobName("a")


def edited(job: str, enabled: bool = False) -> str:
    """Return what becomes of one job's text; ``before`` and ``after`` stay."""
    before, after = '{"bistro_settings": {},\n  "bistro_job->a": ', "\n}\n"
    changed = set_enabled(before + job + after, A, enabled)
    assert changed.startswith(before)
    assert changed.endswith(after)
    return changed[len(before) : -len(after)]


@pytest.mark.parametrize(
    ("job", "wanted"),
    [
        ('{"enabled": true}', '{"enabled": false}'),
        ('{"enabled":true,"owner":"x"}', '{"enabled":false,"owner":"x"}'),
        ('{"enabled": /* on! */ "yes", }', '{"enabled": /* on! */ false, }'),
        ('{"enabled": [1, {"a": 2}] // x\n}', '{"enabled": false // x\n}'),
        ('{"enabled": true, "enabled": true}', '{"enabled": true, "enabled": false}'),
        ('{"\\u0065nabled": true}', '{"\\u0065nabled": false}'),
        ('{"config": {"enabled": true}, "enabled": 1}', None),
    ],
)
def test_only_the_value_changes(job: str, wanted: str | None) -> None:
    found = edited(job)
    assert found == (wanted or job.replace('"enabled": 1', '"enabled": false'))


@pytest.mark.parametrize(
    ("job", "wanted"),
    [
        # inline
        ("{}", '{"enabled": false}'),
        ("{ }", '{ "enabled": false }'),
        ('{"owner": "x"}', '{"enabled": false, "owner": "x"}'),
        ('{ "owner": "x" }', '{ "enabled": false, "owner": "x" }'),
        ('{"owner":"x","b":1}', '{"enabled":false,"owner":"x","b":1}'),
        ('{"owner":"x"}', '{"enabled":false,"owner":"x"}'),
        ('{"owner" : "x", "b" : 1}', '{"enabled" : false, "owner" : "x", "b" : 1}'),
        ('{"owner": "x",\n"b": 1}', '{"enabled": false, "owner": "x",\n"b": 1}'),
        ('{/* é */"owner": 1}', '{/* é */"enabled": false, "owner": 1}'),
        # one member a line
        ('{\n    "owner": 1\n  }', '{\n    "enabled": false,\n    "owner": 1\n  }'),
        ('{\r\n\t"owner": 1\r\n}', '{\r\n\t"enabled": false,\r\n\t"owner": 1\r\n}'),
        ('{\n"owner": 1}', '{\n"enabled": false,\n"owner": 1}'),
        ('{ // who\n  "owner": 1\n}', '{ // who\n  "enabled": false,\n  "owner": 1\n}'),
        (
            '{\n  // who\n  "owner": 1\n}',
            '{\n  "enabled": false,\n  // who\n  "owner": 1\n}',
        ),
        ('{ /* a\n b */ "owner": 1}', '{ /* a\n b */ "enabled": false, "owner": 1}'),
        (
            '{ /* a\n b */\n  "owner": 1\n}',
            '{ /* a\n b */\n  "enabled": false,\n  "owner": 1\n}',
        ),
        # empty over several lines
        ("{\n  }", '{\n    "enabled": false\n  }'),
        ("{\n\t}", '{\n\t\t"enabled": false\n\t}'),
        ("{ // todo\n  }", '{\n    "enabled": false // todo\n  }'),
    ],
)
def test_a_missing_key_becomes_the_first_member_in_the_layout_of_the_file(
    job: str, wanted: str
) -> None:
    assert edited(job) == wanted


def test_a_file_keeps_its_byte_order_mark_comments_and_line_ends() -> None:
    text = "\ufeff" + COMMENTED.replace("\n", "\r\n")
    changed = set_enabled(text, JobName("étl"), False)
    assert changed == text.replace(
        '{\r\n    "owner"', '{\r\n    "enabled": false,\r\n    "owner"'
    )
    again = set_enabled(changed, JobName("étl"), True)
    assert again == changed.replace('"enabled": false', '"enabled": true')


def test_of_a_repeated_job_the_one_in_force_is_changed() -> None:
    text = '{"bistro_job->a": {"enabled": true}, "bistro_job->a": {"enabled": true}}'
    assert set_enabled(text, A, False) == (
        '{"bistro_job->a": {"enabled": true}, "bistro_job->a": {"enabled": false}}'
    )


def test_saying_the_same_again_changes_nothing() -> None:
    assert set_enabled(SEED, JobName("simple_job"), True) == SEED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SEED, 'the config has no job called "a"'),
        ('{"bistro_job->a": 5}', 'the config has no job called "a"'),
        ('{"bistro_job->aa": {}}', 'has no job called "a"; did you mean "aa"?'),
        ("[]", 'the config has no job called "a"'),
        ("{'", r"not valid JSON now \(line 1:2: text needs double quotes"),
        ("", "not valid JSON now"),
    ],
)
def test_what_cannot_be_edited_is_refused(text: str, message: str) -> None:
    with pytest.raises(ControlRefused, match=message.replace("?", r"\?")):
        set_enabled(text, A, True)


values = st.sampled_from(
    ["true", "false", '"yes"', "[1, /* , */ {}]", "{}", "1e+5", '"}\\""', "null"]
)


@st.composite
def jobs(draw: st.DrawFn) -> tuple[str, str, str]:
    """Return the text around a value of ``enabled``, and that value."""

    def gap() -> str:
        return draw(spaces())

    members = draw(
        st.lists(st.sampled_from(["owner", "é", "x y", "config"]), unique=True)
    )
    at = draw(st.integers(0, len(members)))
    written = [f'{gap()}"{key}"{gap()}:{gap()}{draw(values)}{gap()}' for key in members]
    opening = f"{gap()}{{{gap()}"
    before = opening + "".join(f"{each}," for each in written[:at])
    before += f'{gap()}"enabled"{gap()}:{gap()}'
    after = gap() + "".join(f",{each}" for each in written[at:])
    after += draw(st.sampled_from(["", ","])) + gap() + "}" + gap()
    head = '{"é": 1,' + gap() + '"bistro_job->a"' + gap() + ":"
    return head + before, draw(values), after + draw(st.sampled_from(["", ","])) + "}"


@given(jobs(), st.booleans())
def test_everything_outside_the_value_stays_byte_for_byte(
    job: tuple[str, str, str], enabled: bool
) -> None:
    before, value, after = job
    word = "true" if enabled else "false"
    assert set_enabled(before + value + after, A, enabled) == before + word + after


@given(jobs(), st.booleans())
def test_an_inserted_member_is_the_only_difference(
    job: tuple[str, str, str], enabled: bool
) -> None:
    before, value, after = job
    text = f"{before}{value}{after}".replace('"enabled"', '"disabled"')
    changed = set_enabled(text, A, enabled)
    wanted = parse_json(text)
    wanted["bistro_job->a"] = {"enabled": enabled, **wanted["bistro_job->a"]}
    assert parse_json(changed) == wanted
    assert next(iter(parse_json(changed)["bistro_job->a"])) == "enabled"
    assert is_subsequence(text, changed)


def is_subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(char in rest for char in part)


@pytest.mark.parametrize("sample", sample_configs(), ids=lambda path: path.name)
def test_every_job_of_a_sample_can_be_disabled_alone(sample: Path) -> None:
    text, config_format = sample.read_text(), format_of(sample)
    before = read_document(text, config_format).value
    jobs = [key for key in before if key.startswith(JOB_PREFIX)]
    assert jobs
    for key in jobs:
        job = JobName(key.removeprefix(JOB_PREFIX))
        changed = set_enabled(text, job, False, config_format)
        after = read_document(changed, config_format).value
        assert after == {**before, key: {**before[key], "enabled": False}}
