"""The terminal UI: one app that shows the engine and passes on what people ask for."""

import asyncio
import contextlib
import io
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from rich.console import Console, RenderableType
from textual import constants, on
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.events import Event, InputEvent, Paste
from textual.message import Message
from textual.types import CSSPathType
from textual.worker import Worker, WorkerFailed

from bistro_tui import left_off
from bistro_tui.doored import Doored
from bistro_tui.doors import Door
from bistro_tui.dressed import Dressed
from bistro_tui.engine.clock import Clock, SystemClock
from bistro_tui.engine.view import EngineControl, EngineView, Snapshot
from bistro_tui.hangup import let_go_of_terminal, terminal_is_gone
from bistro_tui.lending import Lending
from bistro_tui.own_terminal import OwnTerminal
from bistro_tui.present.arrangement import TOO_SMALL
from bistro_tui.present.clean import clean_lines
from bistro_tui.present.ui_settings import DEFAULTS, UiSettings
from bistro_tui.present.words import plural
from bistro_tui.screens.help_overlay import HelpOverlay
from bistro_tui.screens.main import MainScreen
from bistro_tui.screens.palette import Actions, Names
from bistro_tui.screens.quit import QuitAnswer, QuitQuestion
from bistro_tui.terminal import (
    TerminalDriver,
    until_enter,
)
from bistro_tui.ui_outcome import UiEnd
from bistro_tui.widgets.keys import KeyHelp, live_keys
from bistro_tui.widgets.toasts import Toasts

_FRESH_SECONDS = 0.2
_UNFOCUSED_SECONDS = 1.0
_PASTED_CHARS = 4096
_USEFUL_SECONDS = 5.0


class BistroApp(Doored, Dressed, inherit_bindings=False):
    """Shows one engine."""

    comes_back: ClassVar[bool] = False
    """Whether it begins as the last screen of the same scheduler was left."""

    CSS_PATH: ClassVar[CSSPathType | None] = "bistro.tcss"
    TITLE = "bistro-tui"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        Actions,
        Names,
    }
    # Of the screens that lie over the main one; that one arranges itself.
    HORIZONTAL_BREAKPOINTS = [(0, "-too-narrow"), (TOO_SMALL[0], "-wide-enough")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-too-low"), (TOO_SMALL[1], "-high-enough")]  # noqa: RUF012 - as Textual has it

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", id="app.help",
                tooltip="This help: every key in words"),
        Binding("q", "quit_asked", "quit", id="app.quit",
                tooltip="Quit; asks first while tasks run"),
        Binding("ctrl+p", "command_palette", "palette", show=False, priority=True,
                id="app.palette", tooltip="Command palette: actions by name"),
        Binding("z", "freeze", "freeze", show=False, id="app.freeze",
                tooltip="Freeze the screen, or let it go on"),
        Binding("ctrl+z", "leave_screen", "shell", show=False, id="app.leave",
                tooltip="Leave the screen; the engine goes on"),
        Binding("ctrl+c", "no_quit", "", show=False, id="app.no_quit",
                tooltip="Only tells how to quit"),
        *Doored.BINDINGS,
        *Dressed.BINDINGS,
    ]  # fmt: skip

    class News(Message):
        """There is a newer snapshot; many of these are one."""

        def can_replace(self, message: Message) -> bool:
            """Return whether the other one says the same."""
            return isinstance(message, BistroApp.News)

    class Signalled(Message):
        """A signal came."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    class EngineFinished(Message):
        """The engine has ended."""

    def __init__(
        self,
        view: EngineView,
        control: EngineControl,
        *,
        crash_dir: Path | None,
        clock: Clock | None = None,
        is_local: bool = True,
        attach_by: str = "",
        settings: UiSettings = DEFAULTS,
    ) -> None:
        """``is_local``: the scheduler's files are files of this machine.

        ``attach_by`` is the command that shows the scheduler again when this screen
        has left it; empty where nothing could.
        """
        super().__init__(driver_class=_driver())
        self.settings = settings
        self.dress(settings)
        self.animation_level: Literal["none", "basic", "full"] = "none"
        self._toasts = Toasts(self)
        self.crash_dir = crash_dir
        self.crash: BaseException | str | None = None
        self.end: UiEnd | None = None
        self.stop_signal: int | None = None
        self.terminal: OwnTerminal | None = None
        """What it is drawn on; None where that is no terminal."""
        self.is_local = is_local
        self._attach_by = attach_by
        self.show_doors([Door(label="", view=view, control=control, is_local=is_local)])
        self.clock: Clock = clock if clock is not None else SystemClock()
        self._began = self.clock.now().mono
        self._unsubscribe: Callable[[], None] = lambda: None
        self._news_waiting = False
        self._holding = False
        self._news_held = False
        self._frozen: float | None = None
        self._quitting = False
        self._left = asyncio.Event()
        self._away = False
        self._lending = Lending()
        self._is_lent = False
        self._finished = False
        self._listening = False
        self._signals_early: list[int] = []

    # The engine's side; these two may be called from any thread, at any time.

    def engine_finished(self) -> None:
        """End the UI: there is nothing more to show. May be called from any thread."""
        self._finished = True
        self._hurry()
        if self._listening:
            self._tell(self.EngineFinished())

    def _hurry(self) -> None:
        """Let a terminal that takes nothing hold up the end for two seconds only."""
        if self.terminal is not None:
            self.terminal.hurry()

    def _notify(self) -> None:
        if not self._news_waiting:
            self._news_waiting = True
            self._tell(self.News())

    def _tell(self, message: Message) -> bool:
        try:
            return self.post_message(message)
        except RuntimeError:
            # The UI's loop closed in the meantime; nobody is left to be told.
            return False

    # Life.

    def make_main(self, door: Door) -> MainScreen:
        """Return a new main screen, as it was left if that is wanted and known."""
        main = MainScreen(
            door.view,
            door.allowed,
            snapshot=door.view.snapshot(),
            now=self.now,
            say=self.say,
            lend=self.lend_terminal,
            is_local=door.is_local,
            tabs=self.tab_lines if self.has_tabs else None,
            is_read_only=bool(door.why_read_only),
            settings_problems=self.settings_problems,
        )
        if self.comes_back:
            left = left_off.take(door.view.snapshot().state)
            if left is not None:
                main.come_back(left)
        return main

    def door_left(self) -> None:
        """Stop listening to the scheduler that is no longer shown."""
        self._unsubscribe()
        self._unsubscribe = lambda: None

    def door_opened(self, main: MainScreen) -> None:
        """Have a screen that comes into sight while all is frozen ask nothing."""
        main.freeze(self._frozen)

    def door_entered(self) -> None:
        """Listen to the scheduler that is shown now."""
        self._unsubscribe = self._view.subscribe(self._notify)
        self._take(self._view.snapshot())
        self._tick()

    def now(self) -> float:
        """Return the present moment in wall seconds."""
        return self.clock.now().wall

    def on_mount(self) -> None:
        """Begin to listen to the engine."""
        self._listening = True
        self._unsubscribe = self._view.subscribe(self._notify)
        self.set_interval(1.0, self._tick, name="ages")
        while self._signals_early:
            self._tell(self.Signalled(self._signals_early.pop(0)))
        if self._finished:
            self._tell(self.EngineFinished())
        self._tell(self.News())
        wrong = len(self.settings_problems)
        if wrong:
            self.say(f"ui.toml: {plural(wrong, 'problem')} · ! shows them", True)

    def on_unmount(self) -> None:
        """Stop listening."""
        self._unsubscribe()

    def leave(self, end: UiEnd) -> None:
        """End the UI for that reason; the first reason counts."""
        self.end = self.end or end
        self._hurry()
        self._left.set()
        # What is not saved in an editor is lost with it: it is waited for.
        if not self._is_lent or end is UiEnd.TERMINAL_GONE:
            self.exit()

    # Leaving and coming back, also in another process.

    @property
    def was_useful(self) -> bool:
        """Whether it was shown for so long that it may be shown so again."""
        return self.clock.now().mono - self._began > _USEFUL_SECONDS

    def leave_off(self) -> None:
        """Keep for the next screen how this one was left."""
        # An error that ended the UI may have left anything behind.
        with contextlib.suppress(Exception):
            for door, main in self.visited:
                left_off.leave(door.view.snapshot().state, main.left())

    # What the engine tells.

    @on(News)
    def _on_news(self) -> None:
        self._news_waiting = False
        if self._holding:
            self._news_held = True
            return
        self._take(self._view.snapshot())
        # Repainting is what costs: a few times a second is all that eyes can use.
        self._holding = True
        pause = _FRESH_SECONDS if self.app_focus else _UNFOCUSED_SECONDS
        self.set_timer(pause, self._let_go, name="fresh")

    def _let_go(self) -> None:
        self._holding = False
        if self._news_held:
            self._news_held = False
            self._on_news()

    def _take(self, snapshot: Snapshot) -> None:
        if self._is_over(snapshot):
            self.leave(UiEnd.QUIT if self._quitting else UiEnd.STOPPED)
        elif self._frozen is None and self._main is not None and self._main.ready:
            self._main.show(snapshot)

    def _is_over(self, snapshot: Snapshot) -> bool:
        """Return whether there will be nothing more to show."""
        return snapshot.state.word == "stopped"

    @on(EngineFinished)
    def _on_engine_finished(self) -> None:
        self.leave(UiEnd.QUIT if self._quitting else UiEnd.STOPPED)

    def _tick(self) -> None:
        if self.terminal is not None:
            self.terminal.log_strays()
        if terminal_is_gone() and not self.is_headless:
            self._on_terminal_gone()
        elif self._main is not None and self._main.ready:
            self._main.tick(self._frozen)

    # Signals.

    def signal_came(self, number: int) -> None:
        """Take a signal; called between any two steps of this thread."""
        if self._lending.takes(number):
            return
        if number in (signal.SIGINT, signal.SIGTERM):
            self.stop_signal = self.stop_signal or number
            # At once: the UI may be waiting for a terminal that takes nothing.
            self._stop_engine_for(number)
        elif number == signal.SIGHUP:
            self._hurry()
        if not self._listening:
            self._signals_early.append(number)
        elif self._tell(self.Signalled(number)) and self._loop is not None:
            # The handler may have interrupted the wait of the loop itself.
            self._loop.call_soon_threadsafe(lambda: None)

    def _stop_engine_for(self, number: int) -> None:
        self._control.request_stop()

    @on(Signalled)
    def _on_signalled(self, message: Signalled) -> None:
        if message.number == signal.SIGTSTP:
            self.action_leave_screen()
        elif message.number == signal.SIGHUP:
            self._on_terminal_gone()
        else:
            self._end_for(message.number)

    def _end_for(self, number: int) -> None:
        self.say("Stopping: running tasks are being ended", False)

    def _on_terminal_gone(self) -> None:
        if not self.is_headless and terminal_is_gone():
            # Before Textual writes its farewell to a terminal that is not there.
            let_go_of_terminal()
        self.leave(UiEnd.TERMINAL_GONE)

    # Talk.

    def say(self, text: str, is_error: bool, about: str = "") -> None:
        """Show a sentence for some seconds; foreign text in it is made safe there.

        It takes the place of an earlier one about the same.
        """
        self._toasts.say(text, is_error=is_error, about=about)

    # Keys.

    async def on_event(self, event: Event) -> None:
        """Make what is pasted safe to show, and take no key any more at the end."""
        if isinstance(event, InputEvent) and self.end is not None and not self._is_lent:
            # Nothing can be mounted now, which is what a key may ask for.
            return
        if isinstance(event, Paste):
            event.text = "\n".join(clean_lines(event.text[:_PASTED_CHARS]))
        await super().on_event(event)

    @property
    def is_between(self) -> bool:
        """Whether what a key asked for has not got the keyboard yet."""
        is_arriving = self._main is not None and self._main.is_arriving
        return is_arriving or super().is_between

    def action_no_quit(self) -> None:
        """Say how to quit."""
        self.say("ctrl+c does not quit here: q quits, x stops a task", False)

    def action_freeze(self) -> None:
        """Freeze the screen, or let it go on."""
        self._frozen = self.now() if self._frozen is None else None
        if self._frozen is None:
            self._take(self._view.snapshot())
        self._tick()

    def action_quit_asked(self) -> None:
        """Quit at once when no task runs; else ask."""
        running = len(self._view.snapshot().running)
        stopping = self._view.snapshot().state.word == "stopping"
        if not running and not stopping:
            self._quitting = True
            self.leave(UiEnd.QUIT)
            return
        question = QuitQuestion(
            self._count_running, stopping=stopping, can_detach=bool(self._attach_by)
        )
        _ = self.push_screen(question, self._on_quit_answer)

    def _count_running(self) -> int:
        return len(self._view.snapshot().running)

    def _on_quit_answer(self, answer: QuitAnswer | None) -> None:
        if answer is QuitAnswer.STOP:
            self._quitting = True
            self._control.request_stop()
        elif answer is QuitAnswer.DETACH:
            self.action_detach()

    def action_detach(self) -> None:
        """Close the screen alone; the engine goes on."""
        if self._attach_by:
            self.leave(UiEnd.DETACHED)
        else:
            self.say("there is no socket by which the scheduler could be shown", True)

    def action_help(self) -> None:
        """Show every key in words."""
        _ = self.push_screen(HelpOverlay(self._live_keys))

    def _live_keys(self) -> list[KeyHelp]:
        if self._main is None:
            return []
        return live_keys((self._main, self._main.page, *self._main.panes, self), self)

    # Leaving the full screen for a while.

    def action_leave_screen(self) -> None:
        """Give the terminal back until Enter; the engine goes on."""
        driver = self._driver
        if self._away or driver is None or not driver.can_suspend:
            return
        if not self.is_headless:
            _: Worker[None] = self.run_worker(self._stay_away, name="away")

    async def _stay_away(self) -> None:
        self._away = True
        # Nothing may be drawn meanwhile: the driver's queue would fill and block.
        with self.batch_update(), self.suspend():
            self._say_on_terminal("engine runs; Enter returns")
            await until_enter(self._left)
        self._away = False

    def _say_on_terminal(self, text: str) -> None:
        if self.terminal is not None:
            self.terminal.write(text + "\n")

    async def lend_terminal(self, command: Sequence[str]) -> str:
        """Let a program have the terminal until it ends; the engine goes on.

        Returns what went wrong, raw; empty: nothing.
        """
        driver = self._driver
        if self._away or driver is None or not driver.can_suspend:
            return "this terminal cannot be given to another program"
        self._away = self._is_lent = True
        try:
            # Nothing may be drawn meanwhile: the driver's queue would fill and block.
            with self.batch_update(), self.suspend():
                return await self._lending.run(command)
        finally:
            self._away = self._is_lent = False
            if self.end is not None:
                self.exit()

    # Errors end the UI alone.

    def _handle_exception(self, error: Exception) -> None:
        if self.crash is None:
            self.crash = error.error if isinstance(error, WorkerFailed) else error
        # What Textual's own handler does, without its traceback on the terminal.
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """End the UI; called by Textual for errors of its input thread."""
        if self.crash is None:
            text = io.StringIO()
            Console(file=text, width=100, no_color=True).print(*renderables)
            self.crash = text.getvalue()
        self._close_messages_no_wait()


def _driver() -> type[Driver] | None:
    """Return what draws: on a terminal our driver, in a browser Textual's own."""
    return TerminalDriver if constants.DRIVER is None else None
