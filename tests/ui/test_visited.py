"""Pages that are made when visited, and how they are left."""

from dataclasses import dataclass, field
from typing import cast

from bistro_tui.engine.view import Snapshot
from bistro_tui.present.left_off import PageLeft, ScreenLeft
from bistro_tui.screens.pages import PageKind
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.visited import Visited

NOW = cast("Snapshot", object())


@dataclass
class Plain:
    """A page with nothing on it."""

    KEY: str
    heard: list[object] = field(default_factory=list)

    def left(self) -> PageLeft:
        return PageLeft(pane=int(self.KEY))

    def take(self, snapshot: Snapshot) -> None:
        self.heard.append(snapshot)

    def come_back(self, was: PageLeft) -> None:
        self.heard.append(was)


@dataclass
class Kind:
    """A kind of page, and those of it that were made."""

    key: str
    made: list[Plain] = field(default_factory=list)

    def load(self) -> "Kind":
        return self

    def __call__(self, stage: Stage) -> Plain:
        self.made.append(Plain(self.key))
        return self.made[-1]


class Book:
    """Three kinds of pages, of which the first is in sight."""

    def __init__(self) -> None:
        self.kinds = [Kind("1"), Kind("2"), Kind("3")]
        kinds = [cast("PageKind", kind) for kind in self.kinds]
        self.visited = Visited(cast("Stage", object()), kinds)

    @property
    def made(self) -> list[int]:
        return [len(kind.made) for kind in self.kinds]


def test_a_page_is_made_when_it_is_visited_and_kept() -> None:
    book = Book()
    assert (book.visited.page.KEY, book.made) == ("1", [1, 0, 0])
    first = book.visited.page
    assert book.visited.turn_to("3") is first
    assert (book.visited.page.KEY, book.visited.last_key) == ("3", "1")
    book.visited.turn_to("1")
    assert book.visited.page is first
    assert book.made == [1, 0, 1]
    assert [page.KEY for page in book.visited] == ["1", "3"]


def test_who_stays_on_a_page_has_the_same_page_before_it() -> None:
    book = Book()
    book.visited.turn_to("2")
    assert book.visited.turn_to("2") is None
    assert book.visited.last_key == "1"


def test_what_is_left_is_how_each_page_stands_or_stood() -> None:
    book = Book()
    assert book.visited.begin_on == ""
    was = {key: PageLeft(pane=10 + int(key)) for key in ("1", "2")}
    book.visited.come_back(ScreenLeft(page="2", pages=was))
    assert book.visited.begin_on == "2"
    book.visited.turn_to("3")
    # The first one was visited and is as it is; the second was not.
    assert book.visited.left() == ScreenLeft(
        page="3",
        pages={"1": PageLeft(pane=1), "2": was["2"], "3": PageLeft(pane=3)},
    )


def test_a_page_comes_back_once_and_with_something_to_show() -> None:
    book = Book()
    was = PageLeft(pane=7)
    book.visited.come_back(ScreenLeft(page="gone", pages={"2": was}))
    assert book.visited.begin_on == "1"
    book.visited.turn_to("2")
    for _ in range(2):
        book.visited.restore(book.visited.page, NOW)
    assert book.kinds[1].made[0].heard == [NOW, was]
