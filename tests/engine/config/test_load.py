import os
import socket
from pathlib import Path

import pytest

from bistro_tui.engine.config import load
from bistro_tui.engine.config.file_read import MAX_BYTES, read_file
from bistro_tui.engine.config.load import (
    MAX_SLOW_BYTES,
    load_config,
    load_settled,
    locate_problems,
)
from bistro_tui.engine.config.problems import Problem
from bistro_tui.engine.errors import ConfigUnusable
from bistro_tui.engine.ids import JobName
from tests.engine.config.builders import COMMENTED, SEED
from tests.engine.config.ruin import without_permission
from tests.engine.config.watching import Looks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "simple.json"
    found.write_text(SEED)
    return found


def write(path: Path, text: str) -> None:
    path.write_text(text)


def refusal(path: Path) -> str:
    with pytest.raises(ConfigUnusable) as caught:
        load_config(path)
    return str(caught.value)


def test_a_good_file_gives_a_config_and_nothing_to_say(path: Path) -> None:
    loaded = load_config(path)
    assert loaded.config is not None
    assert list(loaded.config.jobs) == ["simple_job"]
    assert (loaded.problems, loaded.warnings, loaded.trouble) == ((), (), "")
    assert loaded.text == SEED


@pytest.mark.parametrize("suffix", ["", ".json", ".jsonc", ".conf"])
def test_any_other_suffix_and_none_is_json(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"simple{suffix}"
    path.write_text("\ufeff" + COMMENTED)
    assert load_config(path).config is not None


TOML = """\
[bistro_settings]
enabled = true
nodes.levels = ["host"]
nodes.node_sources = [{source = "manual", prefs = {db1 = []}}]
resources = {}

["bistro_job->a"]
owner = "me"
"""

YAML = """\
bistro_settings:
  enabled: yes
  nodes:
    levels: [host]
    node_sources:
      - {source: manual, prefs: {no: [], "on": {disabled: off}}}
  resources: {}

bistro_job->a:
  owner: me
"""


@pytest.mark.parametrize(
    ("suffix", "text"),
    [(".toml", TOML), (".yaml", YAML), (".yml", YAML), (".YML", YAML)],
)
def test_toml_and_yaml_are_chosen_by_the_suffix(
    tmp_path: Path, suffix: str, text: str
) -> None:
    path = tmp_path / f"simple{suffix}"
    path.write_text("\ufeff" + text)
    loaded = load_config(path)
    assert (loaded.problems, loaded.warnings) == ((), ())
    assert loaded.config is not None
    assert loaded.config.settings.enabled
    assert list(loaded.config.jobs) == ["a"]


@pytest.mark.parametrize(
    ("suffix", "text", "job", "key"),
    [(".toml", TOML, (7, 1), (8, 1)), (".yaml", YAML, (10, 3), (10, 3))],
)
def test_problems_of_every_format_have_their_line_and_column(
    tmp_path: Path,
    suffix: str,
    text: str,
    job: tuple[int, int],
    key: tuple[int, int],
) -> None:
    path = tmp_path / f"simple{suffix}"
    path.write_text(text.replace("owner", "ownr"))
    loaded = load_config(path)
    (missing,) = loaded.problems
    (unknown,) = loaded.warnings
    assert (missing.line, missing.column, missing.path) == (*job, "bistro_job->a")
    assert (unknown.line, unknown.column) == key
    assert unknown.message == 'unknown key "ownr", ignored; did you mean "owner"?'


@pytest.mark.parametrize(
    ("suffix", "text", "trouble"),
    [
        (
            ".toml",
            "a = 1\nb = yes\n",
            "2:5: write true, not yes\n    2 | b = yes\n      |     ^",
        ),
        (
            ".yaml",
            "a: 1\n\tb: 2\n",
            "2:1: a tab cannot indent in YAML: use spaces\n    2 |     b: 2\n      | ^",
        ),
    ],
)
def test_a_text_that_does_not_parse_is_shown_with_its_line_in_every_format(
    tmp_path: Path, suffix: str, text: str, trouble: str
) -> None:
    path = tmp_path / f"simple{suffix}"
    path.write_text(text)
    assert load_config(path).trouble == f"{path}:{trouble}"


def test_a_repeated_key_of_yaml_is_a_warning_that_names_both_lines(
    tmp_path: Path,
) -> None:
    path = tmp_path / "simple.yaml"
    path.write_text(YAML + "  owner: you\n")
    loaded = load_config(path)
    assert loaded.config is not None
    assert loaded.config.jobs[JobName("a")].owner == "you"
    (warning,) = loaded.warnings
    assert (warning.line, warning.column, warning.path) == (
        11,
        3,
        "bistro_job->a.owner",
    )
    assert warning.message == (
        "this key is there twice, in line 10 and in line 11; the last one counts"
    )


def test_a_missing_file_is_told_with_the_nearest_name(path: Path) -> None:
    wrong = path.with_name("simpel.json")
    assert refusal(wrong) == f"{wrong}: no such file; did you mean {path}?"


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    wrong = tmp_path / "a" / "b.json"
    assert (
        refusal(wrong) == f"{wrong}: no such file; there is no directory {wrong.parent}"
    )


def test_a_file_is_no_directory(path: Path) -> None:
    assert "a part of the path is not a directory" in refusal(path / "x.json")


def test_a_directory_is_refused_with_a_file_in_it(path: Path) -> None:
    directory = path.parent
    assert refusal(directory) == (
        f"{directory}: is a directory; give the config file in it, such as {path}"
    )


def test_what_is_no_regular_file_is_refused_without_blocking(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert refusal(fifo) == f"{fifo}: is not a regular file; give a file"
    assert "is not a regular file" in refusal(Path("/dev/null"))
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "s"))
        assert "is not a regular file" in refusal(tmp_path / "s")


def test_a_file_that_is_too_large_is_refused_unread(path: Path) -> None:
    os.truncate(path, MAX_BYTES + 1)
    assert "more than a config may have" in refusal(path)
    os.truncate(path, MAX_BYTES)
    assert len(read_file(path)) == MAX_BYTES


def test_a_file_without_permission_is_told(path: Path) -> None:
    with without_permission(path):
        assert "no permission to read it" in refusal(path)


def test_a_link_to_itself_is_told(tmp_path: Path) -> None:
    path = tmp_path / "loop"
    path.symlink_to(path)
    assert refusal(path).startswith(f"{path}: cannot be read: ")


def test_a_path_that_no_file_can_have_is_told() -> None:
    assert "cannot be read" in refusal(Path("a\0b"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n"\xc3\xa9": "\xff"}', (2, 7, "this is not UTF-8: byte 0xff; save it")),
        ("{}".encode("utf-16"), (1, 1, "this is UTF-16; save it as UTF-8")),
    ],
)
def test_what_is_not_utf8_is_told_with_its_place(
    path: Path, content: bytes, message: tuple[int, int, str]
) -> None:
    path.write_bytes(content)
    loaded = load_config(path)
    (problem,) = loaded.problems
    assert (problem.line, problem.column) == message[:2]
    assert problem.message.startswith(message[2])
    assert loaded.trouble.startswith(f"{path}:{message[0]}:{message[1]}: ")


def test_what_is_not_json_is_one_problem_and_a_message_with_a_caret(path: Path) -> None:
    path.write_text('{\n  "a": 1\n  "b": 2\n}')
    loaded = load_config(path)
    assert loaded.config is None
    assert loaded.warnings == ()
    (problem,) = loaded.problems
    assert problem.as_json() == {
        "file": str(path),
        "line": 3,
        "column": 3,
        "path": "",
        "message": "expected a comma or } here",
        "job": None,
    }
    assert loaded.trouble == (
        f'{path}:3:3: expected a comma or }} here\n    3 |   "b": 2\n      |   ^'
    )


def test_problems_and_warnings_come_in_file_order_with_their_places(path: Path) -> None:
    path.write_text(
        SEED.replace('"owner": "test"', '"ownr": "test"').replace(
            '"enabled": true\n  },', '"enabled": "x",\n    "enabld": 1\n  },'
        )
    )
    loaded = load_config(path)
    assert loaded.config is None
    assert [
        (each.line, each.column, each.path, each.job) for each in loaded.problems
    ] == [
        (12, 16, "bistro_settings.enabled", None),
        (15, 29, "bistro_job->simple_job", "simple_job"),
    ]
    assert [each.path for each in loaded.settings_problems] == [
        "bistro_settings.enabled"
    ]
    assert [(each.line, each.column, each.message) for each in loaded.warnings] == [
        (13, 5, 'unknown key "enabld", ignored; did you mean "enabled"?'),
        (16, 5, 'unknown key "ownr", ignored; did you mean "owner"?'),
    ]


def test_a_repeated_key_is_a_warning_that_names_both_lines(path: Path) -> None:
    path.write_text(SEED.replace('"owner": "test",', '"owner": "a",\n  "owner": "b",'))
    loaded = load_config(path)
    assert loaded.config is not None
    assert loaded.config.jobs[JobName("simple_job")].owner == "b"
    (warning,) = loaded.warnings
    assert (warning.line, warning.column) == (16, 3)
    assert warning.path == "bistro_job->simple_job.owner"
    assert warning.message == (
        "this key is there twice, in line 15 and in line 16; the last one counts"
    )


def test_a_job_error_leaves_a_config(path: Path) -> None:
    path.write_text(SEED.replace('"owner": "test"', '"owner": null'))
    loaded = load_config(path)
    assert loaded.config is not None
    assert loaded.settings_problems == ()
    (problem,) = loaded.problems
    assert problem.job == "simple_job"


def test_equal_content_has_an_equal_digest(path: Path) -> None:
    first = load_config(path).digest
    os.utime(path, (1, 1))
    assert load_config(path).digest == first
    path.write_text(SEED + " ")
    assert load_config(path).digest != first


def test_further_problems_can_be_given_their_places(path: Path) -> None:
    loaded = load_config(path)
    problem = Problem(path=("bistro_job->simple_job", "command"), message="m")
    (located,) = locate_problems(loaded, [problem])
    assert (located.line, located.column) == (14, 29)


async def test_a_file_that_is_being_written_gets_a_second_look(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "SETTLE_SEC", 0.001)
    looks = Looks(monkeypatch)
    looks.after_bad = lambda: write(path, SEED)
    write(path, SEED[:50])
    assert (await load_settled(path)).config is not None
    assert looks.bad == 1


async def test_what_stays_bad_is_told_and_not_raised(tmp_path: Path) -> None:
    path = tmp_path / "gone.json"
    loaded = await load_settled(path)
    assert loaded.config is None
    assert loaded.trouble == f"{path}: no such file"
    (problem,) = loaded.problems
    assert (problem.line, problem.column, problem.message) == (1, 1, "no such file")
    write(path, "{")
    assert "never closed" in (await load_settled(path)).trouble


@pytest.mark.parametrize("suffix", [".toml", ".yaml"])
def test_what_is_slow_to_read_may_be_less_large(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"large{suffix}"
    comments = "#" * 999 + "\n"
    path.write_text(TOML if suffix == ".toml" else YAML)
    with path.open("a") as file:
        file.write(comments * (MAX_SLOW_BYTES // 1000))
    assert load_config(path).config is not None
    with path.open("a") as file:
        file.write(comments * 100)
    (problem,) = load_config(path).problems
    assert "has at most 4 MiB; write it as JSON" in problem.message
