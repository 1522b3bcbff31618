"""Why something is where it is, and on to who is in its way."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key, Resize
from textual.screen import ModalScreen

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import Claims, Explanation
from bistro_tui.present import why, why_worker
from bistro_tui.present.clean import clean, clean_lines
from bistro_tui.present.lacking import resource_in
from bistro_tui.present.nodes import subtree
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.things import (
    JobThing,
    NodeThing,
    ResourceThing,
    TaskThing,
    Thing,
    WorkerThing,
)
from bistro_tui.screens.acts import Acts
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.targets import waiting_on
from bistro_tui.screens.work import begin
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.cells import cut, line_cells, padded
from bistro_tui.widgets.choice_view import ChoiceView

_FRAME_ROWS = 5
_LOW = 30
"""Below this height the checks that passed are one line."""
_TASKS, _LOGS = "5", "6"


class WhyScreen(ModalScreen[None], inherit_bindings=False):
    """Answers about one thing; Enter asks on, Escape goes one answer back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "go there", show=False, id="why.open",
                tooltip="Ask on, or go to the task"),
        Binding("l", "log", "log", show=False, id="why.log",
                tooltip="Show the log of the task"),
        Binding("x", "stop", "stop", show=False, id="why.stop",
                tooltip="Stop the running task"),
        Binding("X", "kill", "kill", show=False, id="why.kill",
                tooltip="Kill the running task at once; asks first"),
        Binding("escape", "back", "back", id="why.back",
                tooltip="Back to the answer before, or close"),
        # A modal screen hides the app's own bindings, and q means the same everywhere.
        Binding("q", "app.quit_asked", "quit", id="why.quit", show=False,
                tooltip="Quit; asks first while tasks run"),
    ]  # fmt: skip

    def __init__(self, stage: Stage, acts: Acts, thing: Thing) -> None:
        super().__init__()
        self._stage = stage
        self._acts = acts
        self._asked: list[why.Subject] = [thing]
        """What was asked, the newest last."""
        self._open: why.Subject | None = None
        """What is being answered."""
        self._height = 0
        self._view = ChoiceView(id="why-rows")
        self._title = Bar(self._title_lines, id="why-title")
        self._keys = Bar(self._key_lines, id="why-keys")
        self._frame = Vertical(self._title, self._view, self._keys, id="why")

    def compose(self) -> ComposeResult:
        """Title, answer, keys in a frame."""
        yield self._frame

    def on_mount(self) -> None:
        """Take the keyboard, and keep the answer true while it is open."""
        self.set_focus(self._view)
        self._ask()
        self.set_interval(1.0, self._ask_again, name="why")

    def _ask_again(self) -> None:
        if not self._stage.is_frozen:
            self._ask()

    def _ask(self) -> None:
        # A slow answer is waited for: asked anew each second, none would ever come.
        if self._open is not self._asked[-1]:
            self._open = self._asked[-1]
            begin(self, partial(self._refill, self._asked[-1]), name="why")

    async def _refill(self, subject: why.Subject) -> None:
        try:
            rows = await self._answer(subject)
        except ControlRefused as refused:
            told = clean_lines(str(refused))
            rows = why.plain_rows([(Span(text, "error"),) for text in told])
        finally:
            if self._open is subject:
                self._open = None
        # It may have been closed, or asked something else, meanwhile.
        if self._view.is_attached and subject is self._asked[-1]:
            self._view.show(rows)
            self._fit()

    async def _answer(self, subject: why.Subject) -> list[why.Row]:
        view, shown, scene = self._stage.view, self._stage.snapshot, self._stage.scene()
        match subject:
            case TaskThing():
                answer = await view.explain(subject.task)
                claims = await self._claims_of(answer)
                is_low = self.app.size.height < _LOW
                now = self._stage.snapshot
                return why.task_rows(answer, now, scene, claims, is_low=is_low)
            case why.Passed():
                return why.passed_rows(await view.explain(subject.task))
            case JobThing():
                job = next(
                    (row for row in shown.jobs if row.name == subject.name), None
                )
                if job is None:
                    return _gone("this job")
                tasks = await view.tasks_of(subject.name, limit=why.LOOKED_AT)
                return why.job_rows(job, tasks, self._stage.snapshot, scene)
            case why.Alike():
                tasks = await view.tasks_of(subject.job, limit=why.LOOKED_AT)
                return why.alike_rows(subject, tasks)
            case ResourceThing():
                claims = await view.claims(subject.node, subject.resource)
                return why.resource_rows(claims, self._stage.snapshot, scene)
            case WorkerThing():
                return self._of_worker(subject)
            case NodeThing():
                return await self._of_node(subject)

    def _of_worker(self, subject: WorkerThing) -> list[why.Row]:
        shown, scene = self._stage.snapshot, self._stage.scene()
        for row in shown.workers:
            if row.shard == subject.shard:
                return why_worker.worker_rows(row, shown, scene)
        return _gone("this worker")

    async def _of_node(self, subject: NodeThing) -> list[why.Row]:
        shown, scene = self._stage.snapshot, self._stage.scene()
        node = next((row for row in shown.nodes if row.name == subject.name), None)
        if node is None:
            return _gone("this node")
        names = subtree(shown.nodes, subject.name)
        running = [row for row in shown.running if row.task.node in names]
        waiting = await waiting_on(self._stage.view, names)
        return why.node_rows(node, running, scene, waiting)

    async def _claims_of(self, answer: Explanation) -> Claims | None:
        lacks = resource_in(answer, self._stage.snapshot)
        if lacks is None:
            return None
        try:
            return await self._stage.view.claims(lacks.node, lacks.resource)
        except ControlRefused:
            # An older scheduler: its holders are known all the same.
            return None

    # Drawing.

    def on_resize(self, event: Resize) -> None:
        """Fit into the new size."""
        self._fit()

    @on(ChoiceView.Wrapped)
    def _wrapped(self) -> None:
        self._fit()

    def _fit(self) -> None:
        rows = self._view.line_count
        height = min(rows + _FRAME_ROWS, max(3, self.app.size.height - 2))
        if height != self._height:
            # Each assignment lays the screen out anew.
            self._height = height
            self._frame.styles.height = height

    def _title_lines(self, width: int) -> list[Line]:
        trail = " › ".join(clean(str(subject)) for subject in self._asked[-3:])
        lead = "… › " if len(self._asked) > 3 else ""
        closes = "goes back" if len(self._asked) > 1 else "closes"
        hint = Span(f" Escape {closes} ", "dim")
        room = width - line_cells((hint,))
        title = padded((Span(f" Why · {lead}{trail}", "brand"),), room)
        return [(*title, hint), (Span("─" * width, "rule"),)]

    def _key_lines(self, width: int) -> list[Line]:
        row = self._view.current
        if row is None:
            return [()]
        keys = [("Enter", "why" if row.opens is not None else "go to it")]
        if row.runs is not None:
            keys += [("l", "log"), ("x", "stop"), ("X", "kill")]
        line: Line = ()
        for key, word in keys:
            line = (*line, Span(f" {key}", "key"), Span(f" {word} ", "dim"))
        return [cut(line, width)]

    # Keys.

    def on_key(self, event: Key) -> None:
        """Let the key that opened it close it too."""
        if event.key == "w":
            event.stop()
            self.dismiss(None)

    @on(ChoiceView.Moved)
    def _moved(self) -> None:
        self._keys.sync()

    @on(ChoiceView.Opened)
    def _opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Ask about the line under the cursor, or go to its task."""
        row = self._view.current
        if row is not None and row.opens is not None:
            self._asked.append(row.opens)
            self._turn_page()
        elif row is not None and row.runs is not None:
            self.dismiss(None)
            self._stage.go(_TASKS, row.runs)

    def action_back(self) -> None:
        """Go back to the answer before, or close."""
        if len(self._asked) > 1:
            self._asked.pop()
            self._turn_page()
        else:
            self.dismiss(None)

    def _turn_page(self) -> None:
        self._view.begin()
        self._title.sync()
        self._ask()

    def _pointed_at(self) -> tuple[TaskThing, ...]:
        """Return the attempt that keys act on: of the line, else what was asked."""
        row = self._view.current
        if row is not None and row.runs is not None:
            return (row.runs,)
        subject = self._asked[-1]
        return (subject,) if isinstance(subject, TaskThing) else ()

    def action_log(self) -> None:
        """Show the log of the task."""
        for task in self._pointed_at():
            self.dismiss(None)
            self._stage.go(_LOGS, task)

    def action_stop(self) -> None:
        """Stop the running task."""
        self._acts.stop(self._pointed_at())

    def action_kill(self) -> None:
        """Kill the running task."""
        self._acts.kill(self._pointed_at())


def _gone(what: str) -> list[why.Row]:
    return why.plain_rows([(Span(f"{what} is gone", "dim"),)])
