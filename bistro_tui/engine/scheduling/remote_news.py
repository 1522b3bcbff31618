"""What is heard of attempts that run elsewhere: found again, lost, or late.

Source: Bistro, runners/RemoteWorkerRunner.
"""

from collections.abc import Iterable
from typing import TypeAlias

from bistro_tui.engine.ids import LevelName, NodeName
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.scheduling.attempts import Attempt, Taken
from bistro_tui.engine.scheduling.events import (
    AdoptedAttempt,
    AttemptGone,
    AttemptsAdopted,
    LateStatus,
    Oddity,
    TaskLost,
)
from bistro_tui.engine.scheduling.places import Place
from bistro_tui.engine.scheduling.recovering import take_in as take_in_old
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.statuses import made
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus, settle
from bistro_tui.engine.statuses.update import Change, update

RemoteNews: TypeAlias = AttemptsAdopted | TaskLost | LateStatus


def take_in(state: State, event: RemoteNews, now: Now) -> list[StoreStatus]:
    """Take note of it; return what is to be stored."""
    match event:
        case AttemptsAdopted(found):
            _adopt(state, found, now)
            return []
        case TaskLost():
            return _lose(state, event, now)
        case LateStatus():
            return _take_late(state, event, now)


def end(state: State, attempt: Attempt, status: TaskStatus, now: Now) -> StoreStatus:
    """End ``attempt`` with a status that is settled; return what is to be stored."""
    state.attempts.end(attempt, is_last=status.is_done)
    store = state.book.store(attempt.task, status, now, attempt.invocation)
    state.give_back(attempt)
    return store


def _adopt(state: State, found: Iterable[AdoptedAttempt], now: Now) -> None:
    for one in found:
        task = one.task
        known = state.attempts.get(task)
        if known is not None and not known.ended:
            if known.invocation != one.invocation:
                text = (
                    f"{task} runs as invocation {known.invocation} on {known.worker};"
                    f" worker {one.worker} has it as {one.invocation}, too: two copies"
                    " may run"
                )
                state.oddities.append(Oddity(text, is_grave=True))
            continue
        if _has_ended(state, one):
            continue
        if task in state.leftovers:
            # It is this very attempt that was looked for.
            take_in_old(state, AttemptGone(task, one.invocation), now)
        if known is not None:
            # Its end is on its way to the store, which the new one outlives.
            state.attempts.remove(task)
        _begin(state, one, now)


def _has_ended(state: State, one: AdoptedAttempt) -> bool:
    """Return whether that attempt is over, and only its acknowledgement outstanding.

    So it is when its own end is on its way to the store, unless it was only taken for
    lost, and when what is on disk says that its task needs no attempt any more.
    """
    known = state.book.get(one.task)
    if known is not None and _is_final(known):
        return True
    pending = state.book.pending_for(one.task)
    return (
        pending is not None
        and pending.invocation == one.invocation
        and Bits.OVERWRITEABLE not in pending.status.bits
    )


def _is_final(status: TaskStatus) -> bool:
    return status.is_done or (
        status.is_failed and Bits.OVERWRITEABLE not in status.bits
    )


def _begin(state: State, one: AdoptedAttempt, now: Now) -> None:
    task = one.task
    slot = state.find(task)
    places = tuple(Place(level, node) for level, node in one.path)
    if not places or places[-1].node != task.node:
        # Only nodes with resources may be named.
        level = slot[0].job.level_for_tasks if slot is not None else LevelName("")
        places = (*places, Place(level, task.node))
    nodes = state.places.nodes_of(places[-1])
    attempt = Attempt(
        task,
        one.invocation,
        state.attempts.next_number(task),
        one.since,
        now.mono - max(0.0, now.wall - one.since),
        nodes[0] if nodes else -1,
        slot[1] if slot is not None else -1,
        Taken(one.needs),
        (),
        one.next_backoff,
    )
    attempt.places, attempt.worker = places, NodeName(one.worker)
    attempt.held = state.held_at(places, one.needs, attempt.worker)
    state.attempts.adopt(attempt)
    state.take_held(attempt.held)
    if state.workers.is_reported:
        state.workers.move(attempt.worker, 1)
    state.rejudge(task)


def _lose(state: State, event: TaskLost, now: Now) -> list[StoreStatus]:
    attempt = state.attempts.get(event.task)
    if attempt is None or attempt.invocation != event.invocation or attempt.ended:
        return []
    cost = attempt.next_backoff
    lost = made.worker_lost(event.worker, next_backoff=cost, now_wall=now.wall)
    delay = cost._replace(seconds=max(cost.seconds, event.safe_sec))
    previous = state.book.get(event.task)
    status = settle(lost, previous=previous, next_backoff=delay)
    return [end(state, attempt, status, now)]


def _take_late(state: State, event: LateStatus, now: Now) -> list[StoreStatus]:
    task = event.task
    attempt, pending = state.attempts.get(task), state.book.pending_for(task)
    running = attempt if attempt is not None and not attempt.ended else None
    if running is not None and running.invocation == event.invocation:
        # Whoever runs an attempt tells its end otherwise.
        text = (
            f"{task}: worker {event.worker} told the end of invocation"
            f" {event.invocation}, which runs on {running.worker}: it is ignored"
        )
        state.oddities.append(Oddity(text, is_grave=False))
        return []
    # While a status is being written, it is what is known.
    found = update(
        event.reported,
        invocation=event.invocation,
        running=running.invocation if running is not None else None,
        known=pending.status if pending is not None else state.book.get(task),
        known_from=state.book.attempt_of(task),
        next_backoff=event.next_backoff,
    )
    if found.status is None:
        if found.change is Change.OTHER_ATTEMPT:
            assert running is not None
            text = (
                f"{task}: invocation {event.invocation} told its end once more, or"
                " after it was given up; it is ignored, for"
                f" {running.invocation} runs by now"
            )
            state.oddities.append(Oddity(text, is_grave=False))
        return []
    store = state.book.store(task, found.status, now, event.invocation)
    state.rejudge(task)
    return [store]
