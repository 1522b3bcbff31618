"""Plug-ins that are really installed, on a path of their own."""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from bistro_tui.engine.installed import Group

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a distribution with one module."""
    monkeypatch.syspath_prepend(tmp_path)

    def add(
        name: str, module: str, *points: tuple[Group, str, str], version: str = "1.0"
    ) -> None:
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(
            "\n".join(f"[{group.value}]\n{key} = {at}" for group, key, at in points)
        )
        (tmp_path / f"{name.replace('-', '_')}_module.py").write_text(module)
        importlib.invalidate_caches()

    return add
