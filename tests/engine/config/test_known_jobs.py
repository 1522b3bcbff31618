"""Jobs that are still written the same are not read again; nothing else changes."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.load import load_config
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.parse import ParsedConfig, parse_config
from bistro_tui.engine.ids import JobName
from tests.engine.config.builders import config_json, settings_json


def jobs_of(parsed: ParsedConfig) -> dict[str, Any]:
    assert parsed.config is not None
    return {str(name): job for name, job in parsed.config.jobs.items()}


def test_only_the_job_that_was_edited_is_another_one() -> None:
    raw = config_json(None, {f"j{i}": {"priority": i} for i in range(1000)})
    first = parse_config(raw)
    edited = copy.deepcopy(raw)
    edited["bistro_job->j7"]["priority"] = 99
    second = parse_config(edited, known=first.known)

    before, after = jobs_of(first), jobs_of(second)
    assert [name for name in before if before[name] is not after[name]] == ["j7"]
    assert [name for name in before if before[name] != after[name]] == ["j7"]
    assert after["j7"].priority == 99


def test_without_what_is_known_equal_text_gives_equal_jobs() -> None:
    raw = config_json(None, {"a": {"filters": {"level1": {"whitelist_regex": "x"}}}})
    assert parse_config(raw).config == parse_config(copy.deepcopy(raw)).config


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, True), (1, 1.0), (0, False), ({"a": [1]}, {"a": [True]})],
)
def test_values_that_are_equal_but_not_the_same_are_read_again(
    before: Json, after: Json
) -> None:
    first = parse_config(config_json(None, {"a": {"config": {"x": before}}}))
    second = parse_config(
        config_json(None, {"a": {"config": {"x": after}}}), known=first.known
    )
    assert json.dumps(dict(jobs_of(second)["a"].config)) == json.dumps({"x": after})


def test_other_settings_have_every_job_read_again() -> None:
    jobs: dict[str, Json] = {"a": {}, "b": {}}
    first = parse_config(config_json(None, jobs))
    settings = settings_json(kill_orphan_tasks_after_sec=5)
    second = parse_config(config_json(settings, jobs), known=first.known)
    assert {job.kill_orphan_tasks_after_sec for job in jobs_of(second).values()} == {5}


def test_what_there_is_to_say_about_a_job_is_said_each_time() -> None:
    raw = config_json(None, {"bad": {"priority": "x"}, "odd": {"ownr": 1}, "ok": {}})
    first = parse_config(raw)
    assert list(first.known.jobs) == ["bistro_job->ok"]
    second = parse_config(raw, known=first.known)
    assert second == first
    assert len(second.problems) == len(second.warnings) == 1


JOBS: list[Json] = [
    {},
    {"priority": 2},
    {"priority": True},
    {"priority": "x"},
    {"ownr": 3},
    {"depends_on": ["a"]},
    {"depends_on": ["none"]},
    {"resources": {"ram": 2}},
    {"config": {"x": 1}},
    {"config": {"x": 1.0}},
    {"backoff": [1, "fail"]},
    {"command": ["x"], "level_for_tasks": "level1"},
    [],
    None,
]
CONFIGS = st.builds(
    lambda jobs, enabled, backoff: config_json(
        settings_json(enabled=enabled, backoff=backoff), jobs
    ),
    st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(JOBS)),
    st.sampled_from([True, False, "x"]),
    st.sampled_from([[1, 2], [1, 2, "repeat"], []]),
)


@given(st.lists(CONFIGS, min_size=2, max_size=4))
def test_a_parse_that_knows_the_one_before_gives_what_one_that_does_not_gives(
    configs: list[Json],
) -> None:
    known = parse_config({}).known
    for raw in configs:
        fresh, quick = parse_config(raw), parse_config(raw, known=known)
        assert quick == fresh
        if fresh.config is not None and quick.config is not None:
            for name, job in fresh.config.jobs.items():
                other = quick.config.jobs[JobName(name)]
                assert json.dumps(dict(other.config)) == json.dumps(dict(job.config))
        known = quick.known


def test_a_file_is_loaded_with_what_is_known_of_it(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps(config_json(None, {"a": {}, "b": {}})))
    first = load_config(path)
    path.write_text(json.dumps(config_json(None, {"a": {}, "b": {"priority": 3}})))
    second = load_config(path, first.known)
    assert first.config is not None
    assert second.config is not None
    a, b = JobName("a"), JobName("b")
    assert second.config.jobs[a] is first.config.jobs[a]
    assert second.config.jobs[b].priority == 3
