"""Requests and their whole answers, as files: what a client program may rely on.

``GOLDEN=write pytest tests/engine/api/test_golden.py`` writes the answers anew.
"""

import json
import os
from pathlib import Path

import pytest

from bistro_tui.engine.api.registry import HANDLERS
from bistro_tui.engine.config.model import Json
from tests.engine.api.scene import Scene

DIRECTORY = Path(__file__).parent / "golden"
FILES = sorted(DIRECTORY.glob("*.json"))

MEASURED = frozenset(
    {"loop_lag_p99_ms", "uptime_seconds", "starts_per_second", "store_latency_p99_ms"}
)
"""Figures of this machine: that they are there is all that can be said of them."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_the_answer_is_the_one_that_is_kept(path: Path, scene: Scene) -> None:
    pairs = json.loads(path.read_text())
    answers = [await answer(scene, pair["request"]) for pair in pairs]
    if os.environ.get("GOLDEN") == "write":
        for pair, found in zip(pairs, answers, strict=True):
            pair["answer"] = found
        path.write_text(json.dumps(pairs, indent=2) + "\n")
    assert answers == [pair["answer"] for pair in pairs]


def test_there_are_pairs_for_every_handler_and_they_ask_it() -> None:
    assert {path.stem for path in FILES} == HANDLERS.keys() | {"envelope"}
    for path in FILES:
        requests = [pair["request"] for pair in json.loads(path.read_text())]
        asked = {
            one.get("handler")
            for request in requests
            for one in request.values()
            if isinstance(one, dict)
        }
        assert path.stem in asked | {"envelope"}, path


async def answer(scene: Scene, request: Json) -> Json:
    """Return the answer without what is of this machine alone."""
    found = await scene.post(json.dumps(request).encode())
    return _neutral(found, str(scene.desk.world.path.parent))


def _neutral(value: Json, directory: str) -> Json:
    if isinstance(value, str):
        return value.replace(directory, "/srv")
    if isinstance(value, list):
        return [_neutral(one, directory) for one in value]
    if isinstance(value, dict):
        return {
            key: "measured" if key in MEASURED else _neutral(one, directory)
            for key, one in value.items()
        }
    return value
