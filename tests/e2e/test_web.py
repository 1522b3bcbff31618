"""``bistro-tui web``: the screen in a real browser, beside a real scheduler."""

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.e2e.browser import Page, browsing, program
from tests.e2e.program import Place, config_of, shell
from tests.e2e.test_screen import until
from tests.faults.needs import need

pytestmark = pytest.mark.slow

HELD = shell('echo "$1 holds"; while [ ! -e go ]; do sleep 0.05; done')


@contextmanager
def running(place: Place, config: Path) -> Iterator["subprocess.Popen[str]"]:
    with place.start(
        config, "--no-ui", "--data-dir", place.data, stderr=subprocess.DEVNULL
    ) as scheduler:
        try:
            until((place.data / "run" / "api.sock").exists)
            yield scheduler
        finally:
            scheduler.send_signal(signal.SIGTERM)
            scheduler.wait(60)


@asynccontextmanager
async def page_of(place: Place, *flags: object) -> AsyncIterator[tuple[Page, str]]:
    """Serve pages of the scheduler in ``place``; give a browser and the link."""
    with place.start("web", "--data-dir", place.data, "--port", "0", *flags) as web:
        try:
            assert web.stdout is not None
            link = await asyncio.to_thread(web.stdout.readline)
            async with browsing(place.path / "browser") as page:
                yield page, link.strip()
        finally:
            web.send_signal(signal.SIGINT)
            assert web.wait(60) == 0


async def shown(page: Page, *words: str) -> str:
    """Return what the page shows as soon as all these words are in it."""
    async with asyncio.timeout(60):
        while not all(word in page.screen for word in words):
            await page.listen()
    return page.screen


async def comes(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.05)


async def test_a_browser_shows_and_steers_what_the_terminal_does(place: Place) -> None:
    need(program() is not None, "Chromium")
    config = place.write_config(config_of(("alpha", {"command": HELD})))

    def is_enabled() -> bool:
        job = json.loads(config.read_text())["bistro_job->alpha"]
        return bool(job.get("enabled", True))

    with running(place, config) as scheduler:
        async with page_of(place) as (page, link):
            await page.open(link)
            await shown(page, "concurrency 3/3", "alpha", "holds")
            assert await page.value("location.href") == link.partition("?")[0]
            hosts = {url.split("/")[2] for url in page.requested if "//" in url}
            assert hosts == {link.split("/")[2]}, "something was loaded from elsewhere"
            await page.press("e")
            await comes(lambda: not is_enabled())
            await shown(page, "disabled")
            await page.press("q")
            async with asyncio.timeout(60):
                while "-closed" not in await page.value("document.body.className"):
                    await page.listen()
        assert scheduler.poll() is None


def test_a_scheduler_that_is_not_there_is_exit_5(place: Place) -> None:
    done = place.run("web", "--data-dir", place.path / "none", "--port", "0")
    assert done.code == 5
    assert "no scheduler runs" in done.err
