"""Every screen in every size and theme, as files: what a person would see.

``GOLDEN=write pytest tests/ui/test_snapshots.py`` writes them anew (with ``-m slow``
too for the pictures by day). Look at what has changed before you keep it.
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.night import CONFIG
from tests.ui.shots import (
    DAYLIGHT,
    PICTURED,
    SCROLLBAR_ENDS,
    SHOTS,
    SIZES,
    Pictures,
    taken,
)

DIRECTORY = Path(__file__).parent / "snapshots"
BY_NIGHT = ("overview", "job", "resources", "why-task")
BY_DAY = ("overview", "job", "failures")
"""Screens whose colours are kept too: a picture is as big as fifty grids."""

# The first test of a size pays for the whole walk, on a busy machine too.
pytestmark = pytest.mark.timeout(240)

SIZE_NAMES = [f"{width}x{height}" for width, height in SIZES]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Stand beside the config, in the zone of the frozen clock."""
    directory = tmp_path_factory.mktemp("night")
    (directory / "nightly.json").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        patch.setenv("TZ", "UTC")
        patch.delenv("NO_COLOR", raising=False)
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="module", params=SIZES, ids=SIZE_NAMES)
def by_night(
    request: pytest.FixtureRequest, place: None
) -> tuple[tuple[int, int], Pictures]:
    size: tuple[int, int] = request.param
    return size, taken(size, pictured=BY_NIGHT if size == PICTURED else ())


@pytest.fixture(scope="module", params=SIZES, ids=SIZE_NAMES)
def by_day(
    request: pytest.FixtureRequest, place: None
) -> tuple[tuple[int, int], Pictures]:
    size: tuple[int, int] = request.param
    return size, taken(size, DAYLIGHT, pictured=BY_DAY if size == PICTURED else ())


@pytest.mark.parametrize("name", SHOTS)
def test_the_screen_is_the_one_that_is_kept(
    by_night: tuple[tuple[int, int], Pictures], name: str
) -> None:
    size, pictures = by_night
    rows = pictures[name].rows
    assert len(rows) == size[1]
    _compare(_grid_file(name, size), "\n".join(rows) + "\n")
    if size == PICTURED and name in BY_NIGHT:
        _compare(DIRECTORY / f"{name}.svg", pictures[name].svg)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOTS)
def test_by_day_it_differs_in_nothing_but_its_colours(
    by_day: tuple[tuple[int, int], Pictures], name: str
) -> None:
    size, pictures = by_day
    kept = _grid_file(name, size).read_text(encoding="utf-8")
    assert "\n".join(pictures[name].rows) + "\n" == kept
    if size == PICTURED and name in BY_DAY:
        _compare(DIRECTORY / f"{name}.day.svg", pictures[name].svg)


def test_nothing_is_kept_that_is_not_shown() -> None:
    sizes = [f"{name}.{size}.txt" for name in SHOTS for size in SIZE_NAMES]
    pictures = [*(f"{n}.svg" for n in BY_NIGHT), *(f"{n}.day.svg" for n in BY_DAY)]
    assert {path.name for path in DIRECTORY.iterdir()} == {*sizes, *pictures}


def _grid_file(name: str, size: tuple[int, int]) -> Path:
    return DIRECTORY / f"{name}.{size[0]}x{size[1]}.txt"


def _compare(path: Path, found: str) -> None:
    if os.environ.get("GOLDEN") == "write":
        DIRECTORY.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    if path.suffix == ".svg":
        # Where a scrollbar ends inside a cell depends on when it was drawn.
        found, kept = _spans(found), _spans(kept)
    assert found == kept


def _spans(svg: str) -> str:
    """Return what is written where in a picture, and in which style."""
    drawn = re.findall(r"<text [^>]*>[^<]*</text>", svg)
    return "\n".join(
        re.sub(r' clip-path="[^"]*"', "", one)
        for one in drawn
        if not any(end in one for end in SCROLLBAR_ENDS)
    )
