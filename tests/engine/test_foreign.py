"""What foreign code may raise, and what asyncio must not make of it."""

import asyncio
from typing import Any

import pytest

from bistro_tui.engine.foreign import TaskExited, contain_exits, is_failure


@pytest.fixture(autouse=True)
async def contained() -> None:
    contain_exits()


@pytest.mark.parametrize(
    ("error", "is_its_own"),
    [
        (ValueError(), True),
        (SystemExit(5), True),
        (BaseException(), True),
        (asyncio.CancelledError(), True),
        (KeyboardInterrupt(), False),
        (GeneratorExit(), False),
    ],
)
async def test_all_but_interrupts_is_a_failure(
    error: BaseException, is_its_own: bool
) -> None:
    assert is_failure(error) is is_its_own
    assert await asyncio.to_thread(is_failure, error) is is_its_own


async def test_a_cancellation_that_was_asked_for_is_no_failure() -> None:
    seen: list[bool] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            seen.append(is_failure(error))
            raise

    waiting = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert seen == [False]


async def test_an_exit_in_a_task_ends_that_task_alone() -> None:
    async def leave() -> None:
        await asyncio.sleep(0)
        raise SystemExit("over")

    async def leave_when_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise SystemExit(3) from None

    leaving = asyncio.ensure_future(leave())
    cancelled = asyncio.ensure_future(leave_when_cancelled())
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([leaving, cancelled])
    for task, text in ((leaving, "SystemExit: over"), (cancelled, "SystemExit: 3")):
        error = task.exception()
        assert isinstance(error, TaskExited)
        assert str(error) == text


async def test_tasks_are_otherwise_as_always() -> None:
    async def number() -> int:
        await asyncio.sleep(0)
        return 7

    async with asyncio.TaskGroup() as group:
        task = group.create_task(number(), name="seven")
    assert (task.result(), task.get_name()) == (7, "seven")
    assert "number" in repr(task)


async def test_a_task_that_is_cancelled_before_its_begin_leaves_nothing() -> None:
    async def never() -> None:
        raise AssertionError

    task = asyncio.ensure_future(never())
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_task_factory_that_is_there_already_stays() -> None:
    def own(
        loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> "asyncio.Task[Any]":
        return asyncio.Task(coroutine, loop=loop, **options)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(own)
    contain_exits()
    assert loop.get_task_factory() is own
