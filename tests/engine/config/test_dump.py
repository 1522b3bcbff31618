"""The object of a job: complete, and the same job again when it is read."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.commands import with_commands_missing
from bistro_tui.engine.config.dump import dump_job, error_tree
from bistro_tui.engine.config.job_version import job_version
from bistro_tui.engine.config.model import Job, Json
from bistro_tui.engine.config.parse import parse_config
from bistro_tui.engine.ids import JobName, LevelName

SETTINGS: dict[str, Json] = {
    "enabled": True,
    "nodes": {"levels": ["host", "db"], "node_sources": []},
    "resources": {
        "instance": {"slots": {"limit": 4, "default": 2}},
        "host": {"cpu": {"limit": 8, "default": 1}},
    },
    "backoff": [7, "fail"],
    "kill_orphan_tasks_after_sec": 12,
    "kill_subprocess": {"method": "kill"},
    "task_subprocess": {"poll_ms": 3, "cgroups": {"slice": "s"}},
}
ALWAYS = {
    "enabled",
    "owner",
    "level_for_tasks",
    "priority",
    "config",
    "backoff",
    "kill_orphan_tasks_after_sec",
    "task_subprocess",
    "kill_subprocess",
    "resources",
    "version_id",
}


def parse(job: Json, settings: Json = SETTINGS, name: str = "etl") -> Job:
    found = parse_config({"bistro_settings": settings, f"bistro_job->{name}": job})
    assert found.config is not None
    return found.config.jobs[JobName(name)]


def test_what_is_inherited_is_written_out_and_what_is_not_set_is_left_out() -> None:
    found = dump_job(parse({"owner": "me"}))
    assert found.keys() == ALWAYS
    assert found == {
        "enabled": True,
        "owner": "me",
        "level_for_tasks": "db",
        "priority": 1.0,
        "config": {},
        "backoff": [7, "fail"],
        "kill_orphan_tasks_after_sec": 12,
        "task_subprocess": {
            "poll_ms": 3,
            "max_log_lines_per_poll_interval": 0,
            "parent_death_signal": 9,
            "process_group_leader": False,
            "use_canary_pipe": True,
            "cgroups": {
                "root": "",
                "slice": "s",
                "subsystems": [],
                "kill_without_freezer": False,
            },
        },
        "kill_subprocess": {"method": "kill", "kill_wait_ms": 10000},
        "resources": {"slots": 2, "cpu": 1},
        "version_id": found["version_id"],
    }


def test_there_are_no_resources_where_the_config_has_none() -> None:
    settings = SETTINGS | {"resources": {}}
    assert "resources" not in dump_job(parse({"owner": "me"}, settings))


@pytest.mark.parametrize(
    ("written", "exported"),
    [(False, False), (-1, False), (True, 0), (0, 0), (5, 5), (0.25, 0.25)],
)
def test_orphans_are_killed_after_seconds_or_never(
    written: Json, exported: Json
) -> None:
    job = parse({"owner": "me", "kill_orphan_tasks_after_sec": written})
    found = dump_job(job)["kill_orphan_tasks_after_sec"]
    assert (found, type(found)) == (exported, type(exported))


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)
some_names = st.lists(names.filter(bool), min_size=1, max_size=3)
jobs = st.fixed_dictionaries(
    {"owner": names},
    optional={
        "enabled": st.booleans(),
        "priority": st.floats(-1e9, 1e9),
        "config": st.dictionaries(names, st.integers(-9, 9) | st.lists(names)),
        "backoff": st.sampled_from([[1, 5], [3, "repeat"], ["fail"]]),
        "kill_orphan_tasks_after_sec": st.sampled_from([True, False, 0.5, 7]),
        "level_for_tasks": st.sampled_from(["instance", "host", "db"]),
        "level_for_host_placement": st.sampled_from(["host", "db"]),
        "host_placement": names,
        "resources": st.fixed_dictionaries({}, optional={"cpu": st.integers(0, 9)}),
        "depends_on": st.lists(names, max_size=2),
        "create_time": st.integers(-1, 9),
        "modify_time": st.integers(-1, 9),
        "command": some_names,
        "kill_subprocess": st.fixed_dictionaries(
            {}, optional={"kill_wait_ms": st.integers(0, 9)}
        ),
        "task_subprocess": st.fixed_dictionaries(
            {}, optional={"cgroups": st.fixed_dictionaries({"root": names})}
        ),
        "filters": st.dictionaries(
            st.sampled_from(["host", "db"]),
            st.fixed_dictionaries(
                {},
                optional={
                    "whitelist": st.lists(names),
                    "blacklist_regex": st.just("^a"),
                    "tag_whitelist": st.lists(names),
                    "fraction_of_nodes": st.sampled_from([0, 0.5, 1]),
                },
            ),
        ),
        "status_from": st.sampled_from(["file", "exit_code"]),
        "timeout_sec": st.floats(0.1, 1e6),
        "env": st.dictionaries(st.just("A"), names),
    },
)


@given(written=jobs)
def test_reading_the_object_gives_the_same_job(written: Json) -> None:
    job = parse(written)
    assert job.is_valid
    again = parse(json.loads(json.dumps(dump_job(job))))
    # Only what tells of the file itself may differ.
    was = replace(
        job,
        create_time=max(0, job.create_time),
        modify_time=max(0, job.modify_time),
        version_id=again.version_id,
    )
    assert again == was


def test_only_a_job_with_errors_has_errors() -> None:
    assert "errors" not in dump_job(parse({"owner": "me"}))
    assert "errors" in dump_job(parse({}))


def test_errors_are_a_tree_of_the_job() -> None:
    job = parse(
        {
            "priority": "high",
            "depends_on": ["a", None],
            "filters": {"db": {"whitelist": 3}},
            "env": {"A B.c": None},
        }
    )
    tree = error_tree(job)
    assert tree["error"] == 'the key "owner" is missing'
    nested = tree["nested"]
    assert nested.keys() == {"priority", "depends_on", "filters", "env"}
    assert nested["priority"] == {"error": 'must be a number, got "high"'}
    assert nested["depends_on"]["nested"].keys() == {"1"}
    assert nested["filters"]["nested"]["db"]["nested"].keys() == {"whitelist"}
    assert nested["env"]["nested"].keys() == {"A B.c"}


def test_a_missing_command_is_an_error_of_that_key() -> None:
    config = parse_config({"bistro_settings": SETTINGS, "bistro_job->x": {"owner": ""}})
    assert config.config is not None
    job = with_commands_missing(config.config).jobs[JobName("x")]
    assert error_tree(job)["nested"]["command"]["error"].startswith("missing, and no")


@given(
    name=names.filter(bool),
    errors=st.lists(st.text(max_size=30), min_size=1, max_size=3),
)
def test_every_error_is_in_the_tree_whatever_it_says(
    name: str, errors: list[str]
) -> None:
    job = Job(
        name=JobName(name),
        level_for_tasks=LevelName("db"),
        errors=tuple(f"bistro_job->{name}.{error}" for error in errors),
    )
    messages = json.dumps(error_tree(job), ensure_ascii=False)
    for error in errors:
        last = error.rpartition(": ")[2]
        assert json.dumps(last, ensure_ascii=False)[1:-1] in messages


def test_a_version_is_another_when_the_object_in_the_file_is() -> None:
    one = {"owner": "me", "priority": 1}
    assert job_version(one) == job_version({"priority": 1, "owner": "me"})
    others = [one, one | {"priority": 2}, one | {"priority": True}, {"owner": "me"}]
    assert len({job_version(other) for other in others}) == len(others)


def test_versions_are_numbers_that_every_client_can_hold() -> None:
    for number in range(100):
        version = job_version({"n": number})
        assert version == str(int(version))
        assert 0 <= int(version) < 2**53


def test_jobs_tells_the_version_of_the_object_in_the_file() -> None:
    written = {"owner": "é", "config": {"a": [1.5, None]}, "nonsense": 1}
    assert dump_job(parse(written))["version_id"] == int(job_version(written))
