"""Saving and deleting jobs in texts as people write them."""

from collections.abc import Callable

import pytest

from bistro_tui.engine.config.edit import delete_job, save_job, set_enabled
from bistro_tui.engine.config.formats import ConfigFormat, read_document
from bistro_tui.engine.config.job_version import job_version
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName

A, NEW = JobName("a"), JobName("new")
JSON, TOML, YAML = ConfigFormat.JSON, ConfigFormat.TOML, ConfigFormat.YAML

IN_JSON = """{
  // all of it
  "bistro_settings": {},

  // the first
  "bistro_job->a": {
    "owner": "me", // who
    // why
    "command": ["x"],
    "filters": {
      "host": {"whitelist": ["a", "b"]}, // hosts
      "db": {"fraction_of_nodes": 0.5}
    },
    "config": {}
  } // end of a
}
"""
IN_TOML = """[bistro_settings]

# the first
["bistro_job->a"]
owner = "me" # who
# why
command = ["x"]
config = {}

["bistro_job->a".filters.host]
whitelist = [
  "a", # first
  "b",
]

["bistro_job->a".filters.db]
fraction_of_nodes = 0.5

# the second
["bistro_job->b"]
owner = "you"
"""
IN_YAML = """bistro_settings: {}

# the first
bistro_job->a:
  owner: me # who
  # why
  command: [x]
  filters:
    host: {whitelist: [a, b]} # hosts
    db:
      fraction_of_nodes: 0.5
  config: {}
"""
TEXTS = {JSON: IN_JSON, TOML: IN_TOML, YAML: IN_YAML}
CHANGED: dict[str, Json] = {
    "owner": "you",
    "command": ["x"],
    "filters": {"host": {"whitelist": ["a"]}, "rack": {}},
    "env": {"A": "b"},
    "priority": 2,
}


def test_in_json_only_what_differs_of_a_job_changes() -> None:
    assert save_job(IN_JSON, A, CHANGED) == (
        """{
  // all of it
  "bistro_settings": {},

  // the first
  "bistro_job->a": {
    "env": {"A": "b"},
    "priority": 2,
    "owner": "you", // who
    // why
    "command": ["x"],
    "filters": {
      "rack": {},
      "host": {"whitelist": ["a"]} // hosts
    }
  } // end of a
}
"""
    )


def test_in_toml_only_what_differs_of_a_job_changes() -> None:
    assert save_job(IN_TOML, A, CHANGED, TOML) == (
        """[bistro_settings]

# the first
["bistro_job->a"]
env = { A = "b" }
priority = 2
owner = "you" # who
# why
command = ["x"]

["bistro_job->a".filters]
rack = {}

["bistro_job->a".filters.host]
whitelist = ["a"]

# the second
["bistro_job->b"]
owner = "you"
"""
    )


def test_in_yaml_only_what_differs_of_a_job_changes() -> None:
    assert save_job(IN_YAML, A, CHANGED, YAML) == (
        """bistro_settings: {}

# the first
bistro_job->a:
  env: {A: "b"}
  priority: 2
  owner: "you" # who
  # why
  command: [x]
  filters:
    rack: {}
    host: {whitelist: ["a"]} # hosts
"""
    )


@pytest.mark.parametrize("config_format", ConfigFormat)
def test_what_is_saved_unchanged_leaves_the_text_alone(
    config_format: ConfigFormat,
) -> None:
    text = TEXTS[config_format]
    job = read_document(text, config_format).value["bistro_job->a"]
    reordered = dict(reversed(job.items()))
    assert save_job(text, A, reordered, config_format) == text


@pytest.mark.parametrize(
    ("config_format", "text", "wanted"),
    [
        (
            JSON,
            '{\n  "s": {},\n\n  "t": {\n  "u": 1} // t\n  // end\n}\n',
            '{\n  "s": {},\n\n  "t": {\n  "u": 1}, // t\n\n  "bistro_job->new": {\n'
            '    "owner": "é"\n  }\n  // end\n}\n',
        ),
        (
            JSON,
            '{\r\n\t"s": {}, /* s */\r\n}',
            '{\r\n\t"s": {}, /* s */\r\n\t"bistro_job->new": {\r\n\t\t"owner": "é"\r\n'
            "\t},\r\n}",
        ),
        (JSON, '{"s":1}', '{"s":1, "bistro_job->new":{"owner": "é"}}'),
        (JSON, '{"s": 1,}', '{"s": 1, "bistro_job->new": {"owner": "é"},}'),
        (JSON, "{}", '{"bistro_job->new": {"owner": "é"}}'),
        (TOML, "s = 1", 's = 1\n\n["bistro_job->new"]\nowner = "é"\n'),
        (TOML, "[s]\r\n", '[s]\r\n\r\n["bistro_job->new"]\r\nowner = "é"\r\n'),
        (YAML, "s: 1", 's: 1\n\nbistro_job->new:\n  owner: "é"\n'),
        (
            YAML,
            "s:\r\n  t: 1\r\nu: 1\r\n",
            's:\r\n  t: 1\r\nu: 1\r\nbistro_job->new:\r\n  owner: "é"\r\n',
        ),
        (
            YAML,
            "---\n s: 1\n t: 1\n...\n",
            '---\n s: 1\n t: 1\n bistro_job->new:\n   owner: "é"\n...\n',
        ),
        (YAML, "s: 1\n\nt: 1\n", 's: 1\n\nt: 1\n\nbistro_job->new:\n  owner: "é"\n'),
        (YAML, "{s: 1}", '{s: 1, bistro_job->new: {owner: "é"}}'),
        (YAML, '{\n"s":1 # s\n}', '{\n"s":1, # s\nbistro_job->new: {owner: "é"}\n}'),
    ],
)
def test_a_new_job_comes_last_laid_out_like_its_neighbour(
    config_format: ConfigFormat, text: str, wanted: str
) -> None:
    changed = save_job(text, NEW, {"owner": "é"}, config_format)
    assert changed == wanted
    if text != "{}":
        gone = delete_job(changed, NEW, config_format)
        assert "".join(gone.split()) == "".join(text.split())


@pytest.mark.parametrize(
    "name",
    [
        *('"', "'", "\\", "a\nb", "é 日", "\x01", "\x7f\x85\u2028\ufeff", "]", "# x"),
        *("a: b", "->", "{x}", "*x", "&x", "💾", " ", "a.b", "//", "/* */", "<<", "%"),
    ],
)
@pytest.mark.parametrize("config_format", ConfigFormat)
def test_a_job_may_have_any_name(config_format: ConfigFormat, name: str) -> None:
    text, job = TEXTS[config_format], JobName(name)
    value: dict[str, Json] = {"config": {name: [name, {name: 1e300}]}, name: True}
    changed = save_job(text, job, value, config_format)
    found = read_document(changed, config_format).value[f"bistro_job->{name}"]
    assert found == value
    assert changed.isprintable() or set(changed) <= set(text) | set(repr(changed))
    fewer: dict[str, Json] = {name: {name: name}}
    changed = save_job(changed, job, fewer, config_format)
    found = read_document(changed, config_format).value[f"bistro_job->{name}"]
    assert found == fewer
    assert delete_job(changed, job, config_format).split() == text.split()


@pytest.mark.parametrize(
    ("config_format", "text", "wanted"),
    [
        (JSON, '{"bistro_job->a": {}, "b": 1}', '{"b": 1}'),
        (JSON, '{"b": 1, "bistro_job->a": {}}', '{"b": 1}'),
        (JSON, '{"b": 1, "bistro_job->a": {},}', '{"b": 1, }'),
        (JSON, '{ "bistro_job->a": {} }', "{ }"),
        (
            JSON,
            '{\n "b": 1, // b\n // above\n "bistro_job->a": {\n  } // a\n}\n',
            '{\n "b": 1 // b\n // above\n}\n',
        ),
        (JSON, '{\n "b": 1,\n "bistro_job->a": {}}', '{\n "b": 1}'),
        (JSON, '{"bistro_job->a": {}, "b": 1, "bistro_job->a": {}}', '{"b": 1}'),
        (JSON, '{\n "b": 1\n, "bistro_job->a": {}\n}', '{\n "b": 1\n\n}'),
        (TOML, 'b = 1\n"bistro_job->a".x = 1\n"bistro_job->a".y = 1 # y\n', "b = 1\n"),
        (TOML, 'b = 1\n"bistro_job->a" = {x = 1}', "b = 1\n"),
        (TOML, 'b = 1\n\n["bistro_job->a"]\nx = 1 # x\n\n\n', "b = 1\n"),
        (
            TOML,
            '\ufeff["bistro_job->a"]\r\nx = [\r\n1]\r\n[b]\r\n'
            '["bistro_job->a".y.z]\r\n',
            "\ufeff[b]\r\n",
        ),
        (
            TOML,
            '["bistro_job->a"]\nx.y = 1\n[["bistro_job->a".z]]\nx = 1\n'
            '# b\n[b]\n[["bistro_job->a".z]]\n[c]',
            "# b\n[b]\n[c]",
        ),
        (YAML, "bistro_job->a:\n  x: 1\n # a\n\nb: 1", " # a\n\nb: 1"),
        (YAML, "b: 1\nbistro_job->a:\n  x: |\n   1\n\n", "b: 1\n\n"),
        (YAML, "b: 1\nbistro_job->a: {x: 1} # a", "b: 1\n"),
        (YAML, "bistro_job->a: {x: 1}\n", "{}\n"),
        (YAML, "{bistro_job->a: {x: 1}, b: 1}", "{b: 1}"),
        (YAML, "{b: 1, # b\n bistro_job->a: {x: 1} # a\n}", "{b: 1 # b\n}"),
        (YAML, "bistro_job->a: {}\nb: 1\nbistro_job->a: {}\n", "b: 1\n"),
    ],
)
def test_a_deleted_job_goes_with_its_comma_and_its_lines(
    config_format: ConfigFormat, text: str, wanted: str
) -> None:
    assert delete_job(text, A, config_format) == wanted


def test_the_times_and_the_version_in_the_file_stay() -> None:
    text = '{"bistro_job->a": {"create_time": 1, "version_id": 3, "owner": "x"}}'
    value: dict[str, Json] = {"owner": "y", "create_time": 5, "modify_time": 6}
    assert save_job(text, A, value) == text.replace('"x"', '"y"')
    found = int(job_version({"create_time": 1, "version_id": 3, "owner": "x"}))
    changed = save_job(text, A, {**value, "version_id": found})
    assert changed == text.replace('"x"', '"y"')


def test_true_and_one_differ() -> None:
    text = '{"bistro_job->a": {"config": {"x": true, "y": 1}}}'
    changed = save_job(text, A, {"config": {"x": 1, "y": 1.0}})
    assert changed == text.replace("true", "1").replace('"y": 1', '"y": 1.0')


@pytest.mark.parametrize(
    ("config_format", "text"),
    [
        (JSON, '{"bistro_job->a": {"x": {"y": 1}}}'),
        (TOML, '["bistro_job->a"]\nx.y = 1\n'),
        (TOML, '["bistro_job->a".x]\ny = 1\n'),
        (TOML, '"bistro_job->a" = {x.y = 1}\n'),
        (TOML, '[["bistro_job->a".x]]\ny = 1\n'),
        (YAML, "bistro_job->a:\n  x:\n    y: 1\n"),
        (YAML, "bistro_job->a:\n  x:\n  - y\n"),
        (YAML, "b: &b {y: 1}\nbistro_job->a:\n  x: *b\n"),
        (YAML, "b: &b {y: 1}\nbistro_job->a: {x: {<<: *b}}\n"),
        (YAML, "bistro_job->a: {x: &b {y: 1}}\n"),
    ],
)
@pytest.mark.parametrize("x", [{}, {"z": 1}, 5, [{"y": 2}], {"y": {"z": 1}}, "{"])
def test_a_value_of_any_form_becomes_one_of_any_other(
    config_format: ConfigFormat, text: str, x: Json
) -> None:
    changed = save_job(text, A, {"x": x, "owner": "é"}, config_format)
    found = read_document(changed, config_format).value
    assert found["bistro_job->a"] == {"x": x, "owner": "é"}


@pytest.mark.parametrize(
    ("config_format", "text", "value", "message"),
    [
        (JSON, "[]", {}, "not an object"),
        (JSON, "{'", {}, "not valid JSON now"),
        (JSON, "{}", {"x": float("nan")}, "not finite"),
        (JSON, "{}", {"\ud800": 1}, "half of a surrogate pair"),
        (JSON, "{}", {"x": "\udfff"}, "half of a surrogate pair"),
        (TOML, "", {"x": None}, "TOML has no null"),
        (TOML, '["bistro_job->a"]\ny = 1', {"x": [None]}, "TOML has no null"),
        (YAML, "b: &b {x: 1}\nbistro_job->a: *b", {"x": 2}, "behind an alias"),
        (YAML, "b: &b {x: 1}\nbistro_job->a: {<<: *b}", {}, "comes by <<"),
        (
            YAML,
            "bistro_job->a: {x: &x {y: 1}}\nb: *x",
            {"x": {"y": 2}},
            "without changing more|anchor",
        ),
    ],
)
def test_what_cannot_be_written_is_refused(
    config_format: ConfigFormat, text: str, value: dict[str, Json], message: str
) -> None:
    with pytest.raises(ControlRefused, match=message):
        save_job(text, A, value, config_format)


def test_a_job_nested_too_deeply_is_refused() -> None:
    value: dict[str, Json] = {}
    for _ in range(2000):
        value = {"x": value}
    with pytest.raises(ControlRefused, match="nested too deeply"):
        save_job("{}", A, value)


@pytest.mark.parametrize("config_format", ConfigFormat)
def test_a_job_of_another_version_is_refused(config_format: ConfigFormat) -> None:
    text = TEXTS[config_format]
    old = read_document(text, config_format).value["bistro_job->a"]
    good, bad = job_version(old), job_version({})
    assert save_job(text, A, CHANGED, config_format, version=good) != text
    assert delete_job(text, A, config_format, version=good) != text
    assert set_enabled(text, A, False, config_format, version=good) != text
    message = f'the job "a" was changed meanwhile: it is version {good} now'
    edits: tuple[Callable[[], str], ...] = (
        lambda: save_job(text, A, CHANGED, config_format, version=bad),
        lambda: delete_job(text, A, config_format, version=bad),
        lambda: set_enabled(text, A, False, config_format, version=bad),
    )
    for edit in edits:
        with pytest.raises(ControlRefused, match=message):
            edit()
    with pytest.raises(ControlRefused, match='the job "new" is gone'):
        save_job(text, NEW, CHANGED, config_format, version=good)


@pytest.mark.parametrize("config_format", ConfigFormat)
def test_the_version_in_a_job_counts_where_no_other_is_given(
    config_format: ConfigFormat,
) -> None:
    text = TEXTS[config_format]
    good = job_version(read_document(text, config_format).value["bistro_job->a"])
    changed = save_job(text, A, CHANGED, config_format)
    for shown in (good, int(good), -1, None):
        value = {**CHANGED, "version_id": shown}
        assert save_job(text, A, value, config_format) == changed
    stale: dict[str, Json] = {**CHANGED, "version_id": 7}
    message = f'"a" was changed meanwhile: it is version {good} now, not 7'
    with pytest.raises(ControlRefused, match=message):
        save_job(text, A, stale, config_format)
    assert save_job(text, A, stale, config_format, version=good) == changed
    new = save_job(text, NEW, stale, config_format)
    assert new == save_job(text, NEW, CHANGED, config_format)


@pytest.mark.parametrize("shown", [True, [7], {}, 1.5])
def test_what_cannot_be_a_version_is_no_version(shown: Json) -> None:
    with pytest.raises(ControlRefused, match="version_id must be as jobs shows it"):
        save_job(IN_JSON, A, {**CHANGED, "version_id": shown})


@pytest.mark.parametrize(("name", "message"), [("", "empty"), ("a\0b", "NUL")])
def test_a_name_that_no_job_can_have_is_refused(name: str, message: str) -> None:
    with pytest.raises(ControlRefused, match=f"a job's name cannot.* {message}"):
        save_job(IN_JSON, JobName(name), CHANGED)


@pytest.mark.parametrize("config_format", ConfigFormat)
def test_a_job_that_is_not_there_cannot_be_deleted(config_format: ConfigFormat) -> None:
    with pytest.raises(
        ControlRefused, match='has no job called "aa"; did you mean "a"'
    ):
        delete_job(TEXTS[config_format], JobName("aa"), config_format)
