"""Answers about very many nodes and jobs: right, quick, and others go on meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bistro_tui.engine.api.encoding import Encoded, encode
from bistro_tui.engine.config.model import Json
from tests.engine.api.scene import Scene, opened

HOSTS, EACH, JOBS = 10, 1_500, 500


def config() -> dict[str, Json]:
    def numbered(parent: str, number: int) -> Json:
        prefs = {"parent_level": parent, "start": 1, "end": number}
        return {"source": "range_label", "prefs": prefs}

    return {
        "bistro_settings": {
            "enabled": False,
            "nodes": {
                "levels": ["host", "db"],
                "node_sources": [numbered("instance", HOSTS), numbered("host", EACH)],
            },
            "resources": {"db": {"room": {"limit": 1, "default": 1}}},
        },
        **{
            f"bistro_job->j{i}": {
                "owner": "x",
                "command": ["a"],
                "level_for_tasks": "instance",
            }
            for i in range(JOBS)
        },
    }


@pytest.fixture
async def large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    async with opened(tmp_path, config(), monkeypatch) as scene:
        yield scene


async def test_all_of_very_many_nodes_are_told(large: Scene) -> None:
    names = await large.data("sorted_node_names")
    assert [len(names[level]) for level in ("instance", "host", "db")] == [
        1,
        HOSTS,
        HOSTS * EACH,
    ]
    assert names["db"][:2] == ["here__1__1", "here__1__2"]
    found = (await large.data("nodes"))["results"]
    assert list(found["db"]) == names["db"]
    assert found["db"]["here__10__1500"] == {
        "resources": {"room": {"default": 1, "limit": 1}}
    }


async def test_others_have_their_turns_while_they_are_told(
    large: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However quick the machine is: each turn is over as soon as it is looked at.
    monkeypatch.setattr("bistro_tui.engine.api.turns.TURN_SEC", 0.0)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.ensure_future(others())
    await large.ask(a={"handler": "nodes"}, b={"handler": "jobs"})
    other.cancel()
    assert turns >= 100


async def test_jobs_are_written_out_anew_only_when_they_are_others(
    large: Scene,
) -> None:
    desk = large.desk
    before = await large.data("jobs")
    texts = dict(desk.job_texts)
    assert len(texts) == JOBS
    edited = config()
    del edited["bistro_job->j0"]
    edited["bistro_job->j1"]["owner"] = "y"
    desk.world.path.write_text(json.dumps(edited))
    desk.world.request_reload()
    async with asyncio.timeout(25):
        while desk.world.version == 1:
            await asyncio.sleep(0.01)
    after = await large.data("jobs")
    assert after.keys() == before.keys() - {"j0"}
    assert after["j1"]["owner"] == "y"
    assert after["j1"]["version_id"] != before["j1"]["version_id"]
    assert after["j2"] == before["j2"]
    assert desk.job_texts.keys() == after.keys()
    kept = [name for name, found in desk.job_texts.items() if found is texts[name]]
    assert len(kept) == JOBS - 2


async def test_what_is_json_already_is_taken_as_it_is_however_deep_it_lies() -> None:
    value = {"a": [Encoded('{"b":1}')] * 100, "c": Encoded("[]"), "d": "[]"}
    text = await encode(value)
    assert json.loads(text) == {"a": [{"b": 1}] * 100, "c": [], "d": "[]"}
