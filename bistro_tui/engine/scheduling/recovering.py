"""Keeping the room of old copies, and giving it back once they are proven dead."""

from collections.abc import Iterable
from typing import TypeAlias

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.scheduling.events import (
    AttemptGone,
    AttemptLeft,
    AttemptsRecovering,
    RecoveringAttempt,
)
from bistro_tui.engine.scheduling.left import settle_left
from bistro_tui.engine.scheduling.leftovers import Leftover
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.status_book import due_by_wall

OldEvent: TypeAlias = AttemptsRecovering | AttemptGone | AttemptLeft


def take_in(state: State, event: OldEvent, now: Now) -> list[StoreStatus]:
    """Take note of what is known of old copies; return what is to be stored."""
    match event:
        case AttemptsRecovering(found):
            _keep_room(state, found)
        case AttemptGone(task, invocation):
            _give_back(state, task, invocation)
        case AttemptLeft(task, invocation):
            _give_back(state, task, invocation)
            return _settle(state, event, now)
    return []


def _keep_room(state: State, found: Iterable[RecoveringAttempt]) -> None:
    for attempt in found:
        task = attempt.task
        if task in state.attempts:
            # It can be no older than this process.
            continue
        leftover = state.leftovers.get(task)
        if leftover is None:
            leftover = _leftover(state, task)
            state.leftovers.add(leftover)
            state.take_held(leftover.held)
        leftover.attempts[attempt.invocation] = attempt
        state.rejudge(task)


def _give_back(state: State, task: TaskId, invocation: InvocationId) -> None:
    leftover = state.leftovers.get(task)
    if leftover is None or leftover.attempts.pop(invocation, None) is None:
        return
    if leftover.attempts:
        return
    state.leftovers.remove(task)
    state.give_held(leftover.held)
    state.rejudge(task)


def _leftover(state: State, task: TaskId) -> Leftover:
    found = state.find(task)
    if found is None:
        return Leftover(task, -1, (), {})
    tasks, slot = found
    places = state.places
    names = [
        places.at(node)
        for leaf in tasks.slots.nodes(slot)
        for node in places.tree.path(leaf)
    ]
    leftover = Leftover(task, slot, tuple(dict.fromkeys(names)), tasks.demand.needs)
    leftover.held = state.held_at(leftover.places, leftover.needs)
    return leftover


def _settle(state: State, event: AttemptLeft, now: Now) -> list[StoreStatus]:
    task = event.task
    pending = state.book.pending_for(task)
    is_known = pending is not None and pending.invocation == event.invocation
    if task in state.attempts or is_known:
        return []
    previous = pending.status if pending is not None else state.book.get(task)
    status = settle_left(task, event.reported, previous=previous, config=state.config)
    action = state.book.store(
        task, status, now, event.invocation, due=due_by_wall(status, now)
    )
    state.rejudge(task)
    return [action]
