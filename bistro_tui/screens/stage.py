"""What pages and acts may use of the main screen that they stand on."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from bistro_tui.engine.view import EngineControl, EngineView, Snapshot
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.spans import Line, Scene
from bistro_tui.present.things import Thing

Text: TypeAlias = Callable[[], Awaitable[list[Line]]]
"""Makes the newest lines of an overlay."""


class Stage(Protocol):
    """The main screen, as its pages see it."""

    @property
    def view(self) -> EngineView:
        """Where all that is shown comes from."""
        ...

    @property
    def control(self) -> EngineControl:
        """Where changes are asked for."""
        ...

    @property
    def snapshot(self) -> Snapshot:
        """What is shown now; stays the same while the screen is frozen."""
        ...

    @property
    def node_index(self) -> NodeIndex:
        """Where each node of the snapshot stands: subtrees at no cost."""
        ...

    @property
    def is_frozen(self) -> bool:
        """Whether a person wants nothing to move."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether the scheduler's files are files of this machine."""
        ...

    @property
    def is_read_only(self) -> bool:
        """Whether this screen only looks: no change is made from here."""
        ...

    def scene(self) -> Scene:
        """Return what drawing depends on beside the rows: the moment, colours."""
        ...

    def say(self, text: str, is_error: bool = False, about: str = "") -> None:
        """Show a sentence for some seconds; foreign text in it is made safe.

        It takes the place of an earlier one ``about`` the same.
        """
        ...

    def open_text(self, title: str, text: Text, *, opened_by: str) -> None:
        """Show an overlay; ``title`` is safe, ``opened_by`` is the key that closes."""
        ...

    def go(self, key: str, thing: Thing | None = None) -> None:
        """Show the page of that key, with the cursor on that item if it has it."""
        ...

    def edit(self, path: str, line: int) -> None:
        """Open the editor at that line of a file; 0: nowhere in particular."""
        ...

    async def lend_terminal(self, command: Sequence[str]) -> str:
        """Let a program have the terminal until it ends, while the engine goes on.

        Returns what went wrong, raw; empty: nothing.
        """
        ...
