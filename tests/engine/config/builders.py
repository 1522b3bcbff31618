"""Configs for tests, as raw JSON values and as texts."""

import json
from typing import Any

from hypothesis import strategies as st

from bistro_tui.engine.config.model import (
    Config,
    Job,
    Json,
    ManualNode,
    ManualPrefs,
    Settings,
)
from bistro_tui.engine.config.parse import ParsedConfig, parse_config
from bistro_tui.engine.config.problems import Problem, render_path
from bistro_tui.engine.ids import JobName, NodeName, ResourceName

SEED = """\
{
  "bistro_settings" : {
    "nodes" : {
      "levels": [ "level1", "level2"],
      "node_source": "manual",
      "node_source_prefs": {
        "node1": ["node11", "node12"],
        "node2": ["node21", "node22"]
      }
    },
    "resources": {"instance": {"concurrency": {"limit": 3, "default": 1}}},
    "enabled": true
  },
  "bistro_job->simple_job": {
    "owner": "test",
    "enabled": true
  }
}
"""

COMMENTED = """\
// What runs here, and how.
{
  "bistro_settings": {
    "enabled": true, /* the master switch */
    "nodes": {
      "levels": ["host", "shard"],
      "node_sources": [
        {"source": "manual", "prefs": {"db1": ["a", "b"], "db2": {"disabled": true}}},
      ],
    },
    "resources": {
      "host": {"connections": {"limit": 2, "default": 1, "weight": 3}},
    },
    "backoff": [1, 2, "repeat"],
  },
  "bistro_job->étl": {
    "owner": "日本 // not a comment, \\u00e9",
    "command": ["./etl.sh", "{node}",],
    "filters": {"shard": {"whitelist_regex": "^a"}},
  },
}
"""


def settings_json(**changes: Json) -> dict[str, Json]:
    """Return good settings with two levels and one resource, some keys replaced."""
    settings: dict[str, Json] = {
        "enabled": True,
        "nodes": {
            "levels": ["level1", "level2"],
            "node_sources": [
                {"source": "manual", "prefs": {"node1": ["node11", "node12"]}}
            ],
        },
        "resources": {
            "instance": {"concurrency": {"limit": 3, "default": 1}},
            "worker": {"ram": {"limit": 8, "default": 0}},
        },
    }
    settings.update(changes)
    return settings


def config_json(
    settings: Json = None, jobs: dict[str, Json] | None = None
) -> dict[str, Json]:
    """Return a config; a job without an owner gets one."""
    raw: dict[str, Json] = {"bistro_settings": settings or settings_json()}
    for name, job in (jobs or {}).items():
        raw[f"bistro_job->{name}"] = (
            {"owner": "me", **job} if isinstance(job, dict) else job
        )
    return raw


def parsed_settings(**changes: Json) -> Settings:
    """Return the settings, which must be good."""
    parsed = parse_config(config_json(settings_json(**changes)))
    return good(parsed).settings


def parsed_job(settings: Json = None, **keys: Json) -> Job:
    """Return the one job ``etl`` of a config with good settings."""
    parsed = parse_config(config_json(settings, {"etl": keys}))
    assert parsed.config is not None, parsed.problems
    return parsed.config.jobs[JobName("etl")]


def manual_node(*children: str, enabled: bool = True) -> ManualNode:
    """Return what the manual source says of one node."""
    return ManualNode(children=tuple(map(NodeName, children)), enabled=enabled)


def manual(**nodes: ManualNode) -> ManualPrefs:
    """Return a manual tree by its nodes."""
    return ManualPrefs(nodes={NodeName(name): each for name, each in nodes.items()})


def amounts(**resources: int) -> dict[ResourceName, int]:
    """Return what one task takes."""
    return {ResourceName(name): amount for name, amount in resources.items()}


def good(parsed: ParsedConfig) -> Config:
    """Return the config of a parse that found nothing wrong."""
    assert parsed.problems == ()
    assert parsed.config is not None
    return parsed.config


def told(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    """Return problems as rendered path and message, sorted."""
    return sorted((render_path(each.path), each.message) for each in problems)


def settings_problems(**changes: Json) -> list[tuple[str, str]]:
    """Return what is wrong with settings; paths without ``bistro_settings``."""
    parsed = parse_config(config_json(settings_json(**changes)))
    assert (parsed.config is None) == bool(parsed.problems)
    return [
        (path.removeprefix("bistro_settings").removeprefix("."), message)
        for path, message in told(parsed.problems)
    ]


def job_problems(**keys: Json) -> list[tuple[str, str]]:
    """Return what is wrong with a job; paths without ``bistro_job->etl``."""
    parsed = parse_config(config_json(None, {"etl": keys}))
    assert parsed.config is not None
    assert all(problem.job == "etl" for problem in parsed.problems)
    return [
        (path.removeprefix("bistro_job->etl").removeprefix("."), message)
        for path, message in told(parsed.problems)
    ]


def warnings_of(raw: Json) -> list[tuple[str, str]]:
    """Return the warnings of a whole config."""
    return told(parse_config(raw).warnings)


def dumped(raw: Json) -> str:
    """Return a value as the text of a file."""
    return json.dumps(raw, indent=2)


def json_values() -> st.SearchStrategy[Any]:
    """Return any JSON value, strange numbers and halves of characters included."""
    scalars = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(st.characters())
        | st.sampled_from(["repeat", "fail", "level1", "node1", "instance", "worker"])
    )
    keys = st.text(st.characters()) | st.sampled_from(KEYS)
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5)
        ),
        max_leaves=12,
    )


KEYS = [
    "bistro_settings",
    "bistro_job->x",
    "bistro_job->",
    "enabled",
    "owner",
    "levels",
    "nodes",
    "node_sources",
    "node_source",
    "node_source_prefs",
    "source",
    "prefs",
    "resources",
    "limit",
    "default",
    "backoff",
    "filters",
    "whitelist_regex",
    "whitelist",
    "children",
    "disabled",
    "command",
    "env",
    "errors",
    "config",
    "depends_on",
    "task_subprocess",
    "cgroups",
    "kill_subprocess",
    "method",
    "physical_resources",
    "ram_mb",
    "logical_resource",
    "worker_resources_override",
    "kill_orphan_tasks_after_sec",
    "parent_level",
    "start",
    "end",
    "format",
    "script",
    "instance",
    "level1",
    "worker",
    "concurrency",
]
