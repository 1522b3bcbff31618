"""What attempts hold, once the accounts are others than those they took it from."""

from collections.abc import Mapping, Sequence

from bistro_tui.engine.ids import WORKER_LEVEL, LevelName, NodeName
from bistro_tui.engine.scheduling.accounts import Accounts, Amounts, Held, Used
from bistro_tui.engine.scheduling.attempts import Attempts
from bistro_tui.engine.scheduling.leftovers import Leftovers
from bistro_tui.engine.scheduling.places import LOCAL_WORKER, Place, Places
from bistro_tui.engine.scheduling.workers import Workers


def name_places(attempts: Attempts, places: Places) -> None:
    """Let the attempts keep their places by name: their numbers end here."""
    for attempt in attempts:
        if not attempt.places:
            path = places.tree.path(attempt.leaf)
            attempt.places = tuple(places.at(node) for node in path)


def recharge(
    attempts: Attempts,
    leftovers: Leftovers,
    places: Places,
    accounts: Accounts,
    workers: Workers,
) -> None:
    """Find what each attempt holds in the accounts of now."""
    for attempt in attempts:
        if attempt.places:
            found = places.nodes_of(attempt.places[-1])
            attempt.leaf = found[0] if found else -1
        path = places.tree.path(attempt.leaf)
        where = attempt.places or [places.at(node) for node in path]
        attempt.held = held_at(
            where, attempt.demand.needs, attempt.worker, places, accounts, workers
        )
    for old in leftovers:
        local = LOCAL_WORKER.node
        old.held = held_at(old.places, old.needs, local, places, accounts, workers)
    running = [one for one in attempts if not one.ended]
    held = (one.held for one in (*running, *leftovers))
    accounts.retake(found for found in held if found)
    workers.recount(one.worker for one in running)


def held_at(
    where: Sequence[Place],
    needs: Mapping[LevelName, Amounts],
    worker: NodeName,
    places: Places,
    accounts: Accounts,
    workers: Workers,
) -> Held:
    """Return what one holds that takes ``needs`` at these places and of ``worker``.

    Only where those places are there now.
    """
    held: list[tuple[Used, int, int]] = []
    of_worker = Place(WORKER_LEVEL, worker)
    for place in (*where, of_worker):
        is_worker = place is of_worker
        nodes = (workers.account(worker),) if is_worker else places.nodes_of(place)
        amounts = needs.get(place.level)
        if nodes and amounts:
            account = nodes[0]
            held.extend(
                (used, account, amount)
                for used, amount in accounts.takes(place.level, amounts)
            )
    return tuple(held)
