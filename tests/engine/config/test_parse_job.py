import pytest

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import Job, Json, KillMethod, StatusFrom
from bistro_tui.engine.config.parse import parse_config
from bistro_tui.engine.ids import JobName, LevelName
from tests.engine.config.builders import (
    amounts,
    config_json,
    job_problems,
    parsed_job,
    settings_json,
    told,
    warnings_of,
)


def test_what_is_left_out_has_the_documented_default() -> None:
    assert parsed_job() == Job(
        name=JobName("etl"),
        owner="me",
        level_for_tasks=LevelName("level2"),
        resources=amounts(concurrency=1, ram=0),
    )


def test_what_is_left_out_is_inherited_from_the_settings() -> None:
    settings = settings_json(
        backoff=[7],
        level_for_tasks="level1",
        kill_orphan_tasks_after_sec=True,
        kill_subprocess={"method": "kill"},
        task_subprocess={"max_log_lines_per_poll_interval": 9},
    )
    job = parsed_job(settings)
    assert job.backoff == Backoff(steps=(7,), repeat=False)
    assert job.level_for_tasks == "level1"
    assert job.kill_orphan_tasks_after_sec == 0.0
    assert job.kill_subprocess.method is KillMethod.KILL
    assert job.task_subprocess.max_log_lines_per_poll_interval == 9


def test_a_job_overrides_field_by_field() -> None:
    settings = settings_json(
        kill_orphan_tasks_after_sec=True,
        kill_subprocess={"method": "kill", "kill_wait_ms": 7},
        task_subprocess={
            "max_log_lines_per_poll_interval": 9,
            "cgroups": {"root": "r", "subsystems": ["cpu"]},
        },
    )
    job = parsed_job(
        settings,
        kill_orphan_tasks_after_sec=False,
        kill_subprocess={"method": "term"},
        task_subprocess={"cgroups": {"subsystems": []}},
        backoff=[3, "repeat"],
    )
    assert job.kill_orphan_tasks_after_sec is None
    assert job.kill_subprocess.method is KillMethod.TERM
    assert job.kill_subprocess.kill_wait_ms == 7
    assert job.task_subprocess.max_log_lines_per_poll_interval == 9
    assert job.task_subprocess.cgroups.root == "r"
    assert job.task_subprocess.cgroups.subsystems == ()
    assert job.backoff == Backoff(steps=(3,), repeat=True)


def test_every_key_is_read() -> None:
    job = parsed_job(
        enabled="no",
        owner=7,
        level_for_tasks="instance",
        priority="-1.5",
        resources={"concurrency": 2},
        config={"deep": [1, {"x": None}]},
        filters={
            "level1": {
                "whitelist": ["a", 1],
                "blacklist": ["b"],
                "blacklist_regex": "z$",
                "tag_whitelist": ["t"],
                "fraction_of_nodes": "0.5",
            },
            "level2": {"fraction_of_nodes": 3, "whitelist": []},
        },
        level_for_host_placement="level1",
        host_placement="db7",
        depends_on=["etl2"],
        create_time=1,
        modify_time="2",
        command=["./x.sh", 5],
        version_id=3,
        status_from="exit_code",
        timeout_sec="1.5",
        env={"A": "b", "N": 5},
    )
    assert job == Job(
        name=JobName("etl"),
        enabled=False,
        owner="7",
        level_for_tasks=LevelName("instance"),
        priority=-1.5,
        resources=amounts(concurrency=2, ram=0),
        config={"deep": [1, {"x": None}]},
        filters={
            LevelName("level1"): LevelFilter(
                whitelist=frozenset({"a", "1"}),
                blacklist=frozenset({"b"}),
                blacklist_regex="z$",
                tag_whitelist=frozenset({"t"}),
                fraction_of_nodes=0.5,
            )
        },
        level_for_host_placement=LevelName("level1"),
        host_placement="db7",
        depends_on=(JobName("etl2"),),
        create_time=1,
        modify_time=2,
        command=("./x.sh", "5"),
        version_id=3,
        status_from=StatusFrom.EXIT_CODE,
        timeout_sec=1.5,
        env={"A": "b", "N": "5"},
    )
    assert not job.can_run
    assert job.is_valid


BAD_JOBS: list[tuple[dict[str, Json], str, str | None]] = [
    ({"enabled": "perhaps"}, "enabled", 'must be true or false, got "perhaps"'),
    ({"owner": None}, "owner", "must be a text, got null"),
    ({"priority": "high"}, "priority", 'must be a number, got "high"'),
    ({"level_for_tasks": "level3"}, "level_for_tasks", None),
    ({"level_for_tasks": ""}, "level_for_tasks", "must not be empty"),
    (
        {"level_for_host_placement": "x"},
        "level_for_host_placement",
        'unknown level "x"',
    ),
    (
        {"resources": {"concurrenzy": 1}},
        "resources.concurrenzy",
        'unknown resource "concurrenzy"; did you mean "concurrency"?',
    ),
    (
        {"resources": {"concurrency": "many"}},
        "resources.concurrency",
        'must be a whole number, got "many"',
    ),
    ({"resources": 3}, "resources", "must be an object, got 3"),
    ({"config": []}, "config", "must be an object, got an array"),
    ({"filters": {"level9": {}}}, "filters.level9", None),
    ({"filters": {"level1": 3}}, "filters.level1", "must be an object, got 3"),
    (
        {"filters": {"level1": {"whitelist": "a"}}},
        "filters.level1.whitelist",
        'must be an array of texts, got "a"',
    ),
    (
        {"filters": {"level1": {"blacklist_regex": ""}}},
        "filters.level1.blacklist_regex",
        "must not be empty: an empty regex matches every name",
    ),
    (
        {"filters": {"level1": {"whitelist_regex": "("}}},
        "filters.level1.whitelist_regex",
        "is not a valid regex: missing ): (",
    ),
    (
        {"filters": {"level1": {"whitelist_regex": "(?!a)"}}},
        "filters.level1.whitelist_regex",
        None,
    ),
    (
        {"filters": {"level1": {"fraction_of_nodes": None}}},
        "filters.level1.fraction_of_nodes",
        "must be a number, got null",
    ),
    (
        {"backoff": [60, 30]},
        "backoff[1]",
        "must be above 60, the delay before it, got 30",
    ),
    ({"depends_on": "etl2"}, "depends_on", 'must be an array of texts, got "etl2"'),
    ({"create_time": 1.5}, "create_time", "must be a whole number, got 1.5"),
    (
        {"command": "./x.sh"},
        "command",
        'must be an array of words, such as ["./task.sh", "-v"]',
    ),
    (
        {"command": ["", "x"]},
        "command",
        "the first word, the program, must not be empty",
    ),
    (
        {"command": ["a\0b"]},
        "command",
        "a word of a command cannot hold a NUL character",
    ),
    (
        {"command": ["x", None]},
        "command[1]",
        "must be a text, got null",
    ),
    ({"status_from": "exit"}, "status_from", None),
    ({"timeout_sec": 0}, "timeout_sec", "must be seconds above 0, got 0"),
    ({"timeout_sec": None}, "timeout_sec", "must be a number, got null"),
    ({"env": []}, "env", "must be an object, got an array"),
    (
        {"env": {"A=B": "x"}},
        "env.A=B",
        '"A=B" is no name for an environment variable',
    ),
    ({"env": {"A": None}}, "env.A", "must be a text, got null"),
    (
        {"env": {"A": "x\0"}},
        "env.A",
        "an environment variable cannot hold a NUL character",
    ),
    ({"config": {"x": float("nan")}}, "config.x", "must be a finite number"),
    (
        {"owner": "\ud800"},
        "owner",
        "this text holds half of a surrogate pair, which no file or terminal can show",
    ),
]


@pytest.mark.parametrize(("keys", "path", "message"), BAD_JOBS)
def test_a_mistake_makes_the_job_invalid_and_is_named(
    keys: dict[str, Json], path: str, message: str | None
) -> None:
    ((told_path, told_message),) = job_problems(**keys)
    assert told_path == path
    assert message is None or told_message == message


def test_a_job_without_an_owner_is_invalid() -> None:
    parsed = parse_config({**config_json(), "bistro_job->etl": {}})
    assert told(parsed.problems) == [("bistro_job->etl", 'the key "owner" is missing')]
    assert parsed.config is not None
    job = parsed.config.jobs[JobName("etl")]
    assert job.owner == ""
    assert job.errors == ('bistro_job->etl: the key "owner" is missing',)
    assert not job.can_run


def test_a_job_without_a_command_is_no_error_of_the_config() -> None:
    assert job_problems() == []
    assert job_problems(command=[]) == []


def test_good_fields_of_a_bad_job_are_kept() -> None:
    job = parsed_job(
        priority="high",
        owner="ann",
        depends_on=["a", None, "b"],
        resources={"concurrency": 2, "nope": 1},
        command=["x", {}, "y"],
        filters={"level1": {"whitelist": ["a"]}, "level2": {"whitelist": 1}},
        backoff=[3, 2],
    )
    assert len(job.errors) == 6
    assert job.owner == "ann"
    assert job.priority == 1.0
    assert job.depends_on == ("a", "b")
    assert job.resources == {"concurrency": 2, "ram": 0}
    assert job.command == ("x", "y")
    assert list(job.filters) == ["level1"]
    assert job.backoff == Backoff()


def test_a_bad_job_leaves_the_others_alone() -> None:
    parsed = parse_config(config_json(None, {"bad": {"priority": []}, "good": {}}))
    assert parsed.config is not None
    assert [job.is_valid for job in parsed.config.jobs.values()] == [False, True]


@pytest.mark.parametrize("errors", [{"error": "x"}, 3, True, None, "", []])
def test_errors_from_before_keep_a_job_invalid(errors: Json) -> None:
    ((path, message),) = job_problems(errors=errors)
    assert path == "errors"
    assert message.startswith("Pre-existing errors")


def test_an_empty_errors_object_is_no_error() -> None:
    assert job_problems(errors={}) == []


@pytest.mark.parametrize(
    ("keys", "path", "message"),
    [
        (
            {"enabld": 1},
            "enabld",
            'unknown key "enabld", ignored; did you mean "enabled"?',
        ),
        (
            {"filters": {"level1": {"white_list": []}}},
            "filters.level1.white_list",
            'unknown key "white_list", ignored; did you mean "whitelist"?',
        ),
        (
            {"depends_on": ["etl"]},
            "depends_on[0]",
            "depends on itself, so it never runs",
        ),
        (
            {"depends_on": ["et"]},
            "depends_on[0]",
            'depends on the unknown job "et", so it never runs; did you mean "etl"?',
        ),
        (
            {"task_subprocess": {"use_canary_pipe": True}},
            "task_subprocess.use_canary_pipe",
            "has no effect here",
        ),
        (
            {"level_for_tasks": "worker"},
            "level_for_tasks",
            '"worker" has no nodes: the job never runs',
        ),
        (
            {"level_for_host_placement": "worker"},
            "level_for_host_placement",
            'has no effect, tasks run on any worker: "worker" has no nodes; name a'
            ' level of the node tree, or the host with "host_placement"',
        ),
        (
            {"level_for_tasks": "level1", "level_for_host_placement": "level2"},
            "level_for_host_placement",
            'has no effect, tasks run on any worker: "level2" is below the job\'s'
            ' tasks; name "level1", a level above it, or the host with'
            ' "host_placement"',
        ),
        (
            {"filters": {"worker": {"tag_whitelist": ["ssd"]}}},
            "filters.worker.tag_whitelist",
            "has no effect, for workers have no tags: name their hosts, with"
            ' "whitelist" or "whitelist_regex"',
        ),
    ],
)
def test_what_is_odd_is_a_warning_and_no_error(
    keys: dict[str, Json], path: str, message: str
) -> None:
    raw = config_json(None, {"etl": keys})
    assert told(parse_config(raw).problems) == []
    assert warnings_of(raw) == [(f"bistro_job->etl.{path}", message)]


@pytest.mark.parametrize(
    "keys",
    [
        {"level_for_host_placement": "level2"},
        {"level_for_host_placement": "level1"},
        {"level_for_host_placement": "instance"},
        {"level_for_host_placement": "worker", "host_placement": "h1"},
        {"filters": {"worker": {"tag_whitelist": [], "whitelist": ["h1"]}}},
        {"filters": {"level1": {"tag_whitelist": ["ssd"]}}},
    ],
)
def test_a_placement_that_applies_is_not_odd(keys: dict[str, Json]) -> None:
    assert warnings_of(config_json(None, {"etl": keys})) == []


@pytest.mark.parametrize("key", ["level_for_tasks", "level_for_host_placement"])
def test_a_level_that_nobody_knows_is_told_once(key: str) -> None:
    raw = config_json(None, {"etl": {"level_for_host_placement": "level2", key: "x"}})
    assert [path for path, _ in told(parse_config(raw).problems)] == [
        f"bistro_job->etl.{key}"
    ]
    assert warnings_of(raw) == []


@pytest.mark.parametrize(
    "name", ["", " a b ", "../x", "日本", "[/bold]", "-rf", "x" * 10_000]
)
def test_strange_names_are_legal(name: str) -> None:
    parsed = parse_config(config_json(None, {name: {}}))
    assert parsed.problems == ()
    assert parsed.config is not None
    assert list(parsed.config.jobs) == [name]


def test_a_name_that_no_program_can_be_given_is_a_job_error() -> None:
    parsed = parse_config(config_json(None, {"a\0b": {}, "c\ud800": {}, "ok": {}}))
    assert parsed.config is not None
    assert [job.is_valid for job in parsed.config.jobs.values()] == [False, False, True]
    assert all(name.encode() for name in parsed.config.jobs)
