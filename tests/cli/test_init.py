"""A starter config in each format; nothing is ever overwritten."""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from bistro_tui.cli.main import run
from bistro_tui.engine.config.load import LoadedConfig, load_config

NAMES = ["bistro.json", "a b.toml", "x.yaml", "x.yml", "plain"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(name: str) -> LoadedConfig:
    assert run(["init", name]) == 0
    return load_config(Path(name))


@pytest.mark.parametrize("name", NAMES)
def test_what_it_writes_is_a_config_with_nothing_to_complain_of(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = written(name)
    assert (loaded.problems, loaded.warnings) == ((), ())
    assert loaded.config is not None
    assert loaded.config.settings.enabled
    assert all(job.can_run and job.command for job in loaded.config.jobs.values())
    out, err = capsys.readouterr()
    assert out == f"{name}\n"
    quoted = f"'./{name}'" if " " in name else f"./{name}"
    assert f"bistro-tui {quoted}\n" in err
    assert f"bistro-tui validate {quoted}" in err


def test_all_formats_say_the_same() -> None:
    first, *others = [written(name).config for name in NAMES]
    assert first is not None
    for other in others:
        assert other is not None
        assert other.settings == first.settings
        assert other.jobs == first.jobs


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_that_it_names_is_there(name: str) -> None:
    lines = written(name).text.splitlines()
    (line,) = [each for each in lines if "file://" in each]
    uri = line[line.index("file://") :].strip('",')
    schema = json.loads(Path(unquote(urlparse(uri).path)).read_text())
    assert schema["title"] == "bistro-tui config"


def test_without_a_name_it_is_bistro_json(here: Path) -> None:
    assert run(["init"]) == 0
    assert [each.name for each in here.iterdir()] == ["bistro.json"]


def test_what_is_there_stays_as_it_is(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "mine.toml").write_text("mine")
    (here / "link.yaml").symlink_to("nowhere")
    (here / "directory").mkdir()
    for name in ("mine.toml", "link.yaml", "directory"):
        assert run(["init", name]) == 2
        assert f"{name}: is there already" in capsys.readouterr().err
    assert (here / "mine.toml").read_text() == "mine"
    assert not (here / "nowhere").exists()


def test_a_place_that_does_not_exist_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "file").touch()
    for name in ("no/x.json", "file/x.json"):
        assert run(["init", name]) == 2
        assert "there is no directory" in capsys.readouterr().err


def test_a_directory_that_takes_no_files_is_not_called_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["init", "/proc/x.json"]) == 1
    said = capsys.readouterr().err
    assert "/proc/x.json: cannot be written: /proc takes no new files" in said


@pytest.mark.parametrize("name", NAMES)
def test_the_comment_counts_the_tasks_that_there_are(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = written(name).text
    capsys.readouterr()
    assert run(["plan", name, "--json"]) == 0
    jobs = json.loads(capsys.readouterr().out)["jobs"]
    owed = sum(job["tasks"] - job["blocked"].get("avoided", 0) for job in jobs)
    (said,) = re.findall(r"= (\d+) tasks", text)
    assert int(said) == owed


def test_a_name_that_cannot_be_is_refused_with_its_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["init", "x" * 300]) == 1
    assert "cannot be written: File name too long" in capsys.readouterr().err


def test_a_dash_is_stdout(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "there.json"]) == 0
    capsys.readouterr()
    assert run(["init", "-"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (Path("there.json").read_text(), "")
    assert not Path("-").exists()
