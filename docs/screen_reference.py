"""Writes docs/screen.md: the page of the screen, with the keys as they are bound.

    .venv/bin/python docs/screen_reference.py

The text is screen.in.md; ``{{keys}}`` in it becomes tables of every binding. A test
demands that the page is what this makes.
"""

from itertools import groupby
from pathlib import Path

import bistro_tui.attached_app  # noqa: F401 - all bindings are loaded with it
from bistro_tui.widgets.keymap import Action, actions, written

HERE = Path(__file__).resolve().parent
PAGE = HERE / "screen.md"
PROSE = HERE / "screen.in.md"

MARK = "<!-- Made by screen_reference.py from screen.in.md: change that one. -->\n\n"

KINDS = {
    "go": "Pages and panes",
    "cursor": "Move in lists",
    "mark": "Mark",
    "sort": "Sort",
    "find": "Find, and go back",
    "act": "Act on the marks, or on the row under the cursor",
    "app": "Everywhere",
    "log": "In a log",
    "node": "In the node tree",
    "nodes": "On the page of nodes",
    "grid": "In the heat map of nodes",
    "cell": "In the grid of a job's nodes",
    "segment": "On the bar of a job's tasks",
    "limit": "In the tree of resources",
    "tasks": "On the page of tasks",
    "time": "On the timeline",
    "timeline": "On the timeline",
    "events": "On the page of events",
    "why": "In an answer to why",
    "choice": "In a text with lines to choose",
    "text": "In a text",
    "overlay": "Over the screen",
    "filter": "While a filter is typed",
    "command": "While a command is typed",
    "priority": "While a priority is typed",
    "confirm": "When asked whether",
    "quit": "When asked before quitting",
}
"""What stands over the keys of a kind: the word before the dot of an id."""


def page() -> str:
    """Return the text of the page."""
    return MARK + PROSE.read_text(encoding="utf-8").replace("{{keys}}\n", _tables())


def _tables() -> str:
    order = list(KINDS)
    found = sorted(
        actions().values(),
        key=lambda one: (
            order.index(_kind(one)) if _kind(one) in KINDS else 99,
            one.id,
        ),
    )
    parts = []
    for kind, group in groupby(found, key=_kind):
        rows = [
            f"| {' '.join(map(_key, one.keys))} | {one.words} | `{one.id}` |\n"
            for one in group
        ]
        title = KINDS.get(kind, f"Others: {kind}")
        parts.append(f"### {title}\n\n| Keys | | Id |\n|---|---|---|\n{''.join(rows)}")
    return "\n".join(parts)


def _kind(action: Action) -> str:
    return action.id.partition(".")[0]


def _key(key: str) -> str:
    # A bar would end the cell, a backquote the code.
    return {"|": "`\\|`", "`": "`` ` ``"}.get(written(key), f"`{written(key)}`")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
