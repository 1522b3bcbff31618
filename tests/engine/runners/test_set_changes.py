"""Who hears that there are other workers than before, and when."""

import asyncio
from typing import Any

import pytest

from bistro_tui.engine.remote.messages import BeatSoon
from bistro_tui.engine.runners import set_changes
from bistro_tui.engine.runners.set_changes import SetChanges


class Told:
    def __init__(self) -> None:
        self.news: list[Any] = []
        self.heard = asyncio.Event()

    def tell(self, news: Any) -> None:
        self.news.append(news)
        self.heard.set()


async def test_all_workers_hear_once_of_changes_that_come_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(set_changes, "TOGETHER_SEC", 0.01)
    version, links = [7], [Told(), Told()]
    found: Any = links
    changes = SetChanges(lambda: version[0], found)
    changes.look()
    for version[0] in (8, 9):
        changes.look()
    async with asyncio.timeout(25):
        await links[1].heard.wait()
    assert [link.news for link in links] == [[BeatSoon()], [BeatSoon()]]
    changes.look()
    version[0] = 10
    changes.look()
    changes.close()
    await asyncio.sleep(0.02)
    assert [len(link.news) for link in links] == [1, 1]


async def test_after_the_close_no_other_set_is_told_of_however_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(set_changes, "TOGETHER_SEC", 0.0)
    version, links = [7], [Told()]
    found: Any = links
    changes = SetChanges(lambda: version[0], found)
    changes.close()
    version[0] = 8
    changes.look()
    await asyncio.sleep(0.02)
    assert links[0].news == []
