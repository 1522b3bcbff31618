"""Following one scheduler over a connection that may break: a thread of its own.

It reads the scheduler's events and asks its questions; whoever uses it may live on any
other thread.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable

from bistro_tui.client.address import Address
from bistro_tui.client.connection import Connection, opened
from bistro_tui.client.errors import NoAnswer, NoAnswerInTime, Refused
from bistro_tui.client.event_stream import ServerEvent
from bistro_tui.client.picture import Picture
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.crossing import Crossing
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import Snapshot
from bistro_tui.engine.wire.values import NotUnderstood

FIRST_WAIT_SEC = 0.2
LONGEST_WAIT_SEC = 5.0
"""Between two attempts to reach a scheduler; doubled with each that fails."""

LONGEST_WAIT_HERE_SEC = 1.0
"""On this host it costs next to nothing to look."""

COMING_SEC = 10.0
"""For so long a scheduler that is just starting is waited for at first."""


class Follower:
    """Follows one scheduler; it is shown as it last was while it does not answer."""

    def __init__(
        self, address: Address, *, is_coming: Callable[[], bool] = lambda: False
    ) -> None:
        """Make it; ``start`` connects.

        Where nobody answers at first, ``is_coming`` tells whether somebody soon might.
        """
        self._address = address
        self._is_coming = is_coming
        self._picture = Picture()
        self._shown: Snapshot | None = None
        self._subscribers: tuple[Callable[[], None], ...] = ()
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._failure: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._following: asyncio.Task[None] | None = None
        self._crossing: Crossing | None = None
        self._connection: Connection | None = None
        self._thread = threading.Thread(
            target=self._run, name="bistro client", daemon=True
        )

    # Life.

    def start(self) -> None:
        """Connect, and return with the first picture. Raises NoAnswer or Refused."""
        self._thread.start()
        self._settled.wait()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Disconnect; the scheduler goes on."""
        if self._loop is not None and self._following is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._following.cancel)
        if self._thread.is_alive():
            self._thread.join()

    # From any thread.

    def snapshot(self) -> Snapshot:
        """Return the newest snapshot; cheap."""
        assert self._shown is not None, "start() comes first"
        return self._shown

    def subscribe(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Have ``notify`` called on the client's thread after each new snapshot."""
        with self._lock:
            self._subscribers = (*self._subscribers, notify)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(s for s in self._subscribers if s != notify)

        return unsubscribe

    async def ask(self, handler: str, **values: Json) -> Json:
        """Return what that handler answers. Raises ControlRefused."""
        if self._crossing is None:
            raise ControlRefused("not connected")
        return await self._crossing.ask(self._put(handler, values))

    def tell(self, handler: str) -> None:
        """Put a question whose answer nobody waits for."""
        if self._loop is not None:
            question = self._put_quietly(handler)
            try:
                asyncio.run_coroutine_threadsafe(question, self._loop)
            except RuntimeError:
                question.close()

    # On the client's own loop.

    async def _put_quietly(self, handler: str) -> None:
        with contextlib.suppress(ControlRefused):
            await self._put(handler, {})

    async def _put(self, handler: str, values: dict[str, Json]) -> Json:
        if self._connection is None or self._picture.has_stopped:
            raise ControlRefused(self._why_not())
        try:
            return await self._connection.ask(handler, **values)
        except NoAnswer as error:
            if self._picture.has_stopped:
                raise ControlRefused(self._why_not()) from None
            raise ControlRefused(str(error)) from None
        except Refused as error:
            raise ControlRefused(str(error)) from None

    def _why_not(self) -> str:
        if self._picture.has_stopped:
            return "the engine has stopped"
        return f"no answer from {self._address}"

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except asyncio.CancelledError:
            pass
        except NotUnderstood as error:
            self._fail(Refused(f"{self._address}: {error}"))
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
            self._fail(error)
        finally:
            self._settled.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._following = asyncio.current_task()
        self._crossing = Crossing(self._loop, "not connected any more")
        with contextlib.closing(self._crossing):
            await self._follow(self._loop)

    async def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        give_up = loop.time() + COMING_SEC
        wait = FIRST_WAIT_SEC
        is_here = self._address.socket is not None
        longest = LONGEST_WAIT_HERE_SEC if is_here else LONGEST_WAIT_SEC
        while True:
            why = f"{self._address}: the connection was closed"
            try:
                async with opened(self._address) as connection:
                    self._connection = connection
                    events = connection.events(self._picture.last_id)
                    async with contextlib.aclosing(events):
                        async for together in events:
                            if self._take(together):
                                wait = FIRST_WAIT_SEC
            except (NoAnswer, Refused, NotUnderstood) as error:
                why = str(error)
                is_silent = isinstance(error, NoAnswerInTime)
                is_away = isinstance(error, NoAnswer) and not is_silent
                may_come = is_away and self._is_coming()
                if self._shown is None and not (may_come and loop.time() < give_up):
                    raise
            finally:
                self._connection = None
            self._show(self._picture.without_answer(why))
            await asyncio.sleep(wait)
            wait = min(2 * wait, longest)

    def _take(self, together: Iterable[ServerEvent]) -> bool:
        newest = None
        for event in together:
            newest = self._picture.take(event) or newest
        if newest is not None:
            self._show(newest)
        return newest is not None

    def _show(self, snapshot: Snapshot | None) -> None:
        if snapshot is None or snapshot == self._shown:
            return
        self._shown = snapshot
        self._settled.set()
        for notify in self._subscribers:
            notify()

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self._show(self._picture.without_answer(f"the connection failed: {error}"))
