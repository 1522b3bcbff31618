import pytest

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.model import (
    Cgroups,
    Json,
    KillMethod,
    KillSettings,
    PhysicalResource,
    PolicyName,
    ResourceSpec,
    Settings,
    TaskSubprocess,
)
from bistro_tui.engine.config.parse import parse_config
from bistro_tui.engine.ids import LevelName, ResourceName
from tests.engine.config.builders import (
    config_json,
    parsed_settings,
    settings_json,
    settings_problems,
    told,
    warnings_of,
)


def test_what_is_left_out_has_the_documented_default() -> None:
    found = parsed_settings()
    assert found == Settings(
        enabled=True,
        levels=found.levels,
        level_for_tasks=LevelName("level2"),
        node_sources=found.node_sources,
        resources=found.resources,
    )
    assert found.levels == ("instance", "level1", "level2", "worker")
    assert found.working_wait == 0.5
    assert found.idle_wait == 5.0
    assert found.scheduler == PolicyName.ROUNDROBIN
    assert found.kill_orphan_tasks_after_sec is None
    assert found.kill_subprocess == KillSettings(
        method=KillMethod.TERM_WAIT_KILL, kill_wait_ms=10_000
    )
    assert found.task_subprocess.max_log_lines_per_poll_interval == 0
    assert found.on_bad_config == "pause"


def test_a_scheduler_is_disabled_unless_it_says_otherwise() -> None:
    settings = settings_json()
    del settings["enabled"]
    assert not parsed_settings(**{**settings, "enabled": False}).enabled
    assert parsed_settings(enabled="yes").enabled


def test_every_key_is_read() -> None:
    found = parsed_settings(
        working_wait="0.25",
        idle_wait=2,
        scheduler="long_tail",
        remote_worker_selector="busiest",
        backoff=[1, 5, "fail"],
        level_for_tasks="level1",
        kill_orphan_tasks_after_sec=2.5,
        CAUTION_exit_initial_wait_before_timestamp=12,
        task_subprocess={
            "poll_ms": 5,
            "max_log_lines_per_poll_interval": 7,
            "parent_death_signal": 0,
            "process_group_leader": True,
            "use_canary_pipe": False,
            "cgroups": {
                "root": "/r",
                "slice": "s",
                "subsystems": ["cpu"],
                "kill_without_freezer": True,
            },
        },
        kill_subprocess={"method": "kill", "kill_wait_ms": "3"},
        on_bad_config="keep",
        worker_resources_override={"host1": {"ram": 64}},
        physical_resources={
            "ram_mb": {
                "logical_resource": "ram",
                "multiply_logical_by": 1024,
                "enforcement": "hard",
                "physical_reserve_amount": -1,
            }
        },
    )
    assert found.working_wait == 0.25
    assert found.idle_wait == 2.0
    assert found.scheduler == PolicyName.LONG_TAIL
    assert found.remote_worker_selector == "busiest"
    assert found.backoff == Backoff(steps=(1, 5), repeat=False)
    assert found.level_for_tasks == "level1"
    assert found.kill_orphan_tasks_after_sec == 2.5
    assert found.exit_initial_wait_before_timestamp == 12
    assert found.task_subprocess == TaskSubprocess(
        poll_ms=5,
        max_log_lines_per_poll_interval=7,
        parent_death_signal=0,
        process_group_leader=True,
        use_canary_pipe=False,
        cgroups=Cgroups(
            root="/r", slice="s", subsystems=("cpu",), kill_without_freezer=True
        ),
    )
    assert found.kill_subprocess == KillSettings(method=KillMethod.KILL, kill_wait_ms=3)
    assert found.on_bad_config == "keep"
    assert found.worker_resources_override == {"host1": {"ram": 64}}
    assert found.physical_resources == {
        "ram_mb": PhysicalResource(
            logical_resource=ResourceName("ram"),
            multiply_logical_by=1024.0,
            enforcement="hard",
            physical_reserve_amount=-1.0,
        )
    }


def test_resources_keep_their_limits_defaults_and_weights() -> None:
    found = parsed_settings(
        resources={"level1": {"a": {"limit": "4", "default": 0, "weight": 2}}}
    )
    assert found.resources == {
        "level1": {"a": ResourceSpec(limit=4, default=0, weight=2)}
    }
    assert parsed_settings(resources={}).resources == {}


RESOURCE = {"limit": 1, "default": 1}

BAD_SETTINGS: list[tuple[dict[str, Json], str, str]] = [
    ({"enabled": "maybe"}, "enabled", 'must be true or false, got "maybe"'),
    ({"enabled": None}, "enabled", "must be true or false, got null"),
    ({"working_wait": "soon"}, "working_wait", 'must be a number, got "soon"'),
    ({"idle_wait": {}}, "idle_wait", "must be a number, got an object"),
    (
        {"scheduler": "roundrobbin"},
        "scheduler",
        "must be one of roundrobin, ranked_priority, randomized_priority, long_tail; "
        'got "roundrobbin"; did you mean "roundrobin"?',
    ),
    ({"scheduler": None}, "scheduler", "must be a text, got null"),
    (
        {"remote_worker_selector": "x"},
        "remote_worker_selector",
        'must be one of roundrobin, busiest; got "x"',
    ),
    (
        {"on_bad_config": "stop"},
        "on_bad_config",
        'must be one of pause, keep; got "stop"',
    ),
    (
        {"level_for_tasks": "leve1"},
        "level_for_tasks",
        'unknown level "leve1"; did you mean "level1"?',
    ),
    (
        {"kill_orphan_tasks_after_sec": "5"},
        "kill_orphan_tasks_after_sec",
        'must be true, false or seconds, got "5"',
    ),
    (
        {"backoff": 5},
        "backoff",
        'must be an array such as [15, 60, "repeat"], got 5',
    ),
    (
        {"backoff": []},
        "backoff",
        'must be an array such as [15, 60, "repeat"], got an empty one',
    ),
    (
        {"backoff": [60, 30]},
        "backoff[1]",
        "must be above 60, the delay before it, got 30",
    ),
    ({"backoff": [5, 5]}, "backoff[1]", "must be above 5, the delay before it, got 5"),
    ({"backoff": [0]}, "backoff[0]", "must be above 0, got 0"),
    (
        {"backoff": [5.0]},
        "backoff[0]",
        'must be a whole number, "repeat" or "fail", got 5.0',
    ),
    (
        {"backoff": [True]},
        "backoff[0]",
        'must be a whole number, "repeat" or "fail", got true',
    ),
    (
        {"backoff": [1, "again"]},
        "backoff[1]",
        'must be a whole number, "repeat" or "fail", got "again"',
    ),
    ({"backoff": ["repeat"]}, "backoff[0]", '"repeat" needs a delay before it'),
    ({"resources": []}, "resources", "must be an object, got an array"),
    (
        {"resources": {"leve1": {"a": RESOURCE}}},
        "resources.leve1",
        'unknown level "leve1"; did you mean "level1"?',
    ),
    (
        {"resources": {"level1": {"a": 3}}},
        "resources.level1.a",
        'must be an object such as {"limit": 3, "default": 1}, got 3',
    ),
    (
        {"resources": {"level1": {"a": {"limit": 1}}}},
        "resources.level1.a",
        'the key "default" is missing',
    ),
    (
        {"resources": {"level1": {"a": {"limit": 1.5, "default": 1}}}},
        "resources.level1.a.limit",
        "must be a whole number, got 1.5",
    ),
    (
        {"resources": {"level1": {"a": {**RESOURCE, "weight": -1}}}},
        "resources.level1.a.weight",
        "must not be negative, got -1",
    ),
    (
        {"resources": {"level1": {"a": RESOURCE}, "level2": {"a": RESOURCE}}},
        "resources.level2.a",
        'this resource is already on the level "level1"',
    ),
    (
        {"worker_resources_override": {"h": {"rom": 1}}},
        "worker_resources_override.h.rom",
        'unknown resource "rom"; did you mean "ram"?',
    ),
    (
        {"worker_resources_override": {"h": {"concurrency": 1}}},
        "worker_resources_override.h.concurrency",
        '"concurrency" is not a resource of workers: it is on the level "instance"',
    ),
    (
        {"worker_resources_override": {"h": {"ram": "x"}}},
        "worker_resources_override.h.ram",
        'must be a whole number, got "x"',
    ),
    (
        {"physical_resources": {"ram": {"logical_resource": "ram"}}},
        "physical_resources.ram",
        "unknown physical resource; there are ram_mb, cpu_core, gpu_card; "
        'did you mean "ram_mb"?',
    ),
    (
        {"physical_resources": {"ram_mb": {}}},
        "physical_resources.ram_mb",
        'the key "logical_resource" is missing',
    ),
    (
        {"physical_resources": {"ram_mb": {"logical_resource": "concurrency"}}},
        "physical_resources.ram_mb.logical_resource",
        '"concurrency" is not a resource of workers: it is on the level "instance"',
    ),
    (
        {
            "physical_resources": {
                "ram_mb": {"logical_resource": "ram"},
                "gpu_card": {"logical_resource": "ram"},
            }
        },
        "physical_resources.gpu_card.logical_resource",
        '"ram" is already that of ram_mb',
    ),
    (
        {
            "physical_resources": {
                "cpu_core": {"logical_resource": "ram", "enforcement": "hard"}
            }
        },
        "physical_resources.cpu_core.enforcement",
        'must be none or soft, got "hard"',
    ),
    (
        {
            "physical_resources": {
                "ram_mb": {"logical_resource": "ram", "multiply_logical_by": 1e-13}
            }
        },
        "physical_resources.ram_mb.multiply_logical_by",
        "must not be 0, got 1e-13",
    ),
    ({"task_subprocess": 5}, "task_subprocess", "must be an object, got 5"),
    (
        {"task_subprocess": {"cgroups": {"subsystems": "cpu"}}},
        "task_subprocess.cgroups.subsystems",
        'must be an array of texts, got "cpu"',
    ),
    (
        {"kill_subprocess": {"method": "terminate"}},
        "kill_subprocess.method",
        'must be one of term, kill, term_wait_kill; got "terminate"; '
        'did you mean "term"?',
    ),
]


@pytest.mark.parametrize(("changes", "path", "message"), BAD_SETTINGS)
def test_a_bad_setting_refuses_the_config_and_is_named(
    changes: dict[str, Json], path: str, message: str
) -> None:
    assert settings_problems(**changes) == [(path, message)]


def test_all_errors_are_told_at_once() -> None:
    found = settings_problems(enabled=[], idle_wait="x", backoff=[2, 1], resources=3)
    assert [path for path, _ in found] == [
        "backoff[1]",
        "enabled",
        "idle_wait",
        "resources",
    ]


@pytest.mark.parametrize("key", ["nodes", "resources"])
def test_a_missing_section_is_told_at_its_parent(key: str) -> None:
    settings = settings_json()
    del settings[key]
    found = told(parse_config(config_json(settings)).problems)
    assert found[0][0] == "bistro_settings"
    assert found[0][1].startswith(f'the key "{key}" is missing')


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"schedular": 1},
            "bistro_settings.schedular",
            'unknown key "schedular", ignored; did you mean "scheduler"?',
        ),
        ({"zzz": 1}, "bistro_settings.zzz", 'unknown key "zzz", ignored'),
        (
            {"backoff": [1, "repeat", 2]},
            "bistro_settings.backoff[2]",
            'what follows "repeat" is ignored',
        ),
        (
            {"task_subprocess": {"poll_ms": 5}},
            "bistro_settings.task_subprocess.poll_ms",
            "has no effect here",
        ),
        (
            {"task_subprocess": {"cgroups": {}}},
            "bistro_settings.task_subprocess.cgroups",
            "has no effect here",
        ),
        (
            {"resources": {"level1": {"a": {**RESOURCE, "Limit": 3}}}},
            "bistro_settings.resources.level1.a.Limit",
            'unknown key "Limit", ignored; did you mean "limit"?',
        ),
        (
            {"level_for_tasks": "worker"},
            "bistro_settings.level_for_tasks",
            '"worker" has no nodes: without a level of its own a job never runs',
        ),
    ],
)
def test_what_is_odd_is_a_warning_and_no_error(
    changes: dict[str, Json], path: str, message: str
) -> None:
    assert settings_problems(**changes) == []
    assert warnings_of(config_json(settings_json(**changes))) == [(path, message)]


@pytest.mark.parametrize(
    ("items", "backoff"),
    [
        ([15], Backoff(steps=(15,), repeat=False)),
        ([15, "fail"], Backoff(steps=(15,), repeat=False)),
        (["fail"], Backoff(steps=(), repeat=False)),
        ([1, 2, "repeat"], Backoff(steps=(1, 2), repeat=True)),
    ],
)
def test_a_backoff_list_ends_in_fail_unless_it_says_repeat(
    items: Json, backoff: Backoff
) -> None:
    assert parsed_settings(backoff=items).backoff == backoff
