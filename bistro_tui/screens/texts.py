"""The texts of overlays, made anew each time from what is true then."""

from collections.abc import Callable, Sequence

from bistro_tui.engine.view import (
    EndedRow,
    EngineView,
    JobName,
    JobRow,
    NodeName,
    RunningRow,
    Snapshot,
    TaskId,
)
from bistro_tui.present import docs, why
from bistro_tui.present.nodes import subtree
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.workers import worker_problems
from bistro_tui.screens.stage import Text


class Texts:
    """Makes texts for overlays; each method returns what asks for the newest."""

    def __init__(
        self,
        view: EngineView,
        snapshot: Callable[[], Snapshot],
        scene: Callable[[], Scene],
        settings_problems: Sequence[str] = (),
    ) -> None:
        """``settings_problems``: sentences about the settings of the screen, raw."""
        self._view = view
        self._snapshot = snapshot
        self._scene = scene
        self._settings_problems = settings_problems

    def _job(self, name: JobName) -> JobRow | None:
        return next((job for job in self._snapshot().jobs if job.name == name), None)

    def why_task(self, task: TaskId) -> Text:
        """Return the chain of checks of a task; of a running one also its process."""

        async def text() -> list[Line]:
            answer = await self._view.explain(task)
            rows = why.task_rows(answer, self._snapshot(), self._scene())
            return [row.line for row in rows]

        return text

    def job(self, name: JobName) -> Text:
        """Return all that is known of a job."""

        async def text() -> list[Line]:
            job = self._job(name)
            return (
                _gone("this job") if job is None else docs.job_facts(job, self._scene())
            )

        return text

    def node(self, name: NodeName) -> Text:
        """Return all that is known of a node, and who holds its resources."""

        async def text() -> list[Line]:
            shown = self._snapshot()
            row = next((row for row in shown.nodes if row.name == name), None)
            if row is None:
                return _gone("this node")
            names = subtree(shown.nodes, name)
            running = [one for one in shown.running if one.task.node in names]
            return docs.node_facts(row, running, self._scene())

        return text

    def attempt(self, last: RunningRow | EndedRow) -> Text:
        """Return all that is known of an attempt; its result once it has ended."""

        async def text() -> list[Line]:
            if isinstance(last, EndedRow):
                return docs.ended_facts(last, self._scene())
            for row in self._snapshot().running:
                if row.invocation == last.invocation and row.task == last.task:
                    return docs.running_facts(row, self._scene())
            for ended in self._snapshot().ended:
                if ended.task == last.task:
                    return docs.ended_facts(ended, self._scene())
            return _gone("this task")

        return text

    def problems(self) -> Text:
        """Return all banners, job errors and workers that are not well, in full."""

        async def text() -> list[Line]:
            shown = self._snapshot()
            return docs.problems(
                shown.banners,
                shown.jobs,
                self._settings_problems,
                workers=worker_problems(shown, self._scene().now),
            )

        return text


def _gone(what: str) -> list[Line]:
    return [(Span(f"{what} is gone", "dim"),)]
