"""What the documents show is true."""

import importlib
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from bistro_tui.cli.flags import all_flags
from bistro_tui.cli.main import COMMANDS
from bistro_tui.engine.config.formats import ConfigFormat, read_document
from bistro_tui.engine.config.model import Job
from bistro_tui.engine.config.parse import parse_config
from bistro_tui.engine.config.text import parse_json
from bistro_tui.present.ui_settings import parse_settings
from bistro_tui.widgets.keymap import usable

REPOSITORY = Path(__file__).resolve().parent.parent


def examples(document: str, language: str = "jsonc") -> list[str]:
    text = (REPOSITORY / document).read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def settings(inside: str) -> str:
    return f"""{{"bistro_settings": {{
        "enabled": true,
        "resources": {{"host": {{"host_slots": {{"limit": 2, "default": 1}}}}}},
        "nodes": {{"levels": ["rack", "host", "shard"], {inside}}}
    }}"""


def test_the_readmes_config_is_good_and_is_the_samples_nodes() -> None:
    (text,) = examples("README.md")
    parsed = parse_config(parse_json(text))
    assert parsed.config is not None
    assert (parsed.problems, parsed.warnings) == ((), ())
    sample = (REPOSITORY / "sample_configs" / "simple.json").read_text()
    shipped = parse_config(parse_json(sample)).config
    assert shipped is not None
    assert parsed.config.settings == shipped.settings


def test_the_node_sources_of_the_reference_are_good() -> None:
    _, sources, _ = examples("docs/config.md")
    parsed = parse_config(parse_json(settings(sources) + "}"))
    assert parsed.problems == ()
    assert parsed.config is not None
    assert len(parsed.config.settings.node_sources) == 4


def test_the_measured_resources_of_the_reference_are_good() -> None:
    physical, _, _ = examples("docs/config.md")
    nodes = '"nodes": {"levels": ["host"], "node_sources": [{"source": "empty"}]}'
    text = f'{{"bistro_settings": {{"enabled": true, {nodes}, {physical}}}}}'
    parsed = parse_config(parse_json(text))
    assert (parsed.problems, parsed.warnings) == ((), ())
    assert parsed.config is not None
    assert set(parsed.config.settings.physical_resources) == {"cpu_core", "ram_mb"}


def test_the_job_of_the_reference_is_good() -> None:
    *_, job = examples("docs/config.md")
    nodes = '"node_sources": [{"source": "empty"}]'
    parsed = parse_config(parse_json(f"{settings(nodes)}, {job}}}"))
    assert parsed.problems == ()
    assert parsed.config is not None
    (read,) = parsed.config.jobs.values()
    assert isinstance(read, Job)
    assert read.is_valid


def test_toml_and_yaml_of_the_reference_are_good_and_say_the_same() -> None:
    (toml,) = examples("docs/config.md", "toml")
    (yaml,) = examples("docs/config.md", "yaml")
    first = parse_config(read_document(toml, ConfigFormat.TOML).value)
    second = parse_config(read_document(yaml, ConfigFormat.YAML).value)
    assert (first.problems, first.warnings) == ((), ())
    assert (second.problems, second.warnings) == ((), ())
    assert first.config == second.config


def test_the_reference_and_the_schema_are_those_of_the_tables() -> None:
    made = runpy.run_path(str(REPOSITORY / "docs" / "config_reference.py"))
    for path, text in (("PAGE", "page"), ("SCHEMA", "schema_text")):
        shipped = made[path].read_text(encoding="utf-8")
        assert shipped == made[text](), "run docs/config_reference.py"


def test_the_page_of_the_screen_has_the_keys_that_are_bound() -> None:
    # In a program of its own: here other tests have loaded classes with keys as well.
    page = REPOSITORY / "docs" / "screen.md"
    script = str(REPOSITORY / "docs" / "screen_reference.py")
    code = f"import runpy; print(runpy.run_path({script!r})['page'](), end='')"
    made = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, check=True
    )
    assert page.read_text(encoding="utf-8") == made.stdout.decode(), (
        "run docs/screen_reference.py"
    )


def test_the_settings_of_the_screens_page_are_good() -> None:
    (text,) = examples("docs/screen.md", "toml")
    read = parse_settings(text, "ui.toml")
    assert read.problems == ()
    importlib.import_module("bistro_tui.app")
    assert usable(read.keys) == (read.keys, [])


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "ARCHITECTURE.md",
        "docs/decisions/README.md",
        "docs/commands.md",
        "docs/logs.md",
        "docs/reliability.md",
        "docs/remote.md",
        "docs/screen.md",
        "docs/service.md",
    ],
)
def test_every_link_leads_to_a_file(document: str) -> None:
    path = REPOSITORY / document
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text())
    assert links
    for link in links:
        assert (path.parent / link).exists(), link


def test_every_promise_has_its_tests() -> None:
    page = (REPOSITORY / "docs" / "reliability.md").read_text()
    promises = re.findall(r"^\| (\d) \|.*\|(.*)\|$", page, re.MULTILINE)
    assert [number for number, _ in promises] == list("123456789")
    for number, proofs in promises:
        named = re.findall(r"\[(test_\w+)\]\(\.\./(tests/\S+?)\)", proofs)
        assert named, number
        for name, path in named:
            assert path.endswith(f"/{name}.py")
            assert "def test_" in (REPOSITORY / path).read_text(), path


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "docs/commands.md",
        "docs/logs.md",
        "docs/history.md",
        "docs/remote.md",
        "docs/screen.md",
        "docs/statuses.md",
    ],
)
def test_every_flag_in_a_document_exists(document: str) -> None:
    known = {f"--{flag.name}" for flag in all_flags()} | {"--help", "--version"}
    for command in COMMANDS.values():
        known |= {word for one in command.params for word in one.opts}
    text = (REPOSITORY / document).read_text()
    for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text):
        assert flag in known, flag
