"""Config loaders that only say how to get the text."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.config.load import LoadedConfig
from bistro_tui.engine.config.loader import LoaderContext
from bistro_tui.engine.config.text_loader import TextChanges, TextLoader
from bistro_tui.engine.errors import ConfigUnusable, ControlRefused


def text(owner: str) -> str:
    return f"""{{
      "bistro_settings": {{
        "nodes": {{"levels": ["l"], "node_sources": [{{"source": "empty"}}]}},
        "resources": {{}}
      }},
      "bistro_job->a": {{"owner": "{owner}"}}
    }}"""


class Shelf(TextLoader):
    """The text is what somebody put there; None: nothing is."""

    def __init__(self, *, poll_ms: int = 60_000) -> None:
        super().__init__(
            LoaderContext(
                config="shelf:1",
                poll_ms=poll_ms,
                clock=SystemClock(),
                rng=random.Random(0),
            )
        )
        self.text: str | None = text("first")
        self.noticed = asyncio.Event()
        self.reads = 0

    async def read(self) -> str:
        self.reads += 1
        if self.text is None:
            raise KeyError("shelf is empty")
        return self.text

    async def changed(self) -> None:
        await self.noticed.wait()
        self.noticed.clear()


class WritableShelf(Shelf):
    async def write(self, before: str, after: str) -> None:
        if self.text != before:
            raise ControlRefused("somebody else changed it")
        self.text = after


def owner(loaded: LoadedConfig) -> str | None:
    return (
        next((job.owner for job in loaded.config.jobs.values()), None)
        if (loaded.config)
        else None
    )


@asynccontextmanager
async def watched(shelf: Shelf) -> AsyncIterator[TextChanges]:
    digest = (await shelf.load()).digest
    async with asyncio.timeout(20), shelf.watch(digest=digest) as changes:
        yield changes


async def test_the_text_becomes_a_config_with_places_in_it() -> None:
    shelf = Shelf()
    assert owner(await shelf.load()) == "first"
    shelf.text = text("x").replace('"owner": "x"', '"priority": "much"')
    loaded = await shelf.load()
    assert {(p.file, p.line) for p in loaded.problems} == {("shelf:1", 6)}


async def test_a_text_that_cannot_be_had_is_an_error_that_says_why() -> None:
    shelf = Shelf()
    shelf.text = None
    with pytest.raises(ConfigUnusable) as caught:
        await shelf.load()
    assert str(caught.value) == ("shelf:1: cannot be read: KeyError: 'shelf is empty'")


async def test_a_reader_that_exits_has_failed_and_is_asked_again() -> None:
    class Leaving(Shelf):
        async def read(self) -> str:
            if self.text is None:
                raise SystemExit(5)
            return await super().read()

    shelf = Leaving(poll_ms=20)
    async with watched(shelf) as changes:
        shelf.text = None
        gone = await anext(changes)
        assert gone.trouble == "shelf:1: cannot be read: SystemExit: 5"
        shelf.text = text("first")
        assert owner(await anext(changes)) == "first"


async def test_a_noticed_change_comes_at_once() -> None:
    shelf = Shelf()
    async with watched(shelf) as changes:
        shelf.text = text("second")
        shelf.noticed.set()
        assert owner(await anext(changes)) == "second"


async def test_without_a_notice_the_text_is_read_from_time_to_time() -> None:
    shelf = Shelf(poll_ms=20)
    async with watched(shelf) as changes:
        shelf.text = text("second")
        assert owner(await anext(changes)) == "second"


async def test_a_text_that_is_gone_is_told_once_and_so_is_its_return() -> None:
    shelf = Shelf(poll_ms=20)
    async with watched(shelf) as changes:
        shelf.text = None
        gone = await anext(changes)
        assert gone.config is None
        assert "shelf is empty" in gone.trouble
        shelf.text = text("first")
        assert owner(await anext(changes)) == "first"


async def test_a_poke_gives_the_same_text_again() -> None:
    shelf = Shelf()
    async with watched(shelf) as changes:
        changes.poke()
        assert owner(await anext(changes)) == "first"


async def test_notices_without_a_change_are_no_news() -> None:
    shelf = Shelf()
    async with watched(shelf) as changes:
        following = asyncio.ensure_future(changes.__anext__())
        shelf.noticed.set()
        while shelf.reads < 2:
            await asyncio.sleep(0.005)
        changes.poke()
        assert owner(await following) == "first"
        assert shelf.reads <= 3


@pytest.mark.parametrize("error", [ConnectionError, SystemExit])
async def test_when_notices_fail_the_text_is_still_read_from_time_to_time(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    class Deaf(Shelf):
        async def changed(self) -> None:
            raise error("no watch")

    shelf = Deaf(poll_ms=20)
    async with watched(shelf) as changes:
        shelf.text = text("second")
        assert owner(await anext(changes)) == "second"
    problem = f"no notice of changes any more: {error.__name__}: no watch"
    assert problem in caplog.text


async def test_an_edit_is_refused_where_nothing_can_be_written() -> None:
    with pytest.raises(ControlRefused, match="change it where it comes from"):
        await Shelf().edit(lambda before: before + " ")


async def test_an_edit_is_written_whole() -> None:
    shelf = WritableShelf()
    assert await shelf.edit(lambda before: before.replace("first", "edited"))
    assert owner(await shelf.load()) == "edited"
    assert not await shelf.edit(lambda before: before)
