"""Lines that do not scroll, with parts that can be clicked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.events import Click
from textual.message import Message

from bistro_tui.present.pieces import Pieces, as_line
from bistro_tui.present.spans import Line
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.cells import line_cells


class PieceBar(Bar):
    """As many rows as ``make`` gives for the width."""

    @dataclass
    class Clicked(Message):
        """A person clicked a part of a bar that does something."""

        bar: "PieceBar"
        act: str

        @property
        def control(self) -> "PieceBar":
            """The bar: what handlers select by."""
            return self.bar

    def __init__(
        self,
        make: Callable[[int], Sequence[Pieces]],
        *,
        id: str,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(self._joined, id=id)
        self._make_rows = make
        self._rows: Sequence[Pieces] = ()

    def _joined(self, width: int) -> list[Line]:
        self._rows = self._make_rows(width)
        return [as_line(row) for row in self._rows]

    def on_click(self, event: Click) -> None:
        """Tell which part was clicked."""
        if not 0 <= event.y < len(self._rows):
            return
        right = 0
        for one in self._rows[event.y]:
            right += line_cells(one.line)
            if event.x < right:
                if one.act:
                    self.post_message(self.Clicked(self, one.act))
                return
