"""What a start waits for, in words: who is missing, until when, what ends it."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.moment import SLEW_SEC
from bistro_tui.engine.remote.initial_wait import NOT_FETCHED
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.worker_state import WorkerState
from bistro_tui.engine.runners.workers_known import KnownWorker, WorkersKnown

log = logging.getLogger("bistro_tui")

_NAMED = 5
_TOGETHER_SEC = 0.5
"""Many come at once after a restart; they are taken note of once."""
_SOON_SEC = 60
_LATER_SEC = 600
_LEFT = (
    "the initial wait was not over: workers may still run tasks; the next start waits"
    " for them, too"
)
_OF_ONE = "it surely runs nothing, as its host is off, say"
_OF_MANY = "they surely run nothing, as their hosts are off, say"
_EXIT = "CAUTION_exit_initial_wait_before_timestamp"


class Awaited:
    """The initial wait of a pool, as people are told of it.

    The pool knows the workers of before by a hash alone. Their names are those that the
    scheduler before took note of; nothing but the words depends on them.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        known: WorkersKnown | None,
        *,
        tell: Callable[[str], object],
    ) -> None:
        """``known``: where names are read from, and kept for the next start.

        ``tell`` is given each other ``text``.
        """
        self._pool, self._clock, self._known = pool, clock, known
        self._tell = tell
        former = known.read() if known is not None else None
        self._is_former_known = former is not None
        self._former = former or ()
        self._began = clock.now().wall
        self._timer: asyncio.TimerHandle | None = None
        self._set, self._base = pool.set_version, pool.wait_text
        self.until = self._until()
        """Wall second at which it is over at the latest."""
        self.missing: tuple[KnownWorker, ...] = ()
        """Those of before that are not back, as far as they are known."""
        self.text = self._words()
        """What is waited for; empty: nothing is, or no more."""
        self._is_logged = False

    def log_both_ends(self) -> None:
        """Tell the log what is waited for, and once it is over that it is."""
        if self.text:
            self._is_logged = True
            # Of a first start nobody has to be warned.
            is_short = self._pool.wait_ends_with_first
            level = logging.INFO if is_short else logging.WARNING
            log.log(level, "nothing starts yet: %s", self.text)

    def look(self) -> None:
        """See whether the pool is as before; to be called whenever it may not be."""
        if self._timer is None and self._pool.set_version != self._set:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_TOGETHER_SEC, self._others)
        if self._pool.wait_text != self._base:
            self._base = self._pool.wait_text
            self._bring_up_to_date()

    def look_at_clock(self) -> None:
        """See whether the wall clock was set."""
        until = self._until()
        if self.text and abs(until - self.until) > SLEW_SEC:
            self._began += until - self.until
            self.until = until
            self._bring_up_to_date()

    def close(self) -> None:
        """Keep what the next start has to know, and tell of it what people should."""
        if self._timer is not None:
            self._timer.cancel()
            self._save()
        is_told, self._is_logged = self._is_logged, False
        if is_told and self._former and not self._pool.wait_ends_with_first:
            self.missing = self._those_missing()
            log.warning("%s%s", _LEFT, f": {self._names()}" if self.missing else "")

    def _others(self) -> None:
        self._timer, self._set = None, self._pool.set_version
        self._save()
        self._bring_up_to_date()

    def _bring_up_to_date(self) -> None:
        text = self._words()
        if text != self.text:
            self.text = text
            self._tell(text)
            if self._is_logged and not text:
                self._is_logged = False
                log.info("the initial wait is over: tasks start")

    def _words(self) -> str:
        self.missing = self._those_missing() if self._base else ()
        return f"{self._base} {self._more()}" if self._base else ""

    def _until(self) -> float:
        return self._wall(self._pool.wait_until)

    def _wall(self, elapsed: float) -> float:
        now = self._clock.now()
        return now.wall + elapsed - now.elapsed

    def _live(self) -> list[KnownWorker]:
        return [
            KnownWorker(row.shard, row.lock.hostname, row.id)
            for row in self._pool.rows()
            if row.state is not WorkerState.MUST_DIE
        ]

    def _those_missing(self) -> tuple[KnownWorker, ...]:
        awaited = self._pool.awaited
        if awaited is not None:
            return tuple(one for one in self._former if one.id in awaited)
        there = {one.id for one in self._live()}
        return tuple(one for one in self._former if one.id not in there)

    def _more(self) -> str:
        if self._pool.wait_ends_with_first:
            first = "once a worker is there and has told its tasks"
            return f"It is over {first}, at the latest at {_moment(self.until)}."
        if self._base.endswith(NOT_FETCHED):
            return f"Those are NEW in the list of workers. {self._exit(_OF_MANY)}"
        if self.missing:
            who = f"Missing since {_moment(self._began)}: {self._names()}."
            surely = _OF_ONE if len(self.missing) == 1 else _OF_MANY
        elif self._pool.has_all_of_before:
            looked = _moment(self._wall(self._pool.wait_next_look))
            return (
                "All that are known from before are back;"
                f" that is looked at by {looked}."
            )
        elif self._former:
            who = "All that are known from before are back, but not of one mind."
            surely = "no other worker can have a task, as there was none, say"
        elif self._is_former_known:
            who = (
                "All workers of before had left or were lost; those that were lost may"
                " have tasks."
            )
            surely = "they surely have none"
        else:
            who = "Which workers there were before is not known."
            surely = "none that is not back can have a task"
        latest = f"The wait is over at {_moment(self.until)} at the latest."
        return f"{who} {latest} {self._exit(surely)}"

    def _names(self) -> str:
        there = {one.shard for one in self._live()}
        names = [_name(one, there=one.shard in there) for one in self.missing[:_NAMED]]
        more = len(self.missing) - len(names)
        return _listed(names, more)

    def _exit(self, surely: str) -> str:
        now = self._clock.now().wall
        second = self.until if self.until > now + _SOON_SEC else now + _LATER_SEC
        line = f'"{_EXIT}": {math.ceil(second)}'
        return (
            f"{line} in bistro_settings ends it. Set that only if {surely}; else tasks"
            " may be started a second time."
        )

    def _save(self) -> None:
        if self._known is not None:
            live, is_waiting = self._live(), bool(self._pool.wait_text)
            if is_waiting and not (live or self._is_former_known):
                return
            former = self._former if is_waiting else ()
            self._known.write(dict.fromkeys((*former, *live)))


def _name(one: KnownWorker, *, there: bool) -> str:
    name = one.shard if one.host == one.shard else f"{one.shard} on {one.host}"
    return f"{name} (its run before the present one)" if there else name


def _listed(names: Sequence[str], more: int) -> str:
    return ", ".join(names) + (f" and {more} more" if more else "")


def _moment(wall: float) -> str:
    return time.strftime("%F %T %Z", time.localtime(wall))
