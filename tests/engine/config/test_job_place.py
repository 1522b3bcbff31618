"""Where jobs stand in texts as people write them, and what strangers see of it."""

from pathlib import Path

import pytest

from bistro_tui.engine.config.formats import ConfigFormat, format_of, read_document
from bistro_tui.engine.config.job_place import (
    LONGEST,
    MOST_LINES,
    NOWHERE,
    JobPlace,
    place_of_job,
)
from bistro_tui.engine.config.parse import JOB_PREFIX
from bistro_tui.engine.ids import JobName
from tests.samples import sample_configs

A = JobName("a")
JSON, TOML, YAML = ConfigFormat.JSON, ConfigFormat.TOML, ConfigFormat.YAML

IN_JSON = """{
  "bistro_settings": {},
  // about a
  "bistro_job->a": {
    "owner": "me", // who
    "config": {
      "db_password": [
        "hunter22",
        "other one"
      ],
      "n": 1
    }
  }, // end
  "bistro_job->b": {"owner": "you"}
}
"""
IN_TOML = """[bistro_settings]

["bistro_job->a"]
owner = "me" # who
["bistro_job->b"]
owner = "you"

["bistro_job->a".config]
db_password = \"\"\"
hunter22
other one\"\"\"
n = 1

["bistro_job->a".env]
API_TOKEN = 'hunter33'
"""
IN_YAML = """bistro_settings: {}
bistro_job->b:
  owner: &p hunter22
bistro_job->a:
  owner: me # who
  config:
    db_password: |
      hunter22
      other one
    n: 1
    # secret: hunter44
  env: {API_TOKEN: *p, other: &q hunter55, password: *q}
# the end
"""


def place(text: str, config_format: ConfigFormat, *, hides: bool = False) -> JobPlace:
    return place_of_job(text, config_format, A, hides_secrets=hides)


def test_the_lines_of_a_job_are_its_own() -> None:
    lines = IN_JSON.splitlines()
    assert place(IN_JSON, JSON) == JobPlace(4, (*lines[3:11], "    }", "  }"))
    lines = IN_TOML.splitlines()
    assert place(IN_TOML, TOML) == JobPlace(3, (*lines[2:4], *lines[7:15]))
    lines = IN_YAML.splitlines()
    assert place(IN_YAML, YAML) == JobPlace(4, tuple(lines[3:12]))


@pytest.mark.parametrize(
    ("text", "config_format"), [(IN_JSON, JSON), (IN_TOML, TOML), (IN_YAML, YAML)]
)
def test_strangers_see_no_secrets(text: str, config_format: ConfigFormat) -> None:
    found = place(text, config_format, hides=True)
    shown = "\n".join(found.excerpt)
    assert "hunter" not in shown
    assert "other one" not in shown
    assert "owner" in shown
    assert "n" in shown
    assert found.line == place(text, config_format).line


def test_a_job_in_one_line_with_others_is_cut_out() -> None:
    text = '{"bistro_settings": {}, "bistro_job->a": {"owner": "me"}, "x": 1}'
    assert place(text, JSON) == JobPlace(1, ('"bistro_job->a": {"owner": "me"}',))


def test_what_is_not_there_is_nowhere() -> None:
    for text in ("{", "[]", "{}", '{"bistro_job->b": {}}'):
        assert place(text, JSON) == NOWHERE


def test_a_name_is_found_however_it_is_written() -> None:
    text = '{\n\n"bistro_job-\\u003ea": {\n"owner": "me"}}'
    found = place(text, JSON)
    assert found.line == 3
    assert found.excerpt[-1] == '"owner": "me"}'


def test_long_jobs_and_lines_are_cut() -> None:
    rows = ",\n".join(f'"k{number}": "{"x" * 600}"' for number in range(400))
    found = place(f'{{"bistro_job->a": {{\n{rows}}}}}', JSON)
    assert len(found.excerpt) == MOST_LINES
    assert max(map(len, found.excerpt)) == LONGEST + 1


def test_a_job_that_is_an_alias_is_its_own_key_only() -> None:
    text = "x: &x\n  owner: me\n  token: hunter22\nbistro_job->a: *x\n"
    assert place(text, YAML, hides=True).line == 4
    assert "hunter22" not in "".join(place(text, YAML, hides=True).excerpt)


@pytest.mark.parametrize("sample", sample_configs(), ids=lambda path: path.name)
def test_every_job_of_a_sample_is_found(sample: Path) -> None:
    text, config_format = sample.read_text(), format_of(sample)
    lines = text.splitlines()
    for key in read_document(text, config_format).value:
        if key.startswith(JOB_PREFIX):
            job = JobName(key.removeprefix(JOB_PREFIX))
            for hides in (True, False):
                found = place_of_job(text, config_format, job, hides_secrets=hides)
                assert key in lines[found.line - 1]
                assert found.excerpt[0] == lines[found.line - 1]
