"""Every mistake at once, for people and as JSON; the exit code says if there is one."""

import json
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli.main import run
from bistro_tui.engine.installed import Group
from tests.engine.conftest import Install

BROKEN = {
    "x.json": """\
{
  "bistro_settings": {
    "enabled": true,
    "scheduler": "round_robin",
    "nodes": {"levels": ["host"], "node_sources": [{"source": "empty"}]},
    "resources": {}
  },
  "bistro_job->e.t l": {"owner": "me", "backoff": [1, "x", 0], "command": ["x"]},
  "bistro_job->b": {"enabled": tru_, "ownr": "me"}
}
""".replace("tru_", '"x"'),
    "x.toml": """\
[bistro_settings]
enabled = true
scheduler = "round_robin"
nodes = {levels = ["host"], node_sources = [{source = "empty"}]}
resources = {}

["bistro_job->e.t l"]
owner = "me"
backoff = [1, "x", 0]
command = ["x"]

["bistro_job->b"]
enabled = "x"
ownr = "me"
""",
    "x.yaml": """\
bistro_settings:
  enabled: true
  scheduler: round_robin
  nodes: {levels: [host], node_sources: [{source: empty}]}
  resources: {}

bistro_job->e.t l:
  owner: me
  backoff: [1, x, 0]
  command: [x]

bistro_job->b:
  enabled: x
  ownr: me
""",
}
PLACES = {
    "x.json": [(4, 18), (8, 55), (8, 60), (9, 20), (9, 32), (9, 37)],
    "x.toml": [(3, 13), (9, 15), (9, 20), (12, 1), (13, 11), (14, 1)],
    "x.yaml": [(3, 14), (9, 16), (9, 19), (13, 3), (13, 12), (14, 3)],
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(name: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    code = run(["validate", name, "--json"])
    out, err = capsys.readouterr()
    assert err == ""
    return code, json.loads(out)


@pytest.mark.parametrize("name", BROKEN)
def test_all_errors_of_settings_and_jobs_are_told_at_once_with_their_places(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / name).write_text(BROKEN[name])
    code, found = answer(name, capsys)
    assert code == 2
    assert set(found) == {"ok", "errors", "warnings"}
    assert found["ok"] is False
    told = sorted(
        (each["path"], each["job"], each["message"]) for each in found["errors"]
    )
    assert told == [
        ("bistro_job->b", "b", 'the key "owner" is missing'),
        ("bistro_job->b.enabled", "b", 'must be true or false, got "x"'),
        (
            "bistro_job->e.t l.backoff[1]",
            "e.t l",
            'must be a whole number, "repeat" or "fail", got "x"',
        ),
        (
            "bistro_job->e.t l.backoff[2]",
            "e.t l",
            "must be above 1, the delay before it, got 0",
        ),
        (
            "bistro_settings.scheduler",
            None,
            "must be one of roundrobin, ranked_priority, randomized_priority, "
            'long_tail; got "round_robin"; did you mean "roundrobin"?',
        ),
    ]
    warnings = [
        (each["path"], each["job"], each["message"]) for each in found["warnings"]
    ]
    assert warnings == [
        (
            "bistro_job->b.ownr",
            "b",
            'unknown key "ownr", ignored; did you mean "owner"?',
        ),
    ]
    every = [*found["errors"], *found["warnings"]]
    assert {each["file"] for each in every} == {name}
    assert [(each["line"], each["column"]) for each in every] == PLACES[name]


@pytest.mark.parametrize("name", BROKEN)
def test_for_people_every_error_has_its_line_and_a_caret(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / name).write_text(BROKEN[name])
    assert run(["validate", name]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    line, column = PLACES[name][0]
    assert f"{name}:{line}:{column}: bistro_settings.scheduler: must be one of" in err
    assert f"{name}: 5 errors, 1 warning" in err
    assert err.count("^") == 6


@pytest.mark.parametrize(
    ("name", "content", "line", "column", "words"),
    [
        ("x.json", b'{"a": 1 "b": 2}', 1, 9, "expected a comma"),
        ("x.toml", b"a = 1\nb = ?", 2, 5, 'text needs quotes: "?"'),
        ("x.yaml", b"a: 1\nb: [1", 2, 6, "the file ends here"),
        ("x.json", b'{\n"\xff"}', 2, 2, "this is not UTF-8"),
        ("x.yaml", b"", 1, 1, "there is nothing here"),
        ("x.toml", b"", 1, 1, 'the key "bistro_settings" is missing'),
        ("none.json", None, 1, 1, "no such file"),
    ],
)
def test_what_does_not_parse_is_one_error_also_in_json(
    name: str,
    content: bytes | None,
    line: int,
    column: int,
    words: str,
    here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if content is not None:
        (here / name).write_bytes(content)
    code, found = answer(name, capsys)
    assert code == 2
    (error,) = found["errors"]
    assert found == {"ok": False, "errors": [error], "warnings": []}
    assert list(error) == ["file", "line", "column", "path", "message", "job"]
    assert (error["file"], error["path"], error["job"]) == (name, "", None)
    assert (error["line"], error["column"]) == (line, column)
    assert words in error["message"]


def test_a_config_loader_that_nobody_has_is_told(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "x.json").write_text(BROKEN["x.json"])
    assert run(["validate", "x.json", "--config_loader=filx", "--json"]) == 2
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert error["message"] == (
        '--config-loader: unknown config loader "filx"; there are file;'
        ' did you mean "file"?'
    )
    assert run(["validate", "x.json", "--config-loader", "filx"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"errors:\n{error['message']}\nx.json: 1 error\n")


def test_a_config_loader_reads_the_config_as_it_was_given(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(
        "acme-shelf",
        "from bistro_tui.engine.plugins import TextLoader\n"
        "class Shelf(TextLoader):\n"
        "    async def read(self):\n"
        "        raise SystemExit(self.context.config)\n",
        (Group.CONFIG_LOADERS, "shelf", "acme_shelf_module:Shelf"),
    )
    name = "shelf://a//b"
    assert run(["validate", name, "--config-loader=shelf", "--json"]) == 2
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert (error["file"], error["line"], error["job"]) == (name, 1, None)
    assert error["message"] == f"cannot be read: SystemExit: {name}"


def test_a_good_config_is_ok_and_a_job_without_command_a_warning(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = BROKEN["x.yaml"].replace("round_robin", "long_tail").replace("x, 0", "5")
    good = good.replace("enabled: x", "enabled: no").replace("ownr", "owner")
    (here / "x.yaml").write_text(good)
    code, found = answer("x.yaml", capsys)
    assert (code, found["ok"], found["errors"]) == (0, True, [])
    (warning,) = found["warnings"]
    assert (warning["path"], warning["job"]) == ("bistro_job->b.command", "b")
    assert "--worker-command" in warning["message"]
    assert run(["validate", "x.yaml"]) == 0
    assert capsys.readouterr().out == "x.yaml: ok, 1 warning\n"
