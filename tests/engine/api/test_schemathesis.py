"""The real program against everything that its description allows, and more."""

from collections.abc import Iterator

import pytest

from bistro_tui.engine.config.model import Json
from tests.engine.api.fuzzing import endpoints, fuzz
from tests.engine.api.program import Served, served
from tests.faults.seeds import SCALE, chosen_seed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600 * SCALE),
    # Of libraries that make the cases, not of the program.
    pytest.mark.filterwarnings("ignore"),
]
CASES = 8 * SCALE
"""At each endpoint and each handler."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served")) as program:
        yield program


@pytest.mark.parametrize(
    ("path", "description"),
    [pytest.param(path, found, id=name) for name, path, found in endpoints()],
)
def test_no_request_is_answered_by_what_the_description_does_not_have(
    program: Served, path: str, description: dict[str, Json]
) -> None:
    number = chosen_seed()
    print(f"FAULT_SEED={number}")
    taken = fuzz(program, path, description, cases=CASES, number=number)
    assert taken
    assert program.process.poll() is None
    # In two pieces, or it might be made the name of a job.
    assert "Traceback (most" + " recent call last)" not in program.log.read_text()
