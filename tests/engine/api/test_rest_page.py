"""What docs/rest.md shows of requests and answers is what there is."""

import json
import re
from pathlib import Path

import pytest

from bistro_tui.engine.api.envelope import MAX_ANSWER, MAX_DEPTH, MAX_SUBQUERIES
from bistro_tui.engine.api.reading import JOBS_LISTED
from bistro_tui.engine.api.registry import HANDLERS
from bistro_tui.engine.logs.patterns import LONGEST_REGEX
from tests.engine.api.scene import Scene
from tests.engine.api.test_golden import MEASURED, answer

PAGE = (Path(__file__).parents[3] / "docs" / "rest.md").read_text()
BLOCKS = re.findall(r"```json\n(.*?)```", PAGE[PAGE.index("\n## Requests\n") :], re.S)
PAIRS = list(zip(BLOCKS[::2], BLOCKS[1::2], strict=True))


@pytest.mark.parametrize(("request_text", "answer_text"), PAIRS)
async def test_an_example_is_answered_as_it_says(
    scene: Scene, request_text: str, answer_text: str
) -> None:
    shown = json.loads(answer_text)
    for one in shown.values():
        data = one.get("data")
        for key in MEASURED.intersection(data if isinstance(data, dict) else ()):
            data[key] = "measured"
    assert await answer(scene, json.loads(request_text)) == shown


def test_every_handler_has_a_section_with_an_example() -> None:
    sections = re.findall(r"^### (\w+)\n(.*?)(?=^##)", PAGE + "\n##", re.M | re.S)
    found = {name: text for name, text in sections if name in HANDLERS}
    assert found.keys() == HANDLERS.keys()
    for name, text in found.items():
        assert f'"handler": "{name}"' in text


def test_the_limits_are_those_of_the_code() -> None:
    page = " ".join(PAGE.split())
    assert f"{MAX_DEPTH} levels and {MAX_SUBQUERIES:,} subqueries" in page
    assert f"more than {MAX_ANSWER >> 20} MiB" in page
    assert f"at most {LONGEST_REGEX:,} characters" in page
    assert f"{JOBS_LISTED} are named" in page
