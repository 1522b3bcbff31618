"""What keys do to the items under the cursor or marked, the same on every page."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from textual.dom import DOMNode

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import JobName, JobRow, RunningRow, Snapshot, TaskId
from bistro_tui.present import words
from bistro_tui.present.clean import clean
from bistro_tui.present.settings import JobPriority, JobSwitch, LevelLimit
from bistro_tui.present.things import ResourceThing, TaskThing, Thing
from bistro_tui.screens.changing import Changes, refused_text
from bistro_tui.screens.clipboard import copy_lines
from bistro_tui.screens.confirm import Confirm
from bistro_tui.screens.priority import PriorityQuestion
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.targets import failed_tasks, jobs_of, named, running_of
from bistro_tui.screens.work import begin


class Acts:
    """Asks the engine for changes, and says what came of it."""

    def __init__(self, stage: Stage, node: DOMNode) -> None:
        """``node`` runs the requests."""
        self._stage = stage
        self._node = node
        self._changes = Changes(stage, node)

    def look(self, snapshot: Snapshot) -> None:
        """Take note of what a new snapshot shows."""
        self._changes.look(snapshot)

    def _is_away(self) -> bool:
        """Return whether nothing can be asked for now, and say so if that is so."""
        if self._stage.snapshot.state.word != "unreachable":
            return False
        self._say("unreachable: the scheduler does not answer", True)
        return True

    def _say(self, text: str, is_error: bool = False) -> None:
        self._stage.say(text, is_error, "act")

    # What can be undone.

    def toggle(self, things: Sequence[Thing]) -> None:
        """Disable jobs that are enabled, else enable them: all to the same side."""
        self.switch(things, None)

    def switch(self, things: Sequence[Thing], enabled: bool | None) -> None:
        """Enable or disable jobs; None: disable them if any of them is enabled."""
        if self._is_away():
            return
        switches = [JobSwitch(job=row.name) for row in self._jobs(things)]
        if not switches:
            self._say("e enables and disables a job: put the cursor on one", True)
            return
        if enabled is None:
            enabled = not any(self._changes.value(switch) for switch in switches)
        self._changes.set([(switch, enabled) for switch in switches])

    def ask_priority(self, things: Sequence[Thing]) -> None:
        """Ask for a priority, the present one given, and set it for these jobs."""
        if self._is_away():
            return
        jobs = tuple(row.name for row in self._jobs(things))
        if not jobs:
            self._say("P sets a job's priority: put the cursor on one", True)
            return
        present = self._changes.value(JobPriority(job=jobs[0]))
        question = PriorityQuestion(named(jobs), float(present or 0))
        self._node.app.push_screen(question, partial(self._set_priority, jobs))

    def _set_priority(self, jobs: Sequence[JobName], priority: float | None) -> None:
        if priority is not None:
            self._changes.set([(JobPriority(job=job), priority) for job in jobs])

    def set_priority(self, things: Sequence[Thing], priority: float) -> None:
        """Set the priority of these jobs."""
        if self._is_away():
            return
        self._set_priority([row.name for row in self._jobs(things)], priority)

    def adjust_limit(self, things: Sequence[Thing], step: int) -> None:
        """Move the limits of resources in the config file, for their whole levels."""
        if self._is_away():
            return
        limits = dict.fromkeys(
            LevelLimit(level=thing.level, resource=thing.resource)
            for thing in things
            if isinstance(thing, ResourceThing)
        )
        if not limits:
            text = "+ and - change a limit: put the cursor on a resource (screen 4)"
            self._say(text, True)
        for limit in limits:
            self._changes.move_limit(limit, step)

    def set_limit(self, limit: LevelLimit, wanted: int) -> None:
        """Set the limit of a resource in the config file."""
        if self._is_away():
            return
        if self._changes.value(limit) is None:
            self._say(f"{limit}: there is no such resource", True)
        else:
            self._changes.set([(limit, wanted)])

    def undo(self) -> None:
        """Take the newest change back."""
        if self._is_away():
            return
        self._changes.undo()

    def redo(self) -> None:
        """Do again what was undone last."""
        if self._is_away():
            return
        self._changes.redo()

    # What cannot.

    def stop(self, things: Sequence[Thing]) -> None:
        """Stop running tasks as their jobs say; of one that is pointed at, at once."""
        rows = self._running(things, "x stops a running task")
        if len(rows) == 1 and all(isinstance(thing, TaskThing) for thing in things):
            self._end(rows, at_once=False)
        elif rows:
            tasks = words.plural(len(rows), "task")
            self._confirm(f"Stop {tasks}?", rows, f"Stop {tasks}", at_once=False)

    def kill(self, things: Sequence[Thing]) -> None:
        """Kill running tasks with SIGKILL, whatever their jobs say; asks first."""
        rows = self._running(things, "X kills a running task")
        if rows:
            tasks = words.plural(len(rows), "task")
            question = f"Kill {tasks} with SIGKILL, without a chance to clean up?"
            self._confirm(question, rows, f"Kill {tasks}", at_once=True)

    def _running(self, things: Sequence[Thing], use: str) -> list[RunningRow]:
        """Return what runs of these; if nothing does, say why and return nothing."""
        if self._is_away():
            return []
        rows = running_of(self._stage.snapshot, things)
        if not things:
            self._say(f"{use}: put the cursor on one", True)
        elif not rows:
            what = named([str(thing) for thing in things])
            is_task = len(things) == 1 and isinstance(things[0], TaskThing)
            text = f"{what} does not run now" if is_task else f"nothing of {what} runs"
            self._say(text, True)
        return rows

    def _confirm(
        self, question: str, rows: Sequence[RunningRow], yes: str, *, at_once: bool
    ) -> None:
        now = self._stage.scene().now
        items = [f"{row.task}  {words.age(now - row.since)}" for row in rows]

        def answered(is_yes: bool | None) -> None:
            if is_yes:
                self._end(rows, at_once=at_once)

        self._node.app.push_screen(Confirm(question, items, yes=yes), answered)

    def _end(self, rows: Sequence[RunningRow], *, at_once: bool) -> None:
        kill = self._stage.control.kill_task
        self._ask(
            [
                # The one that was seen, not one that may have begun since.
                partial(
                    kill, row.task, invocation=row.invocation or None, at_once=at_once
                )
                for row in rows
            ],
            f"{words.plural(len(rows), 'task')} {'killed' if at_once else 'stopping'}",
        )

    def forgive(self, things: Sequence[Thing]) -> None:
        """Let failed and backing-off tasks run again: of jobs, of nodes, themselves."""
        if self._is_away():
            return
        if not things:
            text = "F forgives a job's failures: put the cursor on a job, task or node"
            self._say(text, True)
        else:
            begin(self._node, partial(self._forgive, tuple(things)), name="control")

    async def _forgive(self, things: Sequence[Thing]) -> None:
        jobs = tuple(row.name for row in jobs_of(self._stage.snapshot, things))
        tasks: Sequence[TaskId] = ()
        try:
            tasks = await failed_tasks(self._stage, things)
        except ControlRefused as refused:
            self._say(str(refused), True)
            return
        requests: list[Callable[[], Awaitable[str]]] = []
        control = self._stage.control
        if jobs:
            requests.append(partial(control.forgive, jobs))
        if tasks:
            requests.append(partial(control.forgive_tasks, tuple(tasks)))
        if not requests:
            what = named([str(thing) for thing in things])
            self._say(f"nothing on {what} failed or waits for its backoff")
        await self._answers(requests, "")

    # Beside the engine.

    def edit(self, things: Sequence[Thing]) -> None:
        """Open the editor where the job is in the config; without a job, the config."""
        jobs = self._jobs(things)
        if jobs:
            begin(self._node, partial(self._edit_job, jobs[0].name), name="editor")
        else:
            self._stage.edit(self._stage.snapshot.state.config_path, 0)

    async def _edit_job(self, job: JobName) -> None:
        try:
            facts = await self._stage.view.job_facts(job)
        except ControlRefused as refused:
            self._say(str(refused), True)
            return
        self._stage.edit(facts.file, facts.line)

    def copy_names(self, things: Sequence[Thing]) -> None:
        """Copy the names of these, one a line."""
        if not things:
            self._say("y copies a name: put the cursor on something", True)
        else:
            names = [str(thing) for thing in things]
            begin(self._node, partial(self._copy, names), name="copy")

    def copy_commands(self, things: Sequence[Thing]) -> None:
        """Copy the commands of these jobs, one a line."""
        jobs = [row.name for row in self._jobs(things)]
        if not jobs:
            self._say("Y copies a job's command: put the cursor on one", True)
        else:
            begin(self._node, partial(self._copy_commands, jobs), name="copy")

    async def _copy_commands(self, jobs: Sequence[JobName]) -> None:
        found: list[str] = []
        try:
            for job in jobs:
                facts = await self._stage.view.job_facts(job)
                found += [text for label, text in facts.facts if label == "command"]
        except ControlRefused as refused:
            self._say(str(refused), True)
            return
        if found:
            await self._copy(found)
        else:
            self._say(f"{named(jobs)} names no command of its own", True)

    async def _copy(self, texts: Sequence[str]) -> None:
        await copy_lines(self._stage, self._node.app, [clean(text) for text in texts])

    # Requests.

    def _jobs(self, things: Sequence[Thing]) -> list[JobRow]:
        return jobs_of(self._stage.snapshot, things, of_tasks=True)

    def _ask(
        self, requests: Sequence[Callable[[], Awaitable[str]]], together: str
    ) -> None:
        begin(self._node, partial(self._answers, requests, together), name="control")

    async def _answers(
        self, requests: Sequence[Callable[[], Awaitable[str]]], together: str
    ) -> None:
        """Ask one after the other; say what came of all in one go."""
        told: list[str] = []
        refusals: list[str] = []
        for request in requests:
            try:
                told.append(await request())
            except ControlRefused as refused:
                refusals.append(str(refused))
        if told:
            is_many = together and len(told) == len(requests) > 1
            self._say(together if is_many else " · ".join(told))
        if refusals:
            self._say(refused_text(refusals), True)
