"""What the commands of the command line do."""

from collections.abc import Callable, Mapping, Sequence

from textual.app import App

from bistro_tui.engine.near import nearest
from bistro_tui.engine.view import JobName, LevelName, NodeName, ResourceName, TaskId
from bistro_tui.present.commands import PAGES, Order, command_lines, parsed
from bistro_tui.present.settings import LevelLimit
from bistro_tui.present.spans import Line
from bistro_tui.present.things import JobThing, NodeThing, TaskThing, Thing, WorkerThing
from bistro_tui.screens.act_keys import ActKeys
from bistro_tui.screens.priority import priority_in


class _Wrong(Exception):
    """The words of a command name nothing; its text is for a person, raw."""


class Orders:
    """Does what was typed, on one main screen."""

    def __init__(self, screen: ActKeys) -> None:
        self._screen = screen
        self._stage = screen.standing
        self._acts = screen.acts

    async def obey(self, text: str) -> None:
        """Do it, or say why not."""
        order = parsed(text)
        if isinstance(order, str):
            if order:
                self._stage.say(order, True)
            return
        try:
            await self._do(order)
        except _Wrong as wrong:
            self._stage.say(str(wrong), True)

    async def _do(self, order: Order) -> None:
        name = order.command
        if name in PAGES:
            self._stage.go(PAGES[name])
        elif name in _APP_ACTIONS:
            await self._screen.run_action(_APP_ACTIONS[name])
        elif name == "help":
            self._stage.open_text("Commands", _all_commands, opened_by="question_mark")
        elif name == "theme":
            self._set_theme(order.words[0])
        elif name == "priority":
            priority = priority_in(order.words[1])
            if priority is None:
                raise _Wrong(f"{order.words[1]} is no number")
            self._acts.set_priority(self._things(order.words[:1]), priority)
        elif name == "limit":
            self._set_limit(*order.words)
        elif name == "node":
            self._stage.go("3", NodeThing(name=self._node(order.words[0])))
        elif name == "worker":
            self._stage.go("0", WorkerThing(shard=self._worker(order.words[0])))
        else:
            self._on_things(name, self._things(order.words))

    def _on_things(self, name: str, things: tuple[Thing, ...]) -> None:
        acts = self._acts
        does: Mapping[str, Callable[[], None]] = {
            "job": lambda: self._stage.go("2", things[0]),
            "task": lambda: self._stage.go("5", things[0]),
            "why": lambda: self._screen.show_why(things),
            "log": lambda: self._stage.go("6", next(iter(things), None)),
            "stop": lambda: acts.stop(things),
            "kill": lambda: acts.kill(things),
            "forgive": lambda: acts.forgive(things),
            "enable": lambda: acts.switch(things, True),
            "disable": lambda: acts.switch(things, False),
            "edit": lambda: acts.edit(things),
            "undo": acts.undo,
            "redo": acts.redo,
        }
        does[name]()

    def _things(self, words: tuple[str, ...]) -> tuple[Thing, ...]:
        """Return the job or the task that is named, else what keys would act on."""
        if not words:
            return self._screen.things
        job = self._job(words[0])
        if len(words) == 1:
            return (JobThing(name=job),)
        task = TaskId(job, self._node(words[1]))
        running = self._stage.snapshot.running
        now = next((row.invocation for row in running if row.task == task), None)
        return (TaskThing(task=task, invocation=now),)

    def _job(self, name: str) -> JobName:
        known = [row.name for row in self._stage.snapshot.jobs]
        if name not in known:
            raise _Wrong(_unknown("job", name, known))
        return JobName(name)

    def _node(self, name: str) -> NodeName:
        known = [row.name for row in self._stage.snapshot.nodes]
        if name not in known:
            raise _Wrong(_unknown("node", name, known))
        return NodeName(name)

    def _worker(self, name: str) -> NodeName:
        known = [row.shard for row in self._stage.snapshot.workers]
        if name not in known:
            raise _Wrong(_unknown("worker", name, known))
        return NodeName(name)

    def _set_limit(self, level: str, resource: str, number: str) -> None:
        if not (number.isascii() and number.isdigit()):
            raise _Wrong(f"{number} is no limit: it is a whole number, 0 or more")
        limit = LevelLimit(level=LevelName(level), resource=ResourceName(resource))
        self._acts.set_limit(limit, int(number[:18]))

    def _set_theme(self, name: str) -> None:
        app: App[object] = self._screen.app
        known = list(app.available_themes)
        if name not in known:
            raise _Wrong(_unknown("theme", name, known))
        app.theme = name


_APP_ACTIONS: Mapping[str, str] = {
    "freeze": "app.freeze",
    "quit": "app.quit_asked",
    "detach": "app.detach",
    "problems": "screen.problems",
    "workers": "screen.workers",
}


async def _all_commands() -> list[Line]:
    return command_lines()


def _unknown(kind: str, name: str, known: Sequence[str]) -> str:
    near = nearest(name, known)
    hint = f"; did you mean {near}?" if near else ""
    return f"there is no {kind} {name}{hint}"
