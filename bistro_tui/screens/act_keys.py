"""The keys that act on what is under the cursor or marked, on every page alike."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from bistro_tui.present.things import Thing
from bistro_tui.screens.acts import Acts
from bistro_tui.screens.editing import edit_file
from bistro_tui.screens.page import Page
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.texts import Texts
from bistro_tui.screens.why import WhyScreen
from bistro_tui.screens.work import begin


class ActKeys(Screen[None], inherit_bindings=False):
    """A screen with a page in sight, whose items keys act on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "switch", "on/off", id="act.toggle",
                tooltip="Enable or disable the job"),
        Binding("w", "why", "why", id="act.why",
                tooltip="Why it runs, waits or failed"),
        Binding("l", "log", "log", id="act.log",
                tooltip="Show and follow its log"),
        Binding("x", "stop", "stop", id="act.stop",
                tooltip="Stop the running task"),
        Binding("F", "forgive", "forgive", id="act.forgive",
                tooltip="Forgive the job's failures: try again"),
        Binding("enter,d", "details", "details", id="act.details",
                tooltip="Show all details"),
        Binding("X", "kill", "kill", show=False, id="act.kill",
                tooltip="Kill the running task at once; asks first"),
        Binding("P", "priority", "priority", show=False, id="act.priority",
                tooltip="Set the job's priority"),
        Binding("plus", "limit(1)", "limit +1", show=False, id="act.raise_limit",
                tooltip="Raise the limit of the resource"),
        Binding("minus", "limit(-1)", "limit -1", show=False, id="act.lower_limit",
                tooltip="Lower the limit of the resource"),
        Binding("u", "undo", "undo", show=False, id="act.undo",
                tooltip="Undo: on/off, priority, limit"),
        Binding("U", "redo", "redo", show=False, id="act.redo",
                tooltip="Do again what was undone"),
        Binding("E", "edit", "edit", show=False, id="act.edit",
                tooltip="Edit the config in $EDITOR, at the job's line"),
        Binding("y", "copy_names", "copy", show=False, id="act.copy",
                tooltip="Copy its name"),
        Binding("Y", "copy_commands", "copy command", show=False,
                id="act.copy_command", tooltip="Copy the job's command"),
    ]  # fmt: skip

    acts: Acts
    texts: Texts

    @property
    def page(self) -> Page:
        """The page in sight."""
        raise NotImplementedError

    @property
    def standing(self) -> Stage:
        """This screen, as pages see it."""
        raise NotImplementedError

    @property
    def things(self) -> tuple[Thing, ...]:
        """What keys act on: the marked items, else that under the cursor."""
        return self.page.things()

    def action_switch(self) -> None:
        """Enable or disable."""
        self.acts.toggle(self.things)

    def action_stop(self) -> None:
        """Stop running tasks."""
        self.acts.stop(self.things)

    def action_kill(self) -> None:
        """Kill running tasks."""
        self.acts.kill(self.things)

    def action_forgive(self) -> None:
        """Let failed tasks run again."""
        self.acts.forgive(self.things)

    def action_priority(self) -> None:
        """Set a priority."""
        self.acts.ask_priority(self.things)

    def action_limit(self, step: int) -> None:
        """Move a limit."""
        self.acts.adjust_limit(self.things, step)

    def action_undo(self) -> None:
        """Take the newest change back."""
        self.acts.undo()

    def action_redo(self) -> None:
        """Do again what was undone last."""
        self.acts.redo()

    def action_copy_names(self) -> None:
        """Copy names."""
        self.acts.copy_names(self.things)

    def action_copy_commands(self) -> None:
        """Copy commands."""
        self.acts.copy_commands(self.things)

    def action_edit(self) -> None:
        """Open the editor at the page's own place, else at the job's."""
        place = self.page.place()
        if place is None:
            self.acts.edit(self.things)
        else:
            self.edit(*place)

    def edit(self, path: str, line: int) -> None:
        """Open the editor at that line of a file; 0: nowhere in particular."""
        begin(self, partial(edit_file, self.standing, Path(path), line), name="editor")

    def action_log(self) -> None:
        """Show the log of what is under the cursor."""
        self.page.show_log(self.things)

    def action_details(self) -> None:
        """Show all that is known of what is under the cursor."""
        self.page.open_details(self.things)

    def action_why(self) -> None:
        """Say why something is where it is."""
        self.show_why(self.things)

    def show_why(self, things: Sequence[Thing]) -> None:
        """Say why the first of these is where it is."""
        if things:
            self.app.push_screen(WhyScreen(self.standing, self.acts, things[0]))
        else:
            text = "w tells why: put the cursor on a job, a task, a node or a resource"
            self.standing.say(text, True)

    def action_problems(self) -> None:
        """Show all banners and job errors in full."""
        text = self.texts.problems()
        self.standing.open_text("Problems", text, opened_by="exclamation_mark")
