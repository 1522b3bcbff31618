"""All pages of the main screen, in the order of their keys; loaded when first visited.

The first picture waits for the modules of one page, not of eight.
"""

import importlib
from typing import NamedTuple

from textual.binding import Binding, BindingType

from bistro_tui.engine.view import Snapshot
from bistro_tui.present.workers import has_remote
from bistro_tui.screens.page import Page


class PageKind(NamedTuple):
    """What is known of a page before it is loaded."""

    key: str
    """Its KEY."""
    name: str
    """Its NAME."""
    module: str
    """Of this package; in it is the class ``NamePage``."""

    def load(self) -> type[Page]:
        """Return its class."""
        module = importlib.import_module(f"bistro_tui.screens.{self.module}")
        found: type[Page] = getattr(module, f"{self.module.capitalize()}Page")
        return found


PAGES = (
    PageKind("1", "Overview", "overview"),
    PageKind("2", "Jobs", "jobs"),
    PageKind("3", "Nodes", "nodes"),
    PageKind("4", "Resources", "resources"),
    PageKind("5", "Tasks", "tasks"),
    PageKind("6", "Logs", "logs"),
    PageKind("7", "Timeline", "timeline"),
    PageKind("8", "Events", "events"),
)

WORKERS = PageKind("0", "Workers", "workers")
"""The page that is there only where tasks run on workers elsewhere."""


def offered_pages(snapshot: Snapshot, current: str) -> list[tuple[str, str]]:
    """Return key and name of the pages to choose from; ``current`` is in sight."""
    pages = [(page.key, page.name) for page in PAGES]
    if has_remote(snapshot) or WORKERS.key == current:
        pages.append((WORKERS.key, WORKERS.name))
    return pages


def page_bindings() -> list[BindingType]:
    """Return a key for each page."""
    return [
        Binding(
            page.key,
            f"page('{page.key}')",
            page.name.lower(),
            show=False,
            id=f"go.{page.name.lower()}",
            tooltip=f"The page {page.name}",
        )
        for page in PAGES
    ]
