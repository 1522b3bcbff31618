"""Several schedulers by their labels, and whom of them a question is about."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar

from bistro_tui.client.merging import inner_node
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import (
    EngineControl,
    EngineView,
    JobName,
    NodeName,
    TaskId,
)

T = TypeVar("T")


class Members:
    """The schedulers that are shown as one."""

    def __init__(
        self, views: Mapping[str, EngineView], controls: Mapping[str, EngineControl]
    ) -> None:
        """Both are by label, in the order in which they are shown."""
        self.all = dict(views)
        self.controls = dict(controls)

    def of_task(self, task: TaskId) -> tuple[str, EngineView, TaskId]:
        """Return whose task that is, by label, and what it is called there."""
        label, one, node = self.of_node(task.node)
        return label, one, TaskId(task.job, node)

    def of_node(self, name: NodeName) -> tuple[str, EngineView, NodeName]:
        """Return whose node that is, by label, and what it is called there."""
        label, node = inner_node(name)
        one = self.all.get(label)
        if one is None:
            raise ControlRefused(f"{name} is a node of no scheduler that is shown")
        return label, one, node

    def with_job(self, job: JobName) -> dict[str, EngineView]:
        """Return those that have a job of that name; ControlRefused if none does."""
        found = {
            label: one
            for label, one in self.all.items()
            if any(row.name == job for row in one.snapshot().jobs)
        }
        if not found:
            raise ControlRefused(f"no scheduler that is shown has a job {job}")
        return found

    async def each(
        self,
        some: Mapping[str, EngineView],
        ask: Callable[[str, EngineView], Awaitable[T]],
    ) -> dict[str, T]:
        """Return the answers of those that answer; ControlRefused if none does."""
        answers = await asyncio.gather(
            *(ask(label, one) for label, one in some.items()), return_exceptions=True
        )
        good: dict[str, T] = {}
        refusals: list[str] = []
        for label, answer in zip(some, answers, strict=True):
            if isinstance(answer, ControlRefused):
                refusals.append(f"{label}: {answer}")
            elif isinstance(answer, BaseException):
                raise answer
            else:
                good[label] = answer
        if not good and refusals:
            raise ControlRefused("\n".join(refusals))
        return good

    async def change(
        self,
        labels: Collection[str],
        ask: Callable[[str, EngineControl], Awaitable[str]],
    ) -> str:
        """Return what all said, refusals too; ControlRefused if all refuse."""
        answers = await asyncio.gather(
            *(ask(label, self.controls[label]) for label in labels),
            return_exceptions=True,
        )
        told: list[str] = []
        refusals = 0
        for label, answer in zip(labels, answers, strict=True):
            if isinstance(answer, BaseException) and not isinstance(
                answer, ControlRefused
            ):
                raise answer
            refusals += isinstance(answer, ControlRefused)
            told.append(f"{label}: {answer}")
        if refusals == len(told):
            raise ControlRefused("\n".join(told))
        return told[0] if len(told) == 1 else "\n".join(told)
