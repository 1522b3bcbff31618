"""Kills of remote tasks: kept until the worker has taken them, or the task is over."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from bistro_tui.engine.config.model import KillMethod
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.remote.link import Link
from bistro_tui.engine.remote.messages import Done, KillTask, KillWords, RunningTask
from bistro_tui.engine.remote.outcomes import Outcome

PATIENCE_SEC = 2.0
"""Beyond its kill wait, until an attempt of a silent worker is given up at a stop, and
one that was asked for again and is to be killed at once."""
TOLD_PATIENCE_SEC = 10.0
"""The same for one whose worker has taken the kill."""
_LOOK_SEC = 0.5
MOST_ASKED = 500
"""Kills that one worker is asked for at once; the others follow its answers."""


@dataclass(slots=True, eq=False)
class _Kill:
    task: RunningTask
    words: KillWords
    given_up_at: float
    """Loop second from which nobody waits for it while its worker was not told."""
    told_given_up_at: float
    """The same while it was."""
    is_of_stop: bool
    """It was asked for by a stop, or while one was going on."""
    is_told: bool = False
    is_asking: bool = False

    def is_given_up(self, now: float) -> bool:
        """Return whether nobody need wait for it at that second of the loop."""
        return now >= (self.told_given_up_at if self.is_told else self.given_up_at)


class RemoteKills:
    """One for each attempt that is to end, as long as it runs."""

    def __init__(
        self,
        *,
        link_of: Callable[[str], Link | None],
        message: Callable[[RunningTask, KillWords], KillTask | None],
        timeout: float,
        on_given_up: Callable[[], None],
    ) -> None:
        """``link_of`` returns the link of the worker that owns a shard.

        ``on_given_up`` hears when there are more that nobody need wait for.
        """
        self._link_of, self._message = link_of, message
        self._timeout = timeout
        self._on_given_up = on_given_up
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time
        self._wanted: dict[InvocationId, _Kill] = {}
        self._untold: dict[str, dict[InvocationId, _Kill]] = {}
        """By shard, those of which the worker is to be asked."""
        self._asked: dict[str, int] = {}
        """How many questions of each shard are not answered."""
        self._is_stopping = False
        self._looking: asyncio.TimerHandle | None = None

    def put_off_no_more(self) -> None:
        """Wait for each attempt by the first kill from now on; others only shorten it.

        Else people who kill tasks again and again would put off a stop.
        """
        self._is_stopping = True

    def want(self, task: RunningTask, words: KillWords) -> None:
        """Have a worker begin to end that attempt, now or when it is back.

        Asked for once more in the same words, it is not waited for any longer.
        """
        is_at_once = words.method == KillMethod.KILL.value
        wait = 0.0 if is_at_once else max(0, words.wait_ms) / 1000
        is_urgent = is_at_once and task.invocation in self._wanted
        now = self._time()
        over = now + wait + PATIENCE_SEC
        told_over = now + wait + (PATIENCE_SEC if is_urgent else TOLD_PATIENCE_SEC)
        last = self._wanted.get(task.invocation)
        if last is not None and last.words == words and not last.is_given_up(now):
            over, told_over = last.given_up_at, last.told_given_up_at
        if last is not None and last.is_of_stop:
            over = min(over, last.given_up_at)
            told_over = min(told_over, last.told_given_up_at)
        self.over(task.invocation)
        kill = _Kill(task, words, over, told_over, self._is_stopping)
        self._wanted[task.invocation] = kill
        self._is_untold(kill)
        self.again(task.shard)
        if self._looking is None:
            self._looking = self._loop.call_later(_LOOK_SEC, self._look)

    def over(self, invocation: InvocationId) -> None:
        """Forget an attempt that does not run any more."""
        kill = self._wanted.pop(invocation, None)
        if kill is not None:
            self._take(kill)

    def again(self, shard: str | None = None) -> None:
        """Ask once more for what was not taken: of one worker, or of all."""
        for one in tuple(self._untold) if shard is None else (shard,):
            untold = self._untold.get(one)
            link = self._link_of(one) if untold else None
            if untold and link is not None:
                room = max(0, MOST_ASKED - self._asked.get(one, 0))
                for kill in tuple(islice(untold.values(), room)):
                    self._ask(kill, link)

    def disconnected(self, shard: str) -> None:
        """Take note that what a worker was told may not have arrived."""
        for kill in self._wanted.values():
            if kill.task.shard == shard:
                kill.is_told = False
                self._is_untold(kill)

    @property
    def given_up(self) -> int:
        """How many attempts did not end though their kill is long over.

        Their worker did not take it, or it took it and tells of no end.
        """
        now = self._time()
        return sum(kill.is_given_up(now) for kill in self._wanted.values())

    def close(self) -> None:
        """Ask no more."""
        self._wanted.clear()
        self._untold.clear()
        if self._looking is not None:
            self._looking.cancel()

    def _ask(self, kill: _Kill, link: Link) -> None:
        shard = kill.task.shard
        message = self._message(kill.task, kill.words)
        if message is None or kill.is_asking:
            return
        self._take(kill)
        kill.is_asking = True
        self._asked[shard] = self._asked.get(shard, 0) + 1

        def answered(outcome: Outcome) -> None:
            kill.is_asking = False
            kill.is_told = isinstance(outcome, Done)
            self._asked[shard] -= 1
            if not self._asked[shard]:
                del self._asked[shard]
            if not kill.is_told:
                self._is_untold(kill)
            elif self._untold.get(shard):
                self.again(shard)

        link.call(message, answered, timeout=self._timeout)

    def _is_untold(self, kill: _Kill) -> None:
        invocation = kill.task.invocation
        if self._wanted.get(invocation) is kill and not kill.is_asking:
            self._untold.setdefault(kill.task.shard, {})[invocation] = kill

    def _take(self, kill: _Kill) -> None:
        """Ask for it no more, for now."""
        shard = kill.task.shard
        untold = self._untold.get(shard)
        if untold is not None:
            untold.pop(kill.task.invocation, None)
            if not untold:
                del self._untold[shard]

    def _look(self) -> None:
        self._looking = None
        if self._wanted:
            self._looking = self._loop.call_later(_LOOK_SEC, self._look)
            if self.given_up:
                self._on_given_up()
