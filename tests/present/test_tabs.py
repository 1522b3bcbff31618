"""The line of schedulers."""

import pytest

from bistro_tui.present.spans import plain_text
from bistro_tui.present.tabs import tab_line

NAMES = ("all", "night", "day", "gpu-box")


def test_the_present_one_is_lifted() -> None:
    line = tab_line(NAMES, 1, 80)
    assert [span.text for span in line if span.style == "chip"] == [" night "]
    assert plain_text(line).split() == ["all", "night", "day", "gpu-box"]


@pytest.mark.parametrize("width", range(8, 60))
@pytest.mark.parametrize("current", range(len(NAMES)))
def test_the_present_one_is_in_sight_however_narrow(current: int, width: int) -> None:
    text = plain_text(tab_line(NAMES, current, width))
    if width > len(NAMES[current]) + 4:
        assert NAMES[current] in text[:width]
