"""The page about plug-ins shows the package that the tests install and run."""

import re

from bistro_tui.engine import plugins
from bistro_tui.engine.installed import BUILT_IN, Group
from tests.plugin_page import PAGE, REPOSITORY, shown_files

PACKAGE = REPOSITORY / "tests" / "plugin_package"
CONFIG = {"conf.d/main.json", "hosts.txt"}


def test_the_page_shows_every_file_of_the_package_whole() -> None:
    package = {
        str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8")
        for path in (*PACKAGE.glob("*.toml"), *PACKAGE.glob("bistro_example/*.py"))
    }
    shown = shown_files()
    assert {name: shown[name] for name in shown.keys() - CONFIG} == package


def test_no_example_is_without_the_name_of_its_file() -> None:
    blocks = re.findall(r"```(?:python|toml|json|text)\n", PAGE)
    assert len(blocks) == len(shown_files())


def test_every_name_that_the_package_imports_is_public() -> None:
    for path in PACKAGE.glob("bistro_example/*.py"):
        for module in re.findall(r"from (bistro_tui\S*) import", path.read_text()):
            assert module == plugins.__name__


def test_the_page_names_every_group_and_every_built_in_part() -> None:
    for group in Group:
        (row,) = [line for line in PAGE.splitlines() if f"| `{group.value}`" in line]
        assert re.findall(r"`(\w+)`", row.split("|")[-2]) == list(BUILT_IN[group])
