"""What is told of a job in words."""

from dataclasses import replace
from typing import Any

import pytest

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.job_words import job_facts
from bistro_tui.engine.config.model import (
    Enforcement,
    Job,
    KillMethod,
    KillSettings,
    StatusFrom,
)
from bistro_tui.engine.ids import LevelName, ResourceName
from tests.engine.scheduling.builders import limits, make_config, make_job

CONFIG = make_config(
    make_job("etl", needs={"disk": 0}), resources=limits(host={"cpu": 4, "disk": 1})
)
ETL = next(iter(CONFIG.jobs.values()))


def words(job: Job, *, hides: bool = False) -> dict[str, str]:
    facts = job_facts(job, CONFIG.settings, tasks=12, hides_secrets=hides)
    assert len(dict(facts)) == len(facts)
    return dict(facts)


def test_what_a_job_is_comes_first_and_what_goes_without_saying_not_at_all() -> None:
    assert words(ETL) == {
        "command": "none of its own: --worker-command",
        "level": "db",
        "tasks": "12",
        "enabled": "yes",
        "owner": "owner",
        "priority": "1",
        "resources": "1 cpu (host)",
        "backoff": "10 s, 20 s, then it has failed",
        "kill": "SIGTERM, and no more",
        "orphans": "are left alone",
    }


@pytest.mark.parametrize(
    ("changes", "label", "text"),
    [
        ({"errors": ("owner: missing",)}, "error", "owner: missing"),
        ({"command": ("sh", "-c", "a b")}, "command", "sh -c 'a b'"),
        ({"enabled": False}, "enabled", "no"),
        ({"priority": 0.25}, "priority", "0.25"),
        ({"resources": {}}, "resources", "none"),
        ({"depends_on": ("a", "b")}, "depends on", "a, b"),
        ({"host_placement": "h1"}, "host placement", "h1"),
        ({"backoff": Backoff(steps=())}, "backoff", "none: an error is the end"),
        ({"backoff": Backoff(steps=(90,))}, "backoff", "90 s each time"),
        (
            {"backoff": Backoff(steps=(15, 60, 86_400))},
            "backoff",
            "15 s, 1 min, then 1 d each time",
        ),
        ({"timeout_sec": 7200.0}, "timeout", "killed after 2 h"),
        (
            {"kill_subprocess": KillSettings(kill_wait_ms=500)},
            "kill",
            "SIGTERM, SIGKILL after 0.5 s",
        ),
        (
            {"kill_subprocess": KillSettings(method=KillMethod.KILL)},
            "kill",
            "SIGKILL at once",
        ),
        ({"kill_orphan_tasks_after_sec": 0.0}, "orphans", "are ended at once"),
        ({"kill_orphan_tasks_after_sec": 60.0}, "orphans", "are ended after 1 min"),
        (
            {"status_from": StatusFrom.EXIT_CODE},
            "status",
            "its exit code, where it writes no status",
        ),
        ({"env": {"MODE": "full", "X": ""}}, "env", "MODE, X"),
        ({"config": {"k": ["é"]}}, "config", '{"k": ["é"]}'),
        (
            {"enforcement": Enforcement(memory_max=3 << 20, cpu_weight=200)},
            "held to",
            "3 MiB of memory, CPU weight 200",
        ),
    ],
)
def test_each_setting_has_its_words(
    changes: dict[str, Any], label: str, text: str
) -> None:
    assert words(replace(ETL, **changes))[label] == text


def test_filters_are_told_by_level() -> None:
    both = LevelFilter(
        whitelist=frozenset("ba"),
        whitelist_regex="x+",
        blacklist=frozenset("c"),
        blacklist_regex="y",
        tag_whitelist=frozenset({"ssd"}),
        fraction_of_nodes=0.25,
    )
    job = replace(
        ETL, filters={LevelName("db"): both, LevelName("host"): LevelFilter()}
    )
    assert words(job)["filter on db"] == (
        "only a, b; only what matches x+; not c; not what matches y;"
        " only with a tag of ssd; 25 % of them"
    )
    assert "filter on host" not in words(job)


def test_secrets_of_the_config_are_hidden_from_strangers() -> None:
    job = replace(ETL, config={"token": "hunter2", "n": 1})
    assert "hunter2" in words(job)["config"]
    assert words(job, hides=True)["config"] == '{"token": "***", "n": 1}'


def test_long_texts_are_cut_and_resources_that_nobody_has_are_marked() -> None:
    job = replace(ETL, owner="x" * 5_000, resources={ResourceName("gone"): 2})
    assert words(job)["owner"].endswith("x…")
    assert words(job)["resources"] == "2 gone (?)"
