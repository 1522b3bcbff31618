"""The screen as its person wants it, on a real terminal."""

import pytest

from tests.e2e.conftest import Open
from tests.e2e.program import DONE, Place, config_of

pytestmark = pytest.mark.slow

MOUSE_ON = b"\x1b[?1000h"


def settings(place: Place, text: str) -> None:
    folder = place.path / "config" / "bistro-tui"
    folder.mkdir(parents=True)
    (folder / "ui.toml").write_text(text)


def test_a_settings_file_with_a_mistake_is_told_and_the_rest_of_it_counts(
    place: Place, terminal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place.path / "config"))
    settings(place, 'ascii = true\nmouse = 3\n[keys]\n"app.help" = "f1"\n')
    place.write_config(config_of(("échelle", {"command": DONE})))
    screen = terminal("config.json", "--no-mouse")
    # All of it was told before; the toast says that there is something.
    screen.wait_for(lambda text: "f1 help" in text and "ui.toml" in text)
    screen.wait_for("?chelle")
    assert b"ui.toml:2: mouse has to be true or false" in screen.raw
    drawn = screen.raw[screen.raw.index(b"\x1b[?1049h") :]
    assert drawn.isascii()
    assert MOUSE_ON not in drawn
    screen.press("q")
    assert screen.wait_for_end() == 0
