"""Questions of other threads to a loop, which may end at any moment."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeVar

from bistro_tui.engine.errors import ControlRefused

T = TypeVar("T")


class Crossing:
    """Each question is answered, or hears that the loop has ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ended: str) -> None:
        """``ended`` is what is said to whoever comes too late."""
        self._loop = loop
        self._ended = ended
        self._lock = threading.Lock()
        self._is_open = True
        self._waiting: dict[Future[Any], Coroutine[Any, Any, Any]] = {}
        """Questions that the loop has not begun with."""
        self._begun: dict[Future[Any], asyncio.Task[None]] = {}

    async def ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Return what ``question`` returns on the other loop, or raise what it raises.

        Raises ControlRefused when that loop has ended, or ends meanwhile.
        """
        answer = Future[T]()
        with self._lock:
            if not self._is_open:
                question.close()
                raise ControlRefused(self._ended)
            self._waiting[answer] = question
            # As long as this is open the loop is: see ``close``.
            self._loop.call_soon_threadsafe(self._begin, answer)
        answer.add_done_callback(self._let_go)
        return await asyncio.wrap_future(answer)

    def close(self) -> None:
        """Answer nothing more; to be called on the loop, before it ends."""
        with self._lock:
            self._is_open = False
            left = {**self._waiting, **self._begun}
            for question in self._waiting.values():
                question.close()
            self._waiting.clear()
        for answer in left:
            with contextlib.suppress(InvalidStateError):
                answer.set_exception(ControlRefused(self._ended))

    def _begin(self, answer: "Future[Any]") -> None:
        with self._lock:
            question = self._waiting.pop(answer, None)
            if question is None:
                return
            task = self._loop.create_task(self._answer(question, answer))
            # One that is cancelled before its first step closes nothing itself.
            task.add_done_callback(lambda _: question.close())
            self._begun[answer] = task

    async def _answer(
        self, question: Coroutine[Any, Any, T], answer: "Future[T]"
    ) -> None:
        # Whoever asked may have gone: then nobody wants to know.
        with contextlib.suppress(InvalidStateError):
            try:
                found = await question
            except asyncio.CancelledError:
                answer.set_exception(ControlRefused(self._ended))
            except Exception as error:  # noqa: BLE001 - for whoever asked
                answer.set_exception(error)
            else:
                answer.set_result(found)

    def _let_go(self, answer: "Future[Any]") -> None:
        """Stop what is asked for no more; on any thread."""
        with self._lock:
            question = self._waiting.pop(answer, None)
            task = self._begun.pop(answer, None)
            if question is not None:
                question.close()
            if task is not None and self._is_open and answer.cancelled():
                self._loop.call_soon_threadsafe(task.cancel)
