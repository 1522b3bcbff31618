"""What the code of a plug-in may raise without ending the program."""

import asyncio
from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any


class TaskExited(Exception):
    """A task wanted to end the program; the message says with what."""


def is_failure(error: BaseException) -> bool:
    """Return whether foreign code failed; False: it passes on what is meant for us.

    To exit is a failure, as a part has nothing to say about the program, and so is a
    cancellation that nobody asked the running task for.
    """
    if isinstance(error, asyncio.CancelledError):
        task = _running_task()
        return task is None or not task.cancelling()
    return not isinstance(error, (KeyboardInterrupt, GeneratorExit))


def contain_exits() -> None:
    """Have an exit inside a task of this loop, begun from now on, end that task alone.

    By default asyncio lets SystemExit out of a task end the loop and with it the
    program, whoever awaits that task. Whoever does gets TaskExited instead.
    """
    loop = asyncio.get_running_loop()
    if loop.get_task_factory() is None:
        loop.set_task_factory(_contained_task)


def _running_task() -> "asyncio.Task[Any] | None":
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None


def _contained_task(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    **options: Any,  # noqa: ANN401 - what a task is made with
) -> "asyncio.Task[Any]":
    if isinstance(coroutine, Coroutine):
        coroutine = _Contained(coroutine)
    return asyncio.Task(coroutine, loop=loop, **options)


class _Contained(Coroutine[Any, Any, Any]):
    """Does what the coroutine does, except to exit."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        # What debugging calls the task.
        self.__name__ = getattr(coroutine, "__name__", type(coroutine).__name__)
        self.__qualname__ = getattr(coroutine, "__qualname__", self.__name__)

    def send(self, value: Any) -> Any:  # noqa: ANN401 - whatever is awaited
        try:
            return self._coroutine.send(value)
        except SystemExit as error:
            raise TaskExited(_exit_text(error)) from error

    def throw(
        self,
        kind: Any,  # noqa: ANN401 - a class or an exception
        value: Any = None,  # noqa: ANN401 - the same
        trace: TracebackType | None = None,
    ) -> Any:  # noqa: ANN401 - whatever is awaited
        error = kind if value is None else value
        try:
            return self._coroutine.throw(error)
        except SystemExit as exited:
            raise TaskExited(_exit_text(exited)) from exited

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()


def _exit_text(error: SystemExit) -> str:
    return f"SystemExit: {error}"
