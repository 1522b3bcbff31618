"""The pages that were visited: which one is in sight, and how all were left."""

from collections.abc import Iterator, Sequence

from bistro_tui.engine.view import Snapshot
from bistro_tui.present.left_off import PageLeft, ScreenLeft
from bistro_tui.screens.page import Page
from bistro_tui.screens.pages import PageKind
from bistro_tui.screens.stage import Stage


class Visited:
    """Makes each page when it is first visited, and keeps it."""

    def __init__(self, stage: Stage, kinds: Sequence[PageKind]) -> None:
        """The page of the first kind is in sight; all of them stand on ``stage``."""
        self._stage = stage
        self._kinds = {kind.key: kind for kind in kinds}
        self._pages: dict[str, Page] = {}
        self._was_left: dict[str, PageLeft] = {}
        """How pages were left that have not been visited since."""
        self._begin_on = kinds[0].key
        self.last_key = ""
        """The page before this one."""
        self.page = self._of(self._begin_on)
        """The page in sight."""

    def __iter__(self) -> Iterator[Page]:
        return iter(self._pages.values())

    def has(self, key: str) -> bool:
        """Return whether there is a page of that key."""
        return key in self._kinds

    def turn_to(self, key: str) -> Page | None:
        """Have the page of that key in sight; return the one that was, if another."""
        page, before = self._of(key), self.page
        if page is before:
            return None
        self.last_key, self.page = before.KEY, page
        return before

    def _of(self, key: str) -> Page:
        page = self._pages.get(key)
        if page is None:
            page = self._pages[key] = self._kinds[key].load()(self._stage)
        return page

    # Leaving and coming back, also in another process.

    def left(self) -> ScreenLeft:
        """Return how all pages are left."""
        visited = {key: page.left() for key, page in self._pages.items()}
        return ScreenLeft(page=self.page.KEY, pages=self._was_left | visited)

    def come_back(self, left: ScreenLeft) -> None:
        """Take note of how all pages were left, in place of visiting them."""
        self._begin_on = left.page if left.page in self._kinds else self._begin_on
        self._was_left = dict(left.pages)

    @property
    def begin_on(self) -> str:
        """The key of the page that was in sight; empty if none was left."""
        return self._begin_on if self._was_left else ""

    def restore(self, page: Page, snapshot: Snapshot) -> None:
        """Have a page that was just mounted be as it was left; do so once."""
        was = self._was_left.pop(page.KEY, None)
        if was is not None:
            page.take(snapshot)
            page.come_back(was)
