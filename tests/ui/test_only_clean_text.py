"""Where text becomes something that Textual draws: a few places, which clean it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bistro_tui

ROOT = Path(bistro_tui.__file__).parent
DRAWING = [
    ROOT / "app.py", ROOT / "attached_app.py", ROOT / "dressed.py",
    *sorted((ROOT / "screens").glob("*.py")), *sorted((ROOT / "widgets").glob("*.py")),
]  # fmt: skip

PLACES = {
    "notify": {"app.py"},
    "Segment": {"ascii_only.py", "cells.py"},
    "Content": {"palette.py"},
    "Hit": {"palette.py"},
    "DiscoveryHit": {"palette.py"},
    "Input": {"priority.py"},
    "copy_to_clipboard": {"clipboard.py"},
}
"""What puts text on the screen as it is, and the modules that may call it.

All other text is drawn by ``widgets.cells.to_strip`` from spans.
"""

NOWHERE = {
    "Static", "Label", "Markdown", "MarkdownViewer", "RichLog", "Log", "Button",
    "Option", "OptionList", "ListItem", "DataTable", "Pretty", "Digits", "Checkbox",
    "RadioButton", "TextArea", "from_markup", "from_rich_text", "render_str", "markup",
}  # fmt: skip
"""What takes markup, or what nobody has looked at for foreign text."""

TITLES = {"border_title", "border_subtitle", "sub_title", "tooltip", "placeholder"}
"""Attributes that Textual takes for markup."""


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def wrong(tree: ast.AST, module: str) -> Iterator[str]:
    """Yield each place where text may reach a widget uncleaned."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _name(node.func)
            if name in NOWHERE or module not in PLACES.get(name, {module}):
                yield f"{module}:{node.lineno}: {name}(…)"
            for keyword in node.keywords:
                is_constant = isinstance(keyword.value, ast.Constant | ast.JoinedStr)
                # Of keys: nothing there is foreign.
                is_ours = is_constant or name in ("Binding", "replace")
                if keyword.arg in TITLES and not is_ours:
                    yield f"{module}:{node.lineno}: {keyword.arg}= of {name}"
                if keyword.arg == "markup" and not (
                    isinstance(keyword.value, ast.Constant)
                    and keyword.value.value is False
                ):
                    yield f"{module}:{node.lineno}: markup is not False"
            if name == "notify" and "markup" not in {k.arg for k in node.keywords}:
                yield f"{module}:{node.lineno}: notify without markup=False"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if (
                    isinstance(target, ast.Attribute)
                    and target.attr in TITLES
                    and not isinstance(node.value, ast.Constant)
                ):
                    yield f"{module}:{node.lineno}: {target.attr} = …"


@pytest.mark.parametrize("path", DRAWING, ids=lambda path: path.name)
def test_text_reaches_the_screen_only_where_it_is_made_safe(path: Path) -> None:
    assert list(wrong(ast.parse(path.read_text()), path.name)) == []


@pytest.mark.parametrize(
    "code",
    [
        "self.notify(name)",
        "Static(f'[b]{name}')",
        "self.border_title = row.name",
        "Content.from_markup(name)",
        "Segment(name)",
        "Widget(markup=True)",
        "Input(placeholder=name)",
    ],
)
def test_the_check_finds_what_it_looks_for(code: str) -> None:
    assert list(wrong(ast.parse(code), "some.py"))
