"""Needs that nothing can ever meet are warnings, each where it can be changed."""

import pytest

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.parse import parse_config
from tests.engine.config.builders import config_json, settings_json, warnings_of


def limited(limit: int, default: int = 0) -> Json:
    return {"limit": limit, "default": default}


def settings(**changes: Json) -> Json:
    return settings_json(
        **{
            "resources": {
                "instance": {"slots": limited(3)},
                "level1": {"disks": limited(2)},
                "level2": {"locks": limited(1)},
                "worker": {"gpu": limited(2)},
            },
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("resources", "told"),
    [
        ({"slots": 3, "disks": 2, "locks": 1, "gpu": 2}, {}),
        ({"slots": 4}, {"slots": "needs 4 slots, an instance has 3, so it never runs"}),
        ({"gpu": "3"}, {"gpu": "needs 3 gpu, a worker has 2, so it never runs"}),
        (
            {"disks": 9, "locks": 2, "gpu": -1},
            {
                "disks": "needs 9 disks, a level1 has 2, so it never runs",
                "locks": "needs 2 locks, a level2 has 1, so it never runs",
            },
        ),
    ],
)
def test_a_job_that_needs_more_than_there_ever_is_never_runs(
    resources: Json, told: dict[str, str]
) -> None:
    jobs: dict[str, Json] = {"a": {"resources": resources, "enabled": False}, "b": {}}
    assert warnings_of(config_json(settings(), jobs)) == [
        (f"bistro_job->a.resources.{name}", text) for name, text in told.items()
    ]


def test_resources_below_a_jobs_level_are_not_taken() -> None:
    job: Json = {"level_for_tasks": "level1", "resources": {"locks": 9}}
    assert warnings_of(config_json(settings(), {"a": job})) == []


def test_a_warning_is_about_its_job() -> None:
    parsed = parse_config(config_json(settings(), {"a": {"resources": {"gpu": 3}}}))
    assert [warning.job for warning in parsed.warnings] == ["a"]


@pytest.mark.parametrize(
    ("override", "shown"),
    [
        ({"local": {"gpu": 4}}, None),
        ({"local": {"gpu": 1}}, "needs 3 gpu, a worker has 1, so it never runs"),
        ({"local": {}}, "needs 3 gpu, a worker has 2, so it never runs"),
        # It may be this host's name.
        ({"big": {"gpu": 4}}, None),
        ({"small": {"gpu": 0}}, "needs 3 gpu, a worker has 2, so it never runs"),
    ],
)
def test_an_override_is_what_a_worker_has(override: Json, shown: str | None) -> None:
    raw = config_json(
        settings(worker_resources_override=override), {"a": {"resources": {"gpu": 3}}}
    )
    assert [text for _, text in warnings_of(raw)] == ([shown] if shown else [])


@pytest.mark.parametrize(
    ("override", "shown"),
    [
        ({}, None),
        ({"local": {"gpu": 1}}, "needs 3 gpu, a worker has 1, so it never runs"),
        # The host's own entry would count alone, and leaves it to what is measured.
        ({"local": {"gpu": 1}, "box": {}}, None),
        (
            {"local": {"gpu": 1}, "box": {"gpu": 2}},
            "needs 3 gpu, a worker has 2, so it never runs",
        ),
    ],
)
def test_what_is_measured_may_be_any_amount(override: Json, shown: str | None) -> None:
    measured = settings(
        worker_resources_override=override,
        physical_resources={"gpu_card": {"logical_resource": "gpu"}},
    )
    raw = config_json(measured, {"a": {"resources": {"gpu": 3}}})
    assert [text for _, text in warnings_of(raw)] == ([shown] if shown else [])


def test_so_may_the_number_of_cards_of_a_model_mapped_or_not() -> None:
    resources: Json = {"worker": {"gpu": limited(2), "GPU: T4": limited(0)}}
    jobs: dict[str, Json] = {"a": {"resources": {"GPU: T4": 3}}}
    assert warnings_of(config_json(settings(resources=resources), jobs)) == []
    mapped = {"gpu_card": {"logical_resource": "gpu"}}
    measured = settings(resources=resources, physical_resources=mapped)
    assert warnings_of(config_json(measured, jobs)) == []


def test_an_entry_without_the_resource_leaves_its_limit() -> None:
    override = {"local": {"gpu": 1}, "box": {}}
    raw = settings(worker_resources_override=override)
    assert warnings_of(config_json(raw, {"a": {"resources": {"gpu": 2}}})) == []


def test_a_default_that_is_too_much_is_told_once() -> None:
    resources: Json = {"level1": {"disks": limited(2, 3)}}
    jobs: dict[str, Json] = {"a": {}, "b": {}, "c": {"resources": {"disks": 1}}}
    assert warnings_of(config_json(settings(resources=resources), jobs)) == [
        (
            "bistro_settings.resources.level1.disks.default",
            "is 3, a level1 has 2, so a job that takes it never runs",
        )
    ]
    modest: dict[str, Json] = {"c": jobs["c"]}
    assert warnings_of(config_json(settings(resources=resources), modest)) == []


def test_a_job_with_errors_has_these_first() -> None:
    job: Json = {"resources": {"gpu": 3}, "priority": "x"}
    assert warnings_of(config_json(settings(), {"a": job})) == []


def test_broken_settings_limit_nothing() -> None:
    raw = config_json(settings(enabled="x"), {"a": {"resources": {"gpu": 3}}})
    assert warnings_of(raw) == []
