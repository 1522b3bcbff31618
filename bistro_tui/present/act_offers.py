"""Which keys act on what is under the cursor now. Pure."""

from collections.abc import Sequence

from bistro_tui.engine.view import Reason, Snapshot
from bistro_tui.present.things import JobThing, NodeThing, TaskThing, Thing, WorkerThing

_MANY = 50
"""Of more marked items it is not looked at each."""


def idle_acts(shown: Snapshot, things: Sequence[Thing]) -> frozenset[str]:
    """Return the ids of act keys that would do nothing with these items."""
    if not things:
        return frozenset(
            ("act.toggle", "act.why", "act.log", "act.stop", "act.forgive")
        )
    if len(things) > _MANY:
        return frozenset()
    idle: set[str] = set()
    jobs = {thing.name for thing in things if isinstance(thing, JobThing)}
    tasks = {thing.task for thing in things if isinstance(thing, TaskThing)}
    if any(isinstance(thing, NodeThing) for thing in things):
        # What runs and failed below a node takes a look at all of it.
        return frozenset() if jobs or tasks else frozenset(("act.toggle",))
    workers = {thing.shard for thing in things if isinstance(thing, WorkerThing)}
    if workers and not (jobs or tasks):
        idle = {"act.toggle", "act.forgive"}
        if not any(row.worker in workers for row in shown.running):
            idle |= {"act.stop", "act.log"}
        return frozenset(idle)
    if not (jobs or tasks):
        return frozenset(("act.toggle", "act.log", "act.stop", "act.forgive"))
    counts = [row.counts for row in shown.jobs if row.name in jobs]
    running = {row.task for row in shown.running if row.task in tasks}
    if not running and not any(one.get(Reason.RUNNING) for one in counts):
        idle.add("act.stop")
    failed = (Reason.FAILED, Reason.BACKOFF)
    if running == tasks and not any(one.get(r) for one in counts for r in failed):
        idle.add("act.forgive")
    return frozenset(idle)
