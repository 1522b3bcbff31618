import pytest

from bistro_tui.engine.config.model import AddTimePrefs, Json
from bistro_tui.engine.cron.item import parse_cron
from bistro_tui.engine.ids import LevelName
from tests.engine.config.builders import (
    config_json,
    parsed_settings,
    settings_json,
    settings_problems,
    warnings_of,
)

HOURLY: Json = {"epoch": {"period": 3600}}


def section(prefs: Json, levels: tuple[str, ...] = ("day",)) -> Json:
    return {
        "levels": list(levels),
        "node_sources": [{"source": "add_time", "prefs": prefs}],
    }


def read(**prefs: Json) -> AddTimePrefs:
    nodes = section({"parent_level": "instance", **prefs})
    (spec,) = parsed_settings(nodes=nodes, resources={}).node_sources
    assert isinstance(spec.prefs, AddTimePrefs)
    return spec.prefs


def problems(**prefs: Json) -> list[tuple[str, str]]:
    nodes = section({"parent_level": "instance", **prefs})
    found = settings_problems(nodes=nodes, resources={})
    return [(path.removeprefix("nodes.node_sources[0]"), text) for path, text in found]


def test_add_time_is_read_with_its_defaults() -> None:
    prefs = read(schedule=[{"cron": HOURLY, "lifetime": "60"}])
    assert prefs.parent_level == LevelName("instance")
    assert prefs.format == "{parent}:{time}"
    (item,) = prefs.schedule
    assert item.cron == parse_cron(HOURLY)
    assert (item.lifetime, item.enabled_lifetime) == (60, 60)
    assert item.tags == frozenset()
    assert read().schedule == ()


@pytest.mark.parametrize(
    ("given", "meant"), [(-1, 60), (0, 0), (5, 5), ("90", 90), (-2, -2)]
)
def test_the_enabled_lifetime_is_taken_as_it_is_but_for_minus_one(
    given: Json, meant: int
) -> None:
    schedule = [{"cron": HOURLY, "lifetime": 60, "enabled_lifetime": given}]
    assert read(schedule=schedule).schedule[0].enabled_lifetime == meant


def test_a_negative_lifetime_is_legal_and_tags_are_texts() -> None:
    (item,) = read(
        schedule=[{"cron": HOURLY, "lifetime": -5, "tags": ["a", 1, "a"]}]
    ).schedule
    assert item.lifetime == -5
    assert item.tags == {"a", "1"}


def test_equal_schedules_are_equal_prefs() -> None:
    schedule = [{"cron": {"minute": [0, 30], "dst_fixes": DST}, "lifetime": 60}]
    assert read(schedule=schedule) == read(schedule=schedule)


DST = ["unskip", "repeat_use_only_early"]
GOOD: dict[str, Json] = {"cron": HOURLY, "lifetime": 60}

BAD: list[tuple[dict[str, Json], str, str]] = [
    ({"schedule": {}}, ".prefs.schedule", "must be an array, got an object"),
    (
        {"schedule": [GOOD, 3]},
        ".prefs.schedule[1]",
        'must be an object such as {"cron": {…}, "lifetime": 3600}, got 3',
    ),
    (
        {"schedule": [{"lifetime": 60}]},
        ".prefs.schedule[0]",
        'the key "cron" is missing',
    ),
    (
        {"schedule": [{"cron": HOURLY}]},
        ".prefs.schedule[0]",
        'the key "lifetime" is missing',
    ),
    (
        {"schedule": [{**GOOD, "lifetime": 0}]},
        ".prefs.schedule[0].lifetime",
        "must be seconds other than 0, got 0",
    ),
    (
        {"schedule": [{**GOOD, "lifetime": "soon"}]},
        ".prefs.schedule[0].lifetime",
        'must be a whole number, got "soon"',
    ),
    (
        {"schedule": [{**GOOD, "tags": "x"}]},
        ".prefs.schedule[0].tags",
        'must be an array of texts, got "x"',
    ),
    (
        {"format": "{parent}-{i}"},
        ".prefs.format",
        "unknown placeholder {i}; there are {parent}, {time}",
    ),
    (
        {"parent_level": "day"},
        ".prefs.parent_level",
        'there is no configured level below "day"',
    ),
    (
        {"parent_level": "instancex"},
        ".prefs.parent_level",
        'unknown level "instancex"; did you mean "instance"?',
    ),
]


@pytest.mark.parametrize(("prefs", "path", "message"), BAD)
def test_a_mistake_in_add_time_is_a_settings_error(
    prefs: dict[str, Json], path: str, message: str
) -> None:
    assert problems(**prefs) == [(path, message)]


@pytest.mark.parametrize(
    ("cron", "path", "part"),
    [
        ({"epoc": 5}, ".cron.epoc", 'did you mean "epoch"?'),
        ({"epoch": {"strt": 5}}, ".cron.epoch.strt", 'did you mean "start"?'),
        (
            {"day_of_month": 30, "month": "feb", "minute": 0, "dst_fixes": DST},
            ".cron.day_of_month",
            "it never fires",
        ),
        (None, ".cron", "must be an object, got null"),
    ],
)
def test_a_mistake_in_a_cron_item_is_told_where_it_stands(
    cron: Json, path: str, part: str
) -> None:
    ((where, told),) = problems(schedule=[{"cron": cron, "lifetime": 60}])
    assert where == f".prefs.schedule[0]{path}"
    assert part in told


def test_every_wrong_field_of_a_cron_item_is_told() -> None:
    cron = {"minute": 60, "hour": 24, "dst_fixes": DST}
    found = problems(schedule=[{"cron": cron, "lifetime": 60}])
    assert [path for path, _ in found] == [
        ".prefs.schedule[0].cron.hour",
        ".prefs.schedule[0].cron.minute",
    ]


def test_everything_wrong_in_a_schedule_is_told_at_once() -> None:
    found = problems(schedule=[{"cron": 5, "lifetime": 0}, {"tags": [None]}])
    assert [path for path, _ in found] == [
        ".prefs.schedule[0].cron",
        ".prefs.schedule[0].lifetime",
        ".prefs.schedule[1]",
        ".prefs.schedule[1]",
        ".prefs.schedule[1].tags[0]",
    ]


def test_unknown_keys_of_a_schedule_item_are_warnings() -> None:
    nodes = section({"parent_level": "instance", "schedule": [{**GOOD, "tag": []}]})
    found = warnings_of(config_json(settings_json(nodes=nodes, resources={})))
    assert found == [
        (
            "bistro_settings.nodes.node_sources[0].prefs.schedule[0].tag",
            'unknown key "tag", ignored; did you mean "tags"?',
        )
    ]
