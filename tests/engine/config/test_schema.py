"""The shipped schema, the tables that it is made of, and the parser agree."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config import schema
from bistro_tui.engine.config.formats import format_of, read_document
from bistro_tui.engine.config.job_keys import FILTER, JOB
from bistro_tui.engine.config.keys import ArrayOf, Key, Kind, MapOf, Section, Words
from bistro_tui.engine.config.load import load_config
from bistro_tui.engine.config.model import Job, Json, Settings
from bistro_tui.engine.config.parse import parse_config
from bistro_tui.engine.config.reading import ObjectReader
from bistro_tui.engine.config.settings_keys import NODES, RESOURCE, SETTINGS
from bistro_tui.engine.config.source_keys import SCHEDULE_ITEM, SOURCES
from bistro_tui.engine.config.text import Path as ConfigPath
from tests.engine.config.builders import COMMENTED, SEED, config_json, parsed_settings
from tests.samples import sample_configs

SHIPPED = json.loads(Path(schema.__file__).with_name("schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SHIPPED)

DAILY = {"cron": {"cron": "0 3 * * *"}, "lifetime": 3600}
BY_FIELDS = {
    "cron": {
        "minute": [0, 30],
        "hour": {"start": 3, "end": 5},
        "day_of_week": "monday",
        "dst_fixes": ["skip", "repeat_use_both"],
    },
    "lifetime": "60",
    "enabled_lifetime": 30,
    "tags": ["nightly"],
}
SHARED: dict[str, Json] = {
    "level_for_tasks": "shard",
    "backoff": [1, 5, "repeat"],
    "kill_orphan_tasks_after_sec": 2.5,
    "kill_subprocess": {"method": "kill", "kill_wait_ms": 5},
    "task_subprocess": {
        "poll_ms": 1,
        "max_log_lines_per_poll_interval": 2,
        "parent_death_signal": 9,
        "process_group_leader": False,
        "use_canary_pipe": True,
        "cgroups": {
            "root": "/",
            "slice": "s",
            "subsystems": ["cpu"],
            "kill_without_freezer": True,
        },
    },
}
FULL: dict[str, Json] = {
    "$schema": "schema.json",
    "bistro_settings": {
        **SHARED,
        "enabled": True,
        "nodes": {
            "levels": ["rack", "host", "shard"],
            "node_order": "original",
            "node_sources": [
                {"source": "manual", "prefs": {"r": ["a", "b"], "a": {"disabled": 0}}},
                {
                    "source": "range_label",
                    "prefs": {
                        "parent_level": "host",
                        "start": 1,
                        "end": 3,
                        "format": "{parent}.{i}",
                        "enabled": True,
                    },
                },
                {
                    "source": "script",
                    "prefs": {
                        "parent_level": "host",
                        "script": "./more.sh",
                        "timeout_sec": 5,
                    },
                },
                {
                    "source": "add_time",
                    "prefs": {
                        "parent_level": "host",
                        "format": "{parent}@{time}",
                        "schedule": [DAILY, BY_FIELDS],
                    },
                },
                {"source": "empty"},
            ],
        },
        "resources": {
            "host": {"slots": {"limit": 2, "default": 1, "weight": 3}},
            "worker": {"ram": {"limit": 8, "default": 0}},
        },
        "scheduler": "long_tail",
        "on_bad_config": "keep",
        "worker_resources_override": {"local": {"ram": 4}},
        "physical_resources": {
            "ram_mb": {
                "logical_resource": "ram",
                "multiply_logical_by": 1024,
                "enforcement": "hard",
                "physical_reserve_amount": 1.5,
            }
        },
        "remote_worker_selector": "busiest",
        "working_wait": 0.1,
        "idle_wait": 1,
        "CAUTION_exit_initial_wait_before_timestamp": 1,
    },
    "bistro_job->étl": {
        **SHARED,
        "owner": "me",
        "enabled": "yes",
        "command": ["./x", "{node}"],
        "config": {"any": [None, {"thing": 1}]},
        "env": {"A": "b"},
        "status_from": "exit_code",
        "timeout_sec": 1.5,
        "priority": "2",
        "resources": {"slots": 2, "ram": "1"},
        "depends_on": ["b"],
        "filters": {
            "host": {
                "whitelist": ["a"],
                "whitelist_regex": "^a",
                "blacklist": ["b"],
                "blacklist_regex": "b$",
                "tag_whitelist": ["t"],
                "fraction_of_nodes": 0.5,
            }
        },
        "level_for_host_placement": "host",
        "host_placement": "h",
        "create_time": 1,
        "modify_time": 2,
        "version_id": 3,
        "errors": {},
    },
    "bistro_job->b": {"owner": "me"},
}

FULL_TEXT = json.dumps(FULL)

ODD: list[Json] = [
    None, True, 0, -1, 5.5, "5", "x", "", [], {}, ["x"], [None], [2, 1],
    {"x": 1}, {"x": None}, {"x": {}}, 2**70, "yes",
]  # fmt: skip

SEMANTIC = (
    # What no schema can know: names that stand elsewhere in the file, and sums.
    "beyond 64 bits",
    "unknown level",
    "unknown resource",
    "is not a resource of workers",
    "is already that of",
    "must be above",
    "a worker-level resource",
    "there is no configured level below",
    "would be on two levels",
    "on level ",
    "the level ",
    "has no root",
    "has no nodes",
    "must be none or",
    "must not be 0",
    '"repeat" needs',
    "the first word",
    "seconds other than 0",
    "must not be empty",
    "never",
)


def accepted(raw: Json) -> tuple[bool, list[str]]:
    """Say whether the parser has nothing to complain of, and what it says."""
    parsed = parse_config(raw)
    flagged = [each for each in parsed.warnings if "unknown key" in each.message]
    flagged += [each for each in parsed.warnings if "left out" in each.message]
    told = [str(problem) for problem in (*parsed.problems, *flagged)]
    return not told, told


def paths_of(value: Json, path: ConfigPath = ()) -> Iterator[ConfigPath]:
    """Return the paths of all values, of values that are alike only one."""
    if path and (path[-1] in ("config", "cron") or path[0] == "bistro_job->b"):
        return
    yield path
    if path[-1:] and path[-1] in SHARED and path[0] != "bistro_settings":
        return
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from paths_of(inner, (*path, key))
    if isinstance(value, list):
        different = len(value) if path[-1] in ("node_sources", "schedule") else 1
        for index, inner in enumerate(value[:different]):
            yield from paths_of(inner, (*path, index))


def replaced(path: ConfigPath, value: Json) -> Json:
    raw: Any = json.loads(FULL_TEXT)
    # The rest is good, and only takes time.
    if path[0] == "bistro_settings":
        raw = {"bistro_settings": raw["bistro_settings"]}
    else:
        raw["bistro_settings"]["nodes"] = {"levels": ["host", "shard"]}
    at = raw
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return raw


def test_the_shipped_schema_is_that_of_the_tables() -> None:
    assert schema.config_schema() == SHIPPED, "run docs/config_reference.py"
    jsonschema.Draft202012Validator.check_schema(SHIPPED)


@pytest.mark.parametrize("raw", [FULL, config_json()])
def test_a_good_config_is_good_for_both(raw: Json) -> None:
    assert accepted(raw) == (True, [])
    assert [each.message for each in VALIDATOR.iter_errors(raw)] == []


def test_every_sample_and_every_fixture_is_good_for_the_schema(tmp_path: Path) -> None:
    samples = sample_configs()
    for name, text in (("seed", SEED), ("commented", COMMENTED)):
        (tmp_path / name).write_text(text)
        samples.append(tmp_path / name)
    assert {each.suffix for each in samples} == {"", ".json", ".toml", ".yaml"}
    for path in samples:
        loaded = load_config(path)
        assert loaded.problems == (), path
        raw = read_document(loaded.text, format_of(path)).value
        assert [each.message for each in VALIDATOR.iter_errors(raw)] == [], path


def test_the_full_config_has_every_key_of_the_tables() -> None:
    assert set(FULL["bistro_settings"]) == set(SETTINGS.names)
    assert set(FULL["bistro_job->étl"]) == set(JOB.names)
    (found,) = FULL["bistro_job->étl"]["filters"].values()
    assert set(found) == set(FILTER.names)
    sources = FULL["bistro_settings"]["nodes"]["node_sources"]
    assert [each["source"] for each in sources] == [name for name, _ in SOURCES.prefs]
    for each, (_, kind) in zip(sources, SOURCES.prefs, strict=True):
        assert not isinstance(kind, Section) or set(each.get("prefs", {})) == set(
            kind.names
        )
    assert set(BY_FIELDS) == set(SCHEDULE_ITEM.names)
    assert set(FULL["bistro_settings"]["resources"]["host"]["slots"]) == set(
        RESOURCE.names
    )


@pytest.mark.parametrize("path", [*paths_of(FULL)][1:], ids=str)
def test_schema_and_parser_agree_on_what_is_wrong(path: ConfigPath) -> None:
    for odd in ODD:
        raw = replaced(path, odd)
        is_good, told = accepted(raw)
        if is_good != VALIDATOR.is_valid(raw):
            errors = [each.message for each in VALIDATOR.iter_errors(raw)]
            semantic = all(any(word in text for word in SEMANTIC) for text in told)
            assert semantic, (odd, told, errors)
            assert not is_good, (odd, told, errors)


@pytest.mark.parametrize(
    "section", [SETTINGS, JOB, NODES, FILTER], ids=lambda s: s.name
)
def test_a_misspelt_key_is_told_by_both(section: Section) -> None:
    paths = {
        "bistro_settings": ("bistro_settings",),
        "bistro_job->NAME": ("bistro_job->étl",),
        "nodes": ("bistro_settings", "nodes"),
        "filter": ("bistro_job->étl", "filters", "host"),
    }
    for name in section.names:
        raw = replaced((*paths[section.name], f"{name}z"), 1)
        is_good, told = accepted(raw)
        assert not is_good
        assert len(told) == 1
        assert f'unknown key "{name}z", ignored; did you mean "{name}"?' in told[0]
        assert not VALIDATOR.is_valid(raw)


def defaults(section: Section) -> dict[str, Json]:
    return {key.name: key.default for key in section if key.default is not None}


def test_the_defaults_of_the_tables_are_those_of_the_parser() -> None:
    plain = parsed_settings()
    parsed = parsed_settings(
        **{key: value for key, value in defaults(SETTINGS).items() if key != "enabled"}
    )
    assert parsed == plain
    assert defaults(SETTINGS)["enabled"] is Settings().enabled
    raw = config_json(None, {"etl": {}, "all": defaults(JOB)})
    config = parse_config(raw).config
    assert config is not None
    missing, given = config.jobs.values()
    for field in Job.__dataclass_fields__:
        if field not in ("name", "written"):
            assert getattr(missing, field) == getattr(given, field), field


def test_the_parser_asks_for_exactly_the_keys_of_the_tables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: set[str] = set()
    finish = ObjectReader.finish

    def checked(reader: ObjectReader, section: Section | None = None) -> None:
        assert section is not None, reader.path
        if section.name != "empty":
            assert set(reader._asked) == set(section.names), section.name
        seen.add(section.name)
        finish(reader, section)

    monkeypatch.setattr(ObjectReader, "finish", checked)
    parse_config(FULL)
    older = config_json()
    older["bistro_settings"]["nodes"] = {
        "levels": ["a"],
        "node_source": "manual",
        "node_source_prefs": {"x": []},
    }
    assert {"bistro_settings", "bistro_job->NAME", "filter", "schedule item"} <= seen


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
STEPS = st.lists(st.integers(1, 10**6), min_size=1, unique=True).map(sorted)
LAST = st.sampled_from([[], ["fail"], ["repeat"]])
GOOD: dict[Kind, st.SearchStrategy[Json]] = {
    Kind.BOOL: st.booleans() | st.sampled_from(["Yes", "off", " t ", 0, 1, 2.5]),
    Kind.INT: st.integers(-(2**63), 2**63 - 1) | st.sampled_from(["-5", " 7 ", 5.0]),
    Kind.COUNT: st.integers(0, 99) | st.just("3"),
    Kind.NUMBER: st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from(["1e3", ".5"]),
    Kind.SECONDS: st.floats(0.001, 1e6) | st.just("2.5"),
    Kind.TEXT: TEXTS,
    Kind.PATTERN: st.sampled_from(["^a", "b+", ".", 5]),
    Kind.BACKOFF: st.builds(lambda steps, last: [*steps, *last], STEPS, LAST),
    Kind.ORPHAN_DELAY: st.booleans() | st.integers(-5, 5) | st.floats(-5, 5),
}


def of_key(key: Key) -> st.SearchStrategy[Json]:
    """Return values that are good for a key wherever nothing else decides."""
    match key.type:
        case Words():
            return st.sampled_from(key.type.words)
        case Kind():
            return GOOD.get(key.type, st.nothing())
        case ArrayOf(item=Kind.TEXT):
            return st.lists(st.sampled_from(["a", "b", 5, True]), max_size=3)
        case MapOf(value=Kind.ANY):
            return st.dictionaries(st.text(max_size=3), st.none() | st.integers())
        case MapOf(name="NAME"):
            return st.dictionaries(st.sampled_from("AB"), st.sampled_from(["x", 5]))
        case Section():
            return of_section(key.type)
        case _:
            return st.nothing()


def of_section(section: Section, *without: str) -> st.SearchStrategy[dict[str, Json]]:
    some = {key.name: of_key(key) for key in section if key.name not in without}
    required = {key.name for key in section if key.required}
    return st.fixed_dictionaries(
        {name: each for name, each in some.items() if name in required},
        optional={
            name: each
            for name, each in some.items()
            if name not in required and not each.is_empty
        },
    )


LEVELS = ("instance", "level1", "level2", "worker")
NAMED_ELSEWHERE = ("level_for_tasks", "level_for_host_placement", "resources")
filters = st.dictionaries(st.sampled_from(LEVELS), of_section(FILTER))


@given(
    of_section(SETTINGS, "nodes", *NAMED_ELSEWHERE),
    of_section(JOB, *NAMED_ELSEWHERE),
    st.fixed_dictionaries(
        {},
        optional={"filters": filters, "level_for_tasks": st.sampled_from(LEVELS[:-1])},
    ),
)
def test_every_config_made_of_the_tables_is_good_for_both(
    settings: dict[str, Json], job: dict[str, Json], more: dict[str, Json]
) -> None:
    base = config_json()["bistro_settings"]
    raw = {
        "bistro_settings": {**base, **settings},
        "bistro_job->a": {**job, **more},
    }
    assert accepted(raw) == (True, [])
    assert [each.message for each in VALIDATOR.iter_errors(raw)] == []
