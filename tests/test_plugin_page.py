"""The page about plug-ins shows the package that the tests install and run."""

import re
from pathlib import Path

import pytest

from bistro_tui.engine import plugins
from bistro_tui.engine.installed import BUILT_IN, Group

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = (REPOSITORY / "docs" / "plugins.md").read_text()
PACKAGE = REPOSITORY / "tests" / "plugin_package"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    ("language", "number", "files"),
    [("python", 5, "bistro_example/*.py"), ("toml", 1, "pyproject.toml")],
)
def test_every_example_is_a_part_of_the_package(
    language: str, number: int, files: str
) -> None:
    texts = [path.read_text() for path in PACKAGE.glob(files)]
    shown = blocks(language)
    assert len(shown) == number
    for block in shown:
        assert any(block in text for text in texts), block


def test_every_name_that_the_package_imports_is_public() -> None:
    for path in PACKAGE.glob("bistro_example/*.py"):
        for module in re.findall(r"from (bistro_tui\S*) import", path.read_text()):
            assert module == plugins.__name__


def test_the_page_names_every_group_and_every_built_in_part() -> None:
    for group in Group:
        (row,) = [line for line in PAGE.splitlines() if f"| `{group.value}`" in line]
        assert re.findall(r"`(\w+)`", row.split("|")[-2]) == list(BUILT_IN[group])
