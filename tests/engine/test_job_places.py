"""Where jobs stand in the file as it is now."""

import os
from pathlib import Path

from bistro_tui.engine.config.job_place import NOWHERE
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.job_places import JobPlaces

ETL = JobName("etl")
TEXT = '{\n  "bistro_job->etl": {"token": "hunter22"}\n}\n'


async def test_a_place_is_that_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    path, places = tmp_path / "config.json", JobPlaces()
    path.write_text(TEXT)
    first = await places.of(path, ETL, hides_secrets=False)
    assert (first.line, "hunter22" in first.excerpt[0]) == (2, True)
    assert await places.of(path, ETL, hides_secrets=False) is first
    hidden = await places.of(path, ETL, hides_secrets=True)
    assert hidden.excerpt == ('  "bistro_job->etl": {"token": ***}',)

    other = tmp_path / "other"
    other.write_text("\n" + TEXT)
    os.replace(other, path)
    assert (await places.of(path, ETL, hides_secrets=False)).line == 3


async def test_nobody_can_tell_of_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path, places = tmp_path / "config.json", JobPlaces()
    assert await places.of(path, ETL, hides_secrets=False) == NOWHERE
    path.write_bytes(b'{"bistro_job->etl": "\xff"}')
    assert await places.of(path, ETL, hides_secrets=False) == NOWHERE
    path.write_text("{")
    assert await places.of(path, ETL, hides_secrets=False) == NOWHERE
