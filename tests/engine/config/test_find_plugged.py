"""Names of plug-ins as words of a config."""

import sys
from pathlib import Path

import pytest

from bistro_tui.engine.config.find_plugged import plugged_for
from bistro_tui.engine.config.load import LoadedConfig, load_content
from bistro_tui.engine.config.model import Json, PluggedPrefs
from bistro_tui.engine.config.plugged import NOTHING_PLUGGED
from bistro_tui.engine.installed import Group
from tests.engine.conftest import Install

SOURCE = """
from bistro_tui.engine.config.coerce import to_int, to_str

class Racks:
    def read_prefs(self, prefs):
        count = prefs.require("count", to_int, 0)
        if count < 0:
            prefs.error("count", "must not be negative")
        return count

    async def fetch(self, prefs, around):
        raise NotImplementedError

class Clumsy(Racks):
    def read_prefs(self, prefs):
        return {}["rack"]

class Leaving(Racks):
    def read_prefs(self, prefs):
        raise SystemExit(2)
"""

POLICY = """
class Fair:
    def __init__(self, rng): ...
    def set_jobs(self, jobs): ...
    def choose(self, waiting): return next(iter(waiting))
    def started(self, job): ...
    def changed(self, job): ...

class Broken(Fair):
    def __init__(self, rng):
        raise RuntimeError("no licence")

class Half:
    def __init__(self, rng): ...
    def choose(self, waiting): return next(iter(waiting))
"""


@pytest.fixture(autouse=True)
def plug_ins(install: Install) -> None:
    install(
        "acme-words",
        SOURCE + POLICY,
        (Group.NODE_SOURCES, "racks", "acme_words_module:Racks"),
        (Group.NODE_SOURCES, "clumsy", "acme_words_module:Clumsy"),
        (Group.NODE_SOURCES, "leaving", "acme_words_module:Leaving"),
        (Group.NODE_SOURCES, "gone", "acme_words_module:Gone"),
        (Group.POLICIES, "fair", "acme_words_module:Fair"),
        (Group.POLICIES, "broken", "acme_words_module:Broken"),
        (Group.POLICIES, "half", "acme_words_module:Half"),
    )


def load(text: str) -> LoadedConfig:
    return load_content(Path("c.json"), text.encode())


def config(
    *, scheduler: str = "roundrobin", source: str = "empty", prefs: str = "{}"
) -> str:
    return f"""{{"bistro_settings": {{
      "scheduler": "{scheduler}",
      "nodes": {{"levels": ["rack"], "node_sources": [
        {{"source": "{source}", "prefs": {prefs}}}]}},
      "resources": {{}}
    }}}}"""


def problems(text: str) -> list[str]:
    return [f"{p.line} {p.path}: {p.message}" for p in load(text).problems]


def test_a_plug_ins_policy_is_a_word_for_scheduler() -> None:
    loaded = load(config(scheduler="fair"))
    assert (loaded.problems, loaded.warnings) == ((), ())
    assert loaded.config is not None
    assert loaded.config.settings.scheduler == "fair"


def test_a_plug_ins_source_reads_its_own_prefs() -> None:
    loaded = load(config(source="racks", prefs='{"count": "3"}'))
    assert (loaded.problems, loaded.warnings) == ((), ())
    assert loaded.config is not None
    (spec,) = loaded.config.settings.node_sources
    assert isinstance(spec.prefs, PluggedPrefs)
    assert (spec.source, spec.prefs.value) == ("racks", 3)


def test_prefs_written_the_same_are_the_same() -> None:
    specs = [
        loaded.settings.node_sources
        for prefs in ('{"count": 3}', '{ "count":3 }', '{"count": 4}')
        if (loaded := load(config(source="racks", prefs=prefs)).config) is not None
    ]
    assert specs[0] == specs[1]
    assert specs[0] != specs[2]


def test_wrong_prefs_of_a_plug_in_have_their_places() -> None:
    assert problems(config(source="racks", prefs='{"count": -1}')) == [
        "4 bistro_settings.nodes.node_sources[0].prefs.count: must not be negative"
    ]
    assert problems(config(source="racks")) == [
        '4 bistro_settings.nodes.node_sources[0].prefs: the key "count" is missing'
    ]


def test_unknown_prefs_of_a_plug_in_are_warnings_with_the_nearest() -> None:
    loaded = load(config(source="racks", prefs='{"count": 1, "cuont": 2}'))
    assert [warning.message for warning in loaded.warnings] == [
        'unknown key "cuont", ignored; did you mean "count"?'
    ]


def test_an_unknown_word_tells_the_plug_ins_too() -> None:
    (scheduler,) = problems(config(scheduler="fare"))
    assert "long_tail, broken, fair, half" in scheduler
    assert scheduler.endswith('got "fare"; did you mean "fair"?')
    (source,) = problems(config(source="rakcs"))
    assert 'unknown node source "rakcs"' in source
    assert source.endswith('clumsy, gone, leaving, racks; did you mean "racks"?')


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            {"scheduler": "broken"},
            'the policy "broken" of acme-words 1.0 cannot be made:'
            " RuntimeError: no licence",
        ),
        (
            {"scheduler": "half"},
            'the policy "half" of acme-words 1.0 cannot be used:'
            " Half has no set_jobs(), started(), changed()",
        ),
        (
            {"source": "gone"},
            'the node source "gone" of acme-words 1.0 cannot be loaded: AttributeError',
        ),
        (
            {"source": "leaving"},
            'the node source "leaving" of acme-words 1.0 cannot read these prefs:'
            " SystemExit: 2",
        ),
        (
            {"source": "clumsy"},
            'the node source "clumsy" of acme-words 1.0 cannot read these prefs:'
            " KeyError: 'rack'",
        ),
    ],
)
def test_a_plug_in_that_fails_is_a_settings_error(
    words: dict[str, str], problem: str
) -> None:
    loaded = load(config(**words))
    assert loaded.config is None
    (found,) = loaded.settings_problems
    assert found.message.startswith(problem)
    assert found.line > 1


def test_built_in_words_alone_look_for_no_plug_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def search(**_: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr("importlib.metadata.entry_points", search)
    assert load(config(source="range_label", scheduler="long_tail")).text


def test_plug_ins_that_a_config_does_not_name_are_not_imported(
    install: Install,
) -> None:
    install("acme-other", "", (Group.POLICIES, "other", "acme_other_module:Other"))
    load(config(scheduler="fair"))
    assert "acme_other_module" not in sys.modules


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {"bistro_settings": 1},
        {"bistro_settings": {"nodes": []}},
        {"bistro_settings": {"scheduler": {}, "nodes": {"node_sources": "manual"}}},
        {"bistro_settings": {"nodes": {"node_sources": [1, {"source": ["x"]}]}}},
    ],
)
def test_nothing_is_looked_for_in_what_is_no_config(raw: Json) -> None:
    assert plugged_for(raw) is NOTHING_PLUGGED
