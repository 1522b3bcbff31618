"""Limits of nodes and workers in a simulated world, and the law that they hold (I7).

Whatever is edited, nothing starts beyond a limit; what runs beyond one that was made
lower goes on.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.remote.messages import RunningTask
from tests.engine.scheduling.builders import limits, make_config, make_job, make_tree

STEPS = (1, 2, 4)
"""Seconds after the first, second and third error; then a task has failed."""
_HOSTS = ("even", "odd")


class Limits(NamedTuple):
    """How many tasks run at once; each takes 1 of all of these."""

    instance: int
    host: int
    worker: int


EDITS = (Limits(3, 2, 2), Limits(4, 3, 1), Limits(2, 1, 2), Limits(5, 3, 2))
"""What a person may make of them; at first they are the first."""


def config_of(found: Limits) -> Config:
    return make_config(
        make_job("j", backoff=Backoff(steps=STEPS, repeat=False)),
        resources=limits(
            instance={"all": found.instance},
            host={"room": found.host},
            worker={"slots": found.worker},
        ),
    )


def tree_of(tasks: Iterable[TaskId]) -> NodeTree:
    nodes: dict[str, list[str]] = {host: [] for host in _HOSTS}
    for task in tasks:
        nodes[_host_of(task)].append(task.node)
    return make_tree(nodes)


def _host_of(task: TaskId) -> str:
    return _HOSTS[int(task.node[1:]) % len(_HOSTS)]


class LimitLaw:
    """Counts what is alive by itself; nobody tells it what is booked.

    Attempts of lost workers are not counted: their room is given away at once, and they
    may be alive for as long as their own tasks have to wait.
    """

    def __init__(self, broken: Callable[[str, str], Exception]) -> None:
        self._broken = broken
        self.edits: list[Limits] = []
        self._began: dict[InvocationId, int] = {}
        """The number of the edit under which each was dispatched."""
        self._given_up: set[InvocationId] = set()

    def edited(self, found: Limits) -> None:
        self.edits.append(found)

    def lost(self, invocation: InvocationId) -> None:
        self._given_up.add(invocation)

    def found_again(self, invocation: InvocationId) -> None:
        self._given_up.discard(invocation)

    def is_dispatched(self, one: RunningTask, alive: Iterable[RunningTask]) -> None:
        """Fail if what is alive leaves no room for ``one``."""
        if self.edits:
            self._began[one.invocation] = len(self.edits) - 1
            self._look([*alive, one], one, newest_only=True)

    def starts(self, one: RunningTask, alive: Iterable[RunningTask]) -> None:
        """Fail if more is alive than could be since the oldest of it was dispatched."""
        if self.edits:
            self._look([*alive, one], one, newest_only=False)

    def _look(
        self, alive: list[RunningTask], one: RunningTask, *, newest_only: bool
    ) -> None:
        counted = [a for a in alive if a.invocation not in self._given_up]
        host = _host_of(one.task)
        accounts = (
            ("instance", counted),
            ("host", [a for a in counted if _host_of(a.task) == host]),
            ("worker", [a for a in counted if a.shard == one.shard]),
        )
        for level, found in accounts:
            since = min((self._began[a.invocation] for a in found), default=0)
            edits = self.edits[-1:] if newest_only else self.edits[since:]
            most = max(getattr(edit, level) for edit in edits)
            if len(found) > most:
                names = ", ".join(f"{a.task} on {a.shard}" for a in found)
                raise self._broken(
                    "I7", f"{len(found)} are alive where {most} may be: {names}"
                )
