"""The real core with one of its guards taken away; a world with it has to find each."""

from collections.abc import Iterable

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import Action
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.statuses.saved_backoff import has_saved_backoff


class _Other(Core):
    """Hears of each event, one by one, before it is taken in."""

    def handle(
        self, events: Iterable[ev.Event], now: Now, steps: int = 10**9
    ) -> list[Action]:
        return super().handle([self.heard(one) for one in events], now, steps)

    def heard(self, event: ev.Event) -> ev.Event:
        return event


class AdoptsForNothing(_Other):
    """What an earlier scheduler started holds no resources."""

    def heard(self, event: ev.Event) -> ev.Event:
        if not isinstance(event, ev.AttemptsAdopted):
            return event
        return ev.AttemptsAdopted(tuple(o._replace(needs={}) for o in event.found))


class TakesOlderStatuses(_Other):
    """A late status counts whichever attempt was lost after it."""

    def heard(self, event: ev.Event) -> ev.Event:
        self.state.book._made_for.clear()
        return event


class ForgivesWaits(_Other):
    """A lost task that is forgiven may start at once, as any other."""

    def heard(self, event: ev.Event) -> ev.Event:
        if isinstance(event, ev.ForgiveTasks):
            for task in event.tasks:
                status = self.state.book.get(task)
                if status is not None and has_saved_backoff(status.bits):
                    self.state.book.backoffs.discard(task)
                    self.state.rejudge(task)
        return event


class NeverGivesUp(_Other):
    """Where a list of delays ends, its last one is taken again."""

    def heard(self, event: ev.Event) -> ev.Event:
        if isinstance(event, ev.TaskEnded):
            attempt = self.state.attempts.get(event.task)
            if attempt is not None and attempt.next_backoff.no_more:
                attempt.next_backoff = BackoffDuration(4, no_more=False)
        return event
