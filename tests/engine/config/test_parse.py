import json

import pytest
from hypothesis import example, given

from bistro_tui.engine.config.model import Json, ResourceSpec
from bistro_tui.engine.config.parse import ParsedConfig, parse_config
from bistro_tui.engine.config.problems import render_path
from bistro_tui.engine.config.text import parse_json
from tests.engine.config.builders import (
    COMMENTED,
    SEED,
    config_json,
    good,
    json_values,
    manual,
    manual_node,
    settings_json,
    told,
    warnings_of,
)


def test_the_config_of_the_first_run_means_what_it_says() -> None:
    parsed = parse_config(parse_json(SEED))
    assert parsed.warnings == ()
    config = good(parsed)
    settings = config.settings
    assert settings.enabled
    assert settings.levels == ("instance", "level1", "level2", "worker")
    assert settings.level_for_tasks == "level2"
    assert settings.resources == {
        "instance": {"concurrency": ResourceSpec(limit=3, default=1)}
    }
    (source,) = settings.node_sources
    assert source.prefs == manual(
        node1=manual_node("node11", "node12"), node2=manual_node("node21", "node22")
    )
    (job,) = config.jobs.values()
    assert (job.name, job.owner, job.can_run) == ("simple_job", "test", True)
    assert job.resources == {"concurrency": 1}


def test_a_commented_config_loads() -> None:
    config = good(parse_config(parse_json(COMMENTED)))
    assert list(config.jobs) == ["étl"]


@pytest.mark.parametrize(
    ("raw", "path", "message"),
    [
        ([], "", "a config must be an object, got an array"),
        (None, "", "a config must be an object, got null"),
        ({}, "", 'the key "bistro_settings" is missing'),
        (
            {"bistro_setings": {}},
            "",
            'the key "bistro_settings" is missing; did you mean "bistro_setings"?',
        ),
        (
            {"bistro_settings": []},
            "bistro_settings",
            "must be an object, got an array",
        ),
    ],
)
def test_without_settings_there_is_no_config(
    raw: Json, path: str, message: str
) -> None:
    parsed = parse_config(raw)
    assert parsed.config is None
    assert told(parsed.problems) == [(path, message)]


def test_errors_of_settings_and_of_jobs_are_told_together() -> None:
    parsed = parse_config(
        config_json(settings_json(enabled="x"), {"a": {"priority": "x"}, "b": {}})
    )
    assert parsed.config is None
    assert [
        (problem.job, render_path(problem.path)) for problem in parsed.problems
    ] == [
        (None, "bistro_settings.enabled"),
        ("a", "bistro_job->a.priority"),
    ]


def test_jobs_are_not_blamed_for_levels_and_resources_that_are_broken() -> None:
    settings = settings_json(
        nodes={"levels": ["x", None]}, resources={"instance": {"a": {}}, "x": 5}
    )
    job = {
        "level_for_tasks": "y",
        "resources": {"b": 1},
        "filters": {"z": {"whitelist": []}},
    }
    parsed = parse_config(config_json(settings, {"a": job}))
    assert {problem.job for problem in parsed.problems} == {None}


def test_jobs_are_held_to_the_names_that_are_known_beside_broken_ones() -> None:
    settings = settings_json(
        nodes={"levels": ["x", "x", "worker"]},
        resources={"instance": {"a": 5, "b": {}, "c": {"limit": 1, "default": 0}}},
    )
    job = {
        "level_for_tasks": "y",
        "resources": {"a": 1, "b": 1, "c": 1, "d": 1},
        "filters": {"x": {}, "z": {}},
    }
    parsed = parse_config(config_json(settings, {"j": job}))
    assert [
        render_path(problem.path) for problem in parsed.problems if problem.job
    ] == [
        "bistro_job->j.level_for_tasks",
        "bistro_job->j.resources.d",
        "bistro_job->j.filters.z",
    ]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("bistro_job", {}, None),
        (
            "note",
            "x",
            'unknown key "note", ignored; a job\'s key begins with bistro_job->',
        ),
        (
            "bistro_job",
            {"etl": {"owner": "me"}, "b": {}},
            'unknown key "bistro_job", ignored; did you mean "bistro_job->etl"?',
        ),
        (
            "jobs",
            {},
            'unknown key "jobs", ignored; did you mean "bistro_job->NAME"?',
        ),
        ("bistro_job->x", 5, "a job must be an object, got 5; it is left out"),
    ],
)
def test_other_keys_of_the_file_are_warnings(
    key: str, value: Json, message: str | None
) -> None:
    raw = {**config_json(), key: value}
    ((path, told_message),) = warnings_of(raw)
    assert path == key
    assert message is None or told_message == message
    good(parse_config(raw))


def test_jobs_keep_the_order_of_the_file() -> None:
    config = good(parse_config(config_json(None, {"b": {}, "a": {}, "c": {}})))
    assert list(config.jobs) == ["b", "a", "c"]


def well_formed(parsed: ParsedConfig) -> bool:
    """Say whether everything told can be written out, and errors match the jobs."""
    for problem in (*parsed.problems, *parsed.warnings):
        assert problem.message.encode(errors="strict")
        json.dumps(render_path(problem.path)).encode()
    if parsed.config is None:
        return any(problem.job is None for problem in parsed.problems)
    assert all(problem.job is not None for problem in parsed.problems)
    for name, job in parsed.config.jobs.items():
        wrong = {each for each in parsed.problems if each.job == name}
        assert bool(job.errors) == bool(wrong)
        json.dumps(job.config, allow_nan=False)
        name.encode()
    return True


@example("\ud800")
@example({"\ud800": None})
@example({"bistro_setting\ud800": None})
@example({"bistro_settings": {}, "jobs->\ud800": None})
@given(json_values())
def test_any_value_is_parsed_without_an_exception(raw: Json) -> None:
    assert well_formed(parse_config(raw))


@given(json_values(), json_values())
def test_any_settings_and_any_job_are_parsed_without_an_exception(
    settings: Json, job: Json
) -> None:
    raw = {"bistro_settings": settings, "bistro_job->x": job}
    assert well_formed(parse_config(raw))


@given(json_values(), json_values(), json_values())
def test_any_nodes_resources_and_job_beside_good_settings_are_parsed(
    nodes: Json, resources: Json, job: Json
) -> None:
    settings = settings_json(nodes=nodes, resources=resources)
    raw = config_json(settings, {"x": job})
    assert well_formed(parse_config(raw))
    raw = config_json(settings_json(), {"x": job})
    assert well_formed(parse_config(raw))


def test_a_value_that_is_nested_without_end_is_an_error_of_its_job() -> None:
    deep: Json = []
    for _ in range(100_000):
        deep = [deep]
    parsed = parse_config(
        config_json(None, {"deep": {"config": {"x": deep}}, "ok": {}})
    )
    assert parsed.config is not None
    assert [job.is_valid for job in parsed.config.jobs.values()] == [False, True]
    while deep:  # taken apart by hand, or the interpreter recurses
        deep = deep.pop()


@pytest.mark.parametrize(
    ("jobs", "warnings"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, []),
        ({"a": ["a"]}, [("a.depends_on[0]", "depends on itself, so it never runs")]),
        (
            {"x": ["b"], "c": ["x", "a"], "a": ["b", "c"], "b": ["a"], "y": ["a"]},
            [
                (
                    "x.depends_on[0]",
                    "these jobs wait for each other for ever: x → b → a → c → x",
                )
            ],
        ),
        (
            {"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c", "a"]},
            [
                (
                    "a.depends_on[0]",
                    "these jobs wait for each other for ever: a → b → a",
                ),
                (
                    "c.depends_on[0]",
                    "these jobs wait for each other for ever: c → d → c",
                ),
            ],
        ),
        (
            {f"j{i}": [f"j{(i + 1) % 5000}"] for i in range(5000)},
            [
                (
                    "j0.depends_on[0]",
                    "these jobs wait for each other for ever: "
                    "j0 → j1 → j2 → j3 → j4 → j5 → j6 → j7 → … → j0",
                )
            ],
        ),
    ],
    ids=["none", "itself", "knot", "two", "long"],
)
def test_jobs_that_wait_for_each_other_are_a_warning_that_names_the_cycle(
    jobs: dict[str, list[str]], warnings: list[tuple[str, str]]
) -> None:
    raw = config_json(None, {name: {"depends_on": on} for name, on in jobs.items()})
    good(parse_config(raw))
    assert warnings_of(raw) == [
        (f"bistro_job->{path}", message) for path, message in warnings
    ]


def test_jobs_are_checked_even_if_the_settings_cannot_be() -> None:
    for settings in ({}, {"bistro_settings": 5}):
        jobs = {"bistro_job->a": {"priority": "x", "level_for_tasks": "any"}}
        parsed = parse_config({**settings, **jobs})
        assert parsed.config is None
        assert [problem.job for problem in parsed.problems] == [None, "a", "a"]


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("bistro_job-etl", "bistro_job->etl"),
        ("bistro_jobs->etl", "bistro_job->etl"),
        ("bistro_job:a b", "bistro_job->a b"),
        ("job->etl", "bistro_job->etl"),
        ("Bistro_Job => etl", "bistro_job->etl"),
        ("bistro_setings", "bistro_settings"),
    ],
)
def test_a_key_that_is_nearly_right_is_told_what_it_should_be(
    key: str, near: str
) -> None:
    ((_, message),) = warnings_of({**config_json(), key: {}})
    assert message.endswith(f'ignored; did you mean "{near}"?')


def test_a_schema_for_editors_is_no_unknown_key() -> None:
    assert warnings_of({"$schema": "schema.json", **config_json()}) == []
