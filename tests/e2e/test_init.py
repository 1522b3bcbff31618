"""What ``init`` writes, run by the installed program to its end."""

from pathlib import Path

import pytest

from tests.e2e.program import Place

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["bistro.json", "bistro.toml", "bistro.yaml"])
def test_what_init_writes_runs_to_its_end(place: Place, name: str) -> None:
    made = place.run("init", name)
    assert made.code == 0, made.err
    assert "--no-ui --exit-when-done" in made.err
    run = place.batch(Path(name))
    assert run.code == 0, run.err
    assert (run.json["done"], run.json["failed"], run.json["blocked"]) == (7, 0, 0)
