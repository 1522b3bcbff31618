"""Setting priorities and limits in texts as people write them."""

from pathlib import Path

import pytest

from bistro_tui.engine.config.edit import set_limit, set_priority
from bistro_tui.engine.config.formats import ConfigFormat, format_of, read_document
from bistro_tui.engine.config.job_edits import limiting
from bistro_tui.engine.config.job_version import job_version
from bistro_tui.engine.config.parse import JOB_PREFIX, SETTINGS_KEY
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, LevelName, ResourceName
from tests.samples import sample_configs

A = JobName("a")
HOST, CPU = LevelName("host"), ResourceName("cpu")
JSON, TOML, YAML = ConfigFormat.JSON, ConfigFormat.TOML, ConfigFormat.YAML

IN_JSON = """{
  // all of it
  "bistro_settings": {
    "resources": {"host": {"cpu": {"limit": 2, "default": 1}}} // few
  },
  "bistro_job->a": {"owner": "me", "priority": 1.50 /* much */}, // a
}
"""
IN_TOML = """# all of it
["bistro_settings".resources.host.cpu]
limit = 2 # few
default = 1

["bistro_job->a"]
owner = "me"
priority = 1.50 # much
"""
IN_YAML = """# all of it
bistro_settings:
  resources:
    host:
      cpu: {limit: 2, default: 1} # few
bistro_job->a:
  owner: me
  priority: 1.50 # much
"""
TEXTS = [(IN_JSON, JSON), (IN_TOML, TOML), (IN_YAML, YAML)]


@pytest.mark.parametrize(("text", "config_format"), TEXTS)
def test_only_the_characters_of_a_value_change(
    text: str, config_format: ConfigFormat
) -> None:
    wanted = text.replace("1.50", "7")
    assert set_priority(text, A, 7.0, config_format) == wanted
    assert set_priority(text, A, -0.25, config_format) == text.replace("1.50", "-0.25")
    changed = set_limit(text, HOST, CPU, 31, config_format)
    assert changed in (
        text.replace("limit: 2", "limit: 31"),
        text.replace("limit = 2", "limit = 31"),
        text.replace('"limit": 2', '"limit": 31'),
    )


@pytest.mark.parametrize(("text", "config_format"), TEXTS)
def test_what_is_so_already_stays_as_it_is_written(
    text: str, config_format: ConfigFormat
) -> None:
    assert set_priority(text, A, 1.5, config_format) == text
    assert set_limit(text, HOST, CPU, 2, config_format) == text


@pytest.mark.parametrize(
    ("job", "priority", "wanted"),
    [
        ('{"owner": "x"}', 2.0, '{"priority": 2, "owner": "x"}'),
        ('{"owner": "x"}', 1.0, None),
        ('{"priority": "2"}', 2.0, None),
        ('{"priority": "high"}', 2.0, '{"priority": 2}'),
        ('{"priority": null}', 1.0, '{"priority": 1}'),
        ('{"priority": 1}', 1e300, '{"priority": 1e+300}'),
    ],
)
def test_a_missing_priority_is_one_and_a_bad_one_is_replaced(
    job: str, priority: float, wanted: str | None
) -> None:
    before, after = '{"bistro_job->a": ', "}"
    found = set_priority(before + job + after, A, priority)
    assert found == before + (wanted or job) + after


def test_a_limit_that_is_not_there_or_is_no_number_is_set() -> None:
    text = '{"bistro_settings": {"resources": {"host": {"cpu": %s}}}}'
    assert set_limit(text % "{}", HOST, CPU, 3) == text % '{"limit": 3}'
    bad = '{"limit": "many"}'
    assert set_limit(text % bad, HOST, CPU, 3) == text % '{"limit": 3}'


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('{"resources": {"host": {"cpus": {}}}}', 'did you mean "cpus"'),
        ('{"resources": {"db": {"cpu": {}}}}', 'on the level "host"; it is on .* "db"'),
        ('{"resources": {"host": 1}}', 'no resource "cpu" on the level "host"$'),
        ('{"resources": 1}', 'no resource "cpu" on the level "host"$'),
        ("{}", 'no resource "cpu" on the level "host"$'),
        ("1", 'no resource "cpu" on the level "host"$'),
    ],
)
def test_a_resource_that_is_not_there_has_no_limit(settings: str, words: str) -> None:
    with pytest.raises(ControlRefused, match=words):
        set_limit(f'{{"bistro_settings": {settings}}}', HOST, CPU, 3)
    with pytest.raises(ControlRefused, match="no resource"):
        set_limit("[]", HOST, CPU, 3)


def test_a_priority_is_a_finite_number_of_a_job_that_is_there() -> None:
    for priority in (float("nan"), float("inf")):
        with pytest.raises(ControlRefused, match="must be a number"):
            set_priority(IN_JSON, A, priority)
    with pytest.raises(ControlRefused, match="no job called"):
        set_priority(IN_JSON, JobName("b"), 1.0)
    with pytest.raises(ControlRefused, match="repair it first"):
        set_priority("{", A, 1.0)


def test_a_job_of_another_version_is_left_alone() -> None:
    job = {"owner": "me", "priority": 1.5}
    version = job_version(job)
    assert set_priority(IN_JSON, A, 2.0, version=version) != IN_JSON
    with pytest.raises(ControlRefused, match="was changed meanwhile"):
        set_priority(IN_JSON, A, 2.0, version="1")


def test_what_comes_from_elsewhere_is_not_edited_there() -> None:
    text = (
        "x: &x {limit: 2, default: 1}\nbistro_settings: {resources: {host: {cpu: *x}}}"
    )
    with pytest.raises(ControlRefused, match="written elsewhere, behind an alias"):
        set_limit(text, HOST, CPU, 3, YAML)


@pytest.mark.parametrize("sample", sample_configs(), ids=lambda path: path.name)
def test_every_value_of_a_sample_can_be_changed_alone(sample: Path) -> None:
    text, config_format = sample.read_text(), format_of(sample)
    before = read_document(text, config_format).value
    for key in before:
        if key.startswith(JOB_PREFIX):
            job = JobName(key.removeprefix(JOB_PREFIX))
            try:
                changed = set_priority(text, job, 12.5, config_format)
            except ControlRefused:
                # Others are made of it.
                assert f"{key}: &" in text
                continue
            after = read_document(changed, config_format).value
            assert after == {**before, key: {**before[key], "priority": 12.5}}
    for level, specs in before[SETTINGS_KEY]["resources"].items():
        for name in specs:
            changed = set_limit(text, LevelName(level), name, 977, config_format)
            after = read_document(changed, config_format).value
            after[SETTINGS_KEY]["resources"][level][name]["limit"] = specs[name][
                "limit"
            ]
            assert after == before
            assert changed.count("\n") == text.count("\n")


def test_nothing_is_saved_while_the_settings_are_bad(tmp_path: Path) -> None:
    bad = IN_JSON.replace('"default": 1', '"default": "x"')
    with pytest.raises(ControlRefused, match=r"(?s)nothing was saved: .*cpu\.default"):
        limiting(tmp_path / "config.json", HOST, CPU, 3)(bad)
    # No change, nothing to refuse.
    assert limiting(tmp_path / "config.json", HOST, CPU, 2)(bad) == bad
