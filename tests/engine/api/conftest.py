"""An open engine for tests of the interface; nothing of it depends on time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bistro_tui.engine.desk import Desk
from tests.engine.api.scene import CONFIG, Scene, opened


@pytest.fixture
async def scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    """The run of ``CONFIG``, with all that ends at once ended."""
    async with opened(tmp_path, CONFIG, monkeypatch) as scene:
        await scene.settle()
        yield scene


@pytest.fixture
def desk(scene: Scene) -> Desk:
    """What the handlers see of that run."""
    return scene.desk
