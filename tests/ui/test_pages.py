"""The pages are what is said of them before they are loaded."""

import subprocess
import sys

import pytest

from bistro_tui.screens.pages import PAGES, WORKERS, PageKind


@pytest.mark.parametrize("kind", [*PAGES, WORKERS], ids=lambda kind: kind.name)
def test_a_page_has_the_key_and_the_name_it_is_called_by(kind: PageKind) -> None:
    page = kind.load()
    assert (kind.key, kind.name) == (page.KEY, page.NAME)


def test_the_first_picture_loads_one_page() -> None:
    code = (
        "import sys, bistro_tui.app, bistro_tui.screens.overview; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    others = {f"bistro_tui.screens.{kind.module}" for kind in (*PAGES[1:], WORKERS)}
    assert loaded & others == set()
