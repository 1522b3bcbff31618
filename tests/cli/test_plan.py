"""``bistro-tui plan``: the document, the tables and the exit codes."""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli.main import run
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.statuses.bits import DONE, ERROR_BACKOFF, FAILED, Bits
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import StatusStore

SAMPLES = Path(__file__).resolve().parents[2] / "sample_configs"

NODES = {"a": ["a1", "a2"], "b": {"children": ["b1"], "disabled": True}}


@dataclass(frozen=True)
class Planned:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def jobs(self) -> dict[str, dict[str, int]]:
        """By job: its runnable tasks, and the others by reason."""
        return {
            job["name"]: {"runnable": job["runnable"], **job["blocked"]}
            for job in self.json["jobs"]
        }


Plan = Callable[..., Planned]


@pytest.fixture
def plan(capsys: pytest.CaptureFixture[str]) -> Plan:
    def make(*arguments: object) -> Planned:
        code = run(["plan", *map(str, arguments)])
        said = capsys.readouterr()
        return Planned(code, said.out, said.err)

    return make


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a config of these jobs on levels host, shard."""

    def write(
        *,
        sources: list[Mapping[str, Any]] | None = None,
        settings: Mapping[str, Any] | None = None,
        **jobs: Mapping[str, Any],
    ) -> Path:
        nodes = [{"source": "manual", "prefs": NODES}] if sources is None else sources
        document: dict[str, Any] = {
            "bistro_settings": {
                "enabled": True,
                "nodes": {"levels": ["host", "shard"], "node_sources": nodes},
                "resources": {"host": {"slots": {"limit": 2, "default": 1}}},
                **(settings or {}),
            }
        }
        for name, job in jobs.items():
            document[f"bistro_job->{name}"] = {
                "owner": "o",
                "command": ["true"],
                **job,
            }
        path = tmp_path / "config.json"
        path.write_text(json.dumps(document))
        return path

    return write


Config = Callable[..., Path]


def store(data_dir: Path, *statuses: tuple[str, str, Bits, float, int]) -> None:
    async def save() -> None:
        data_dir.mkdir(exist_ok=True)
        opened = await StatusStore.open(data_dir / "statuses.sql3", "task_statuses")
        await opened.save(
            [
                (
                    TaskId(JobName(job), NodeName(node)),
                    TaskStatus(bits=bits, time=at, backoff_sec=backoff),
                )
                for job, node, bits, at, backoff in statuses
            ]
        )
        await opened.close()

    asyncio.run(save())


def test_the_sample_config_has_four_tasks_that_may_run(plan: Plan) -> None:
    planned = plan(SAMPLES / "simple.json", "--json")
    assert (planned.code, planned.err) == (0, "")
    assert planned.json["jobs"] == [
        {
            "name": "simple_job",
            "enabled": True,
            "valid": True,
            "level_for_tasks": "level2",
            "tasks": 4,
            "runnable": 4,
            "blocked": {},
        },
        {
            "name": "fails_once",
            "enabled": True,
            "valid": True,
            "level_for_tasks": "level2",
            "tasks": 4,
            "runnable": 0,
            "blocked": {"dependency": 4},
        },
    ]
    assert planned.json["errors"] == []


def test_nodes_come_in_fetch_order_from_the_instance_down(
    plan: Plan, config: Config
) -> None:
    planned = plan(config(), "--json", "--instance-node-name", "here")
    assert planned.json["levels"] == ["instance", "host", "shard"]
    assert [
        (node["name"], node["level"], node["parent"], node["enabled"], node["tags"])
        for node in planned.json["nodes"]
    ] == [
        ("here", "instance", None, True, []),
        ("a", "host", "here", True, []),
        ("a1", "shard", "a", True, []),
        ("a2", "shard", "a", True, []),
        ("b", "host", "here", False, []),
        ("b1", "shard", "b", True, []),
    ]


def test_every_task_has_one_reason_and_they_add_up(plan: Plan, config: Config) -> None:
    path = config(
        free={},
        off={"enabled": False},
        bad={"backoff": "soon"},
        picky={"filters": {"shard": {"whitelist": ["a2"]}}},
        hungry={"resources": {"slots": 3}},
        hosts={"level_for_tasks": "host"},
        after={"depends_on": ["free"]},
    )
    planned = plan(path, "--json")
    assert planned.jobs == {
        "free": {"runnable": 2, "node_disabled": 1},
        "off": {"runnable": 0, "job_disabled": 3},
        "bad": {"runnable": 0, "job_invalid": 3},
        "picky": {"runnable": 1, "avoided": 1, "node_disabled": 1},
        "hungry": {"runnable": 0, "resource": 2, "node_disabled": 1},
        "hosts": {"runnable": 1, "node_disabled": 1},
        "after": {"runnable": 0, "dependency": 2, "node_disabled": 1},
    }
    for job in planned.json["jobs"]:
        assert job["tasks"] == job["runnable"] + sum(job["blocked"].values())
    valid = {job["name"]: job["valid"] for job in planned.json["jobs"]}
    assert not valid.pop("bad")
    assert all(valid.values())


def test_tasks_do_not_take_each_others_resources(plan: Plan, config: Config) -> None:
    path = config(
        one={},
        two={},
        settings={"resources": {"host": {"x": {"limit": 1, "default": 1}}}},
    )
    assert plan(path, "--json").jobs == {
        "one": {"runnable": 2, "node_disabled": 1},
        "two": {"runnable": 2, "node_disabled": 1},
    }


def test_an_error_of_a_job_is_told_with_its_place(plan: Plan, config: Config) -> None:
    path = config(bad={"backoff": "soon"}, good={})
    planned = plan(path, "--json")
    assert planned.code == 1
    (error,) = planned.json["errors"]
    assert error.startswith(f"{path}:1:")
    assert "bistro_job->bad.backoff" in error
    assert planned.jobs["good"]["runnable"] == 2


def test_a_disabled_scheduler_blocks_what_could_run(plan: Plan, config: Config) -> None:
    planned = plan(config(a={}, settings={"enabled": False}), "--json")
    assert planned.code == 0
    assert planned.jobs == {
        "a": {"runnable": 0, "scheduler_disabled": 2, "node_disabled": 1}
    }


def test_a_failing_node_source_is_told_and_the_rest_is_planned(
    plan: Plan, config: Config
) -> None:
    script = {"parent_level": "host", "script": "./none.sh"}
    path = config(
        sources=[
            {"source": "manual", "prefs": {"a": [], "b": []}},
            {"source": "script", "prefs": script},
        ],
        shards={},
        hosts={"level_for_tasks": "host"},
    )
    planned = plan(path, "--json")
    assert planned.code == 1
    assert len(planned.json["errors"]) == 1
    assert "./none.sh" in planned.json["errors"][0]
    assert planned.jobs == {"shards": {"runnable": 0}, "hosts": {"runnable": 2}}
    assert f"error: {planned.json['errors'][0]}\n" in planned.err


def test_node_scripts_run_and_tasks_do_not(
    plan: Plan, config: Config, tmp_path: Path
) -> None:
    (tmp_path / "nodes.sh").write_text("#!/bin/sh\necho $1-x\n")
    (tmp_path / "nodes.sh").chmod(0o755)
    prefs = {"parent_level": "instance", "script": "./nodes.sh"}
    path = config(
        sources=[{"source": "script", "prefs": prefs}],
        job={"level_for_tasks": "host", "command": ["touch", str(tmp_path / "ran")]},
    )
    planned = plan(path, "--json", "--instance-node-name", "i")
    assert [node["name"] for node in planned.json["nodes"]] == ["i", "i-x"]
    assert planned.jobs == {"job": {"runnable": 1}}
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config.json", "nodes.sh"]


def test_the_time_of_time_based_nodes_can_be_given(plan: Plan, config: Config) -> None:
    prefs = {
        "parent_level": "instance",
        "format": "{parent}:{time}",
        "schedule": [{"cron": {"epoch": 1000}, "lifetime": 10}],
    }
    path = config(sources=[{"source": "add_time", "prefs": prefs}])
    names = {
        now: [
            node["name"]
            for node in plan(
                path, "--json", "--now", now, "--instance-node-name", "i"
            ).json["nodes"]
        ]
        for now in (999, 1000, 1009, 1010)
    }
    assert names == {
        999: ["i"],
        1000: ["i", "i:1000"],
        1009: ["i", "i:1000"],
        1010: ["i"],
    }


def test_stored_statuses_count_when_the_data_dir_is_named(
    plan: Plan, config: Config, tmp_path: Path
) -> None:
    path = config(job={}, after={"depends_on": ["job"]})
    data = tmp_path / "data"
    store(
        data,
        ("job", "a1", DONE, 1000.0, 0),
        ("job", "a2", ERROR_BACKOFF, 1000.0, 60),
        ("after", "a1", FAILED, 1000.0, 0),
    )
    before = sorted(one.name for one in data.iterdir())
    flags = ("--json", "--data-dir", data, "--now")
    assert plan(path, *flags, 1059).jobs == {
        "job": {"runnable": 0, "done": 1, "backoff": 1, "node_disabled": 1},
        "after": {"runnable": 0, "failed": 1, "dependency": 1, "node_disabled": 1},
    }
    assert plan(path, *flags, 1060).jobs["job"] == {
        "runnable": 1,
        "done": 1,
        "node_disabled": 1,
    }
    assert plan(path, "--json").jobs["job"] == {"runnable": 2, "node_disabled": 1}
    assert plan(path, *flags, 1059, "--clean-statuses").jobs["job"]["runnable"] == 2
    assert sorted(one.name for one in data.iterdir()) == before


def test_nothing_is_made_where_there_is_nothing(
    plan: Plan, config: Config, tmp_path: Path
) -> None:
    planned = plan(config(job={}), "--json", "--data-dir", tmp_path / "none")
    assert planned.code == 0
    assert planned.jobs["job"]["runnable"] == 2
    assert "holds no statuses" in planned.err
    assert not (tmp_path / "none").exists()


def test_a_database_that_is_not_ours_ends_with_its_own_code(
    plan: Plan, config: Config, tmp_path: Path
) -> None:
    (tmp_path / "statuses.sql3").write_text("no database")
    planned = plan(config(job={}), "--json", "--data-dir", tmp_path)
    assert planned.code == 3
    assert planned.out == ""
    assert "is not an SQLite database" in planned.err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"bistro_settings": {', "config.json:1:"),
        ('{"bistro_settings": {"enabled": true}}', '"nodes" is missing'),
    ],
)
def test_a_config_that_cannot_be_used_ends_with_2(
    plan: Plan, tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    planned = plan(path, "--json")
    assert planned.code == 2
    assert problem in planned.err
    assert planned.json["jobs"] == planned.json["nodes"] == []
    assert problem in planned.json["errors"][0]
    assert plan(path).out == ""


def test_a_name_on_two_levels_refuses_the_plan_too(
    plan: Plan, config: Config, tmp_path: Path
) -> None:
    (tmp_path / "nodes.sh").write_text("#!/bin/sh\necho a\n")
    (tmp_path / "nodes.sh").chmod(0o755)
    prefs = {"parent_level": "host", "script": "./nodes.sh"}
    path = config(
        sources=[
            {"source": "manual", "prefs": {"a": []}},
            {"source": "script", "prefs": prefs},
        ],
    )
    planned = plan(path, "--json")
    assert planned.code == 2
    assert "on two levels" in planned.json["errors"][0]


def test_a_job_that_no_program_is_named_for_is_invalid(
    plan: Plan, config: Config
) -> None:
    path = config(job={"command": []}, off={"command": [], "enabled": False}, good={})
    planned = plan(path, "--json")
    assert planned.code == 1
    assert planned.jobs == {
        "job": {"runnable": 0, "job_invalid": 3},
        "off": {"runnable": 0, "job_invalid": 3},
        "good": {"runnable": 2, "node_disabled": 1},
    }
    assert [job["valid"] for job in planned.json["jobs"]] == [False, False, True]
    first, second = planned.json["errors"]
    assert first.startswith(f"{path}:1:")
    assert "bistro_job->job.command: missing, and no --worker-command" in first
    assert "bistro_job->off.command: missing" in second


@pytest.mark.parametrize(
    "flags",
    [
        ("--worker-command", "./w"),
        ("--runner", "remote"),
        ("--dry-run",),
        ("--benchmark-run",),
    ],
)
def test_a_command_is_not_missed_where_a_run_would_not_miss_it(
    plan: Plan, config: Config, flags: tuple[str, ...]
) -> None:
    planned = plan(config(job={"command": []}), "--json", *flags)
    assert (planned.code, planned.err) == (0, "")
    assert planned.jobs["job"]["runnable"] == 2


def test_one_of_a_kind_is_not_counted_in_the_plural(plan: Plan, config: Config) -> None:
    one = {"level_for_tasks": "instance"}
    assert "1 job, 1 task: 1 may run, 0 not" in plan(config(job=one)).out
    assert "0 jobs, 0 tasks:" in plan(config()).out


def test_the_tables_name_what_blocks(plan: Plan, config: Config) -> None:
    path = config(
        free={},
        hungry={"resources": {"slots": 3}},
        after={"depends_on": ["free", "hungry"]},
    )
    shown = plan(path).out
    assert [line.split() for line in shown.splitlines()[:4]] == [
        ["LEVEL", "NODES", "DISABLED"],
        ["instance", "1", "0"],
        ["host", "2", "1"],
        ["shard", "3", "0"],
    ]
    assert "2 resource: needs 3 slots, a host has 2" in shown
    assert "2 dependency: free (2)" in shown
    assert "3 jobs, 9 tasks: 2 may run, 7 not" in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_foreign_names_cannot_drive_the_terminal(plan: Plan, config: Config) -> None:
    shown = plan(config(**{"\x1b]0;x\x07[red]": {}})).out
    assert "\x1b" not in shown
    assert "[red]" in shown


@pytest.mark.parametrize("now", ["nan", "inf", "soon"])
def test_a_time_that_is_none_is_refused(plan: Plan, config: Config, now: str) -> None:
    planned = plan(config(), "--now", now)
    assert planned.code == 2
    assert "--now" in planned.err


def test_a_config_loader_that_is_not_installed_is_refused(
    plan: Plan, config: Config
) -> None:
    planned = plan(config(), "--config-loader", "etcd")
    assert planned.code == 2
    assert 'unknown config loader "etcd"' in planned.err


NEEDS_TWO: Mapping[str, Any] = {"level_for_tasks": "host", "resources": {"gpu": 2}}


def with_gpus(**settings: Any) -> Mapping[str, Any]:
    return {"resources": {"worker": {"gpu": {"limit": 0, "default": 0}}}, **settings}


def test_the_cards_of_this_host_are_what_its_worker_has(
    plan: Plan, config: Config, tmp_path: Path
) -> None:
    smi = tmp_path / "smi"
    smi.write_text("#!/bin/sh\nprintf '0A, 1, T4\\n0B, 1, T4\\n'\n")
    smi.chmod(0o755)
    physical = {"gpu_card": {"logical_resource": "gpu"}}
    path = config(settings=with_gpus(physical_resources=physical), train=NEEDS_TWO)
    planned = plan(path, "--json", "--nvidia-smi", smi)
    assert (planned.code, planned.err) == (0, "")
    assert planned.jobs["train"] == {"runnable": 1, "node_disabled": 1}


def test_cards_that_cannot_be_listed_are_warned_of_and_the_limit_stays(
    plan: Plan, config: Config, tmp_path: Path
) -> None:
    physical = {"gpu_card": {"logical_resource": "gpu"}}
    path = config(settings=with_gpus(physical_resources=physical), train=NEEDS_TWO)
    gone = tmp_path / "gone"
    planned = plan(path, "--json", "--nvidia_smi", gone)
    assert planned.err == (
        "warning: the GPUs of this host are unknown: "
        f"{gone}: cannot start: No such file or directory\n"
    )
    assert planned.jobs["train"] == {"worker": 1, "runnable": 0, "node_disabled": 1}
    quiet = plan(path, "--json", "--nvidia-smi=")
    assert (quiet.err, quiet.json) == ("", planned.json)


def test_an_override_may_name_this_host(plan: Plan, config: Config) -> None:
    override = {"local": {"gpu": 0}, socket.gethostname(): {"gpu": 2}}
    settings = with_gpus(worker_resources_override=override)
    planned = plan(config(settings=settings, train=NEEDS_TWO), "--json")
    assert planned.jobs["train"]["runnable"] == 1
