"""What keys do to the items under the cursor or marked, the same on every page."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from textual.dom import DOMNode

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import JobName, JobRow, Snapshot, TaskId
from bistro_tui.present.things import JobThing, TaskThing, Thing
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.switches import Switches
from bistro_tui.screens.work import begin


class Acts:
    """Asks the engine for changes, and says what came of it."""

    def __init__(self, stage: Stage, node: DOMNode) -> None:
        """``node`` runs the requests."""
        self._stage = stage
        self._node = node
        self._switches = Switches()

    def look(self, snapshot: Snapshot) -> None:
        """Take note of what a new snapshot shows."""
        self._switches.look(snapshot)

    def toggle(self, things: Sequence[Thing]) -> None:
        """Enable disabled jobs, disable enabled ones."""
        job = self._job_of(things)
        if job is None:
            self._stage.say("e enables and disables a job: put the cursor on one", True)
            return
        wanted = self._switches.turn(job)
        begin(self._node, partial(self._switch, job.name, wanted), name="control")

    async def _switch(self, job: JobName, wanted: bool) -> None:
        is_refused = True
        try:
            answer = await self._stage.control.set_job_enabled(job, wanted)
            is_refused = False
        except ControlRefused as refused:
            self._stage.say(str(refused), True)
        else:
            self._stage.say(answer)
        finally:
            # Also when it was given up: what was asked would be waited for for ever.
            shown = self._stage.snapshot
            self._switches.answered(job, shown, is_refused=is_refused)

    def stop(self, things: Sequence[Thing]) -> None:
        """Stop running tasks."""
        task = next((t.task for t in things if isinstance(t, TaskThing)), None)
        if task is None:
            self._stage.say("x stops a running task: put the cursor on one", True)
        elif not self._runs(task):
            self._stage.say(f"{task} does not run now", True)
        else:
            self._ask(lambda: self._stage.control.kill_task(task))

    def forgive(self, things: Sequence[Thing]) -> None:
        """Let failed tasks run again."""
        job = self._job_of(things)
        if job is None:
            self._stage.say("F forgives failures: put the cursor on a job", True)
            return
        name = job.name
        self._ask(lambda: self._stage.control.forgive((name,)))

    def _job_of(self, things: Sequence[Thing]) -> JobRow | None:
        for thing in things:
            name = None
            if isinstance(thing, JobThing):
                name = thing.name
            elif isinstance(thing, TaskThing):
                name = thing.task.job
            for row in self._stage.snapshot.jobs:
                if row.name == name:
                    return row
        return None

    def _runs(self, task: TaskId) -> bool:
        return any(row.task == task for row in self._stage.snapshot.running)

    def _ask(self, request: Callable[[], Awaitable[str]]) -> None:
        begin(self._node, partial(self._answer, request), name="control")

    async def _answer(self, request: Callable[[], Awaitable[str]]) -> None:
        try:
            answer = await request()
        except ControlRefused as refused:
            self._stage.say(str(refused), True)
        else:
            self._stage.say(answer)
