"""Short stories that random faults tell too rarely."""

from collections.abc import Callable

from bistro_tui.engine.remote.given import Given
from bistro_tui.engine.remote.identity import NO_HOME
from bistro_tui.engine.remote.served import Served
from tests.engine.remote.sim.events import Host
from tests.engine.remote.sim.network import DOWN, UP
from tests.engine.remote.sim.worker_node import WorkerNode
from tests.engine.remote.sim.world import World


def _until(world: World, holds: Callable[[], object], seconds: float) -> bool:
    for _ in range(int(seconds / 0.1)):
        if holds():
            return True
        world.run_for(0.1)
    return False


def a_worker_comes_alone(world: World) -> None:
    """One worker knows nothing of another that just came, and the scheduler dies.

    Needs two shards. Were the new one given tasks before the old one knew of it, then
    the next scheduler would take the old one for all there are.
    """
    old, new = (host.name for host in world.hosts)
    world.workers[1].process.stop()
    world.run_for(16.0)
    world.network.block(old, DOWN)
    world.go_on_workers()
    _until(world, lambda: world.workers[1].warden.attempts, 7.0)
    world.crash_scheduler()
    world.network.block(new, UP)
    world.network.block(new, DOWN)
    world.network.heal(old, DOWN)
    world.start_scheduler()
    world.run_for(12.0)
    world.settle()


def a_status_overtakes(world: World) -> None:
    """A task ends while there is no scheduler, and the next one hears of it twice.

    Needs streams that keep no order. The answer that it is still unacknowledged may
    come after its status.
    """
    if not _until(world, lambda: world.truth.alive, 20.0):
        return
    world.crash_scheduler()
    _until(world, lambda: not world.truth.alive, 9.0)
    world.network.delays = (0.01, 0.01, 2.5)
    world.start_scheduler()
    world.run_for(6.0)
    world.network.delays = ()
    world.settle()


def the_next_scheduler_has_other_times(world: World) -> None:
    """A worker keeps a task over a restart, shows that it heard of it, and freezes.

    Its wardens go by what the new scheduler said, whatever the task was told at first.
    """
    worker = _with_a_long_task(world)
    if worker is None:
        return
    world.crash_scheduler()
    world.start_scheduler()
    world.run_for(4.0)
    worker.process.stop()
    world.run_for(30.0)
    world.settle()


def the_first_answer_is_lost(world: World) -> None:
    """A worker tells the next scheduler what it runs, and never hears of its times.

    Needs streams that keep no order. It goes by what the scheduler before it said.
    """
    worker = _with_a_long_task(world)
    if worker is None:
        return
    world.crash_scheduler()
    world.network.delays = (0.01, 0.01, 2.5)
    world.start_scheduler()
    found = _until(world, lambda: world.scheduler.pool.running(worker.shard), 6.0)
    world.network.delays = ()
    if found:
        host = worker.process.host.name
        world.network.block(host, UP)
        world.network.block(host, DOWN)
    world.run_for(30.0)
    world.settle()


def a_scheduler_dies_while_it_waits(world: World) -> None:
    """One worker is away with a task, and the other one met the next scheduler.

    Needs two shards. That one gave no task; it is no proof that nobody has any.
    """
    away = _with_a_long_task(world)
    if away is None:
        return
    world.crash_scheduler()
    host = away.process.host.name
    world.network.block(host, UP)
    world.network.block(host, DOWN)
    world.start_scheduler()
    world.run_for(4.0)
    world.crash_scheduler()
    world.start_scheduler()
    world.run_for(12.0)
    world.settle()


def a_scheduler_dies_before_a_loss_is_stored(world: World) -> None:
    """A worker that nobody hears is bumped, all others say so, and the scheduler dies.

    Needs one shard twice and another one, and the real core. Its tasks are alive, and
    the next scheduler finds no status that has them wait.
    """
    bumped = _with_a_long_task(world)
    if bumped is None or bumped.shard != world.rules.shards[0]:
        return
    host = bumped.process.host.name
    world.network.block(host, UP)
    world.network.block(host, DOWN)
    world.disk.slowness = 1_000.0

    def is_bumped() -> bool:
        row = world.scheduler.pool.row(bumped.shard)
        return row is not None and row.id != bumped.id

    if _until(world, is_bumped, 9.0):
        world.run_for(2.5)
    world.crash_scheduler()
    world.disk.slowness = 0.3
    world.start_scheduler()
    world.run_for(12.0)
    world.settle()


def a_copy_of_a_directory_is_used(world: World) -> None:
    """A worker is away with a task, and another host begins with what that one has.

    Needs one shard. The copy has the same name and lock, and has swept its own system.
    """
    away = _with_a_long_task(world)
    if away is None:
        return
    world.crash_scheduler()
    host = away.process.host
    world.network.block(host.name, UP)
    world.network.block(host.name, DOWN)
    copy = Host(world.events, "copy")
    world.worker_on(copy, 0, lock=host.name)
    world.start_scheduler()
    world.run_for(12.0)
    world.settle()


def a_host_is_copied_but_its_scheduler(world: World) -> None:
    """As with a directory; the copy tells of the same machine, and of another boot."""
    away = _with_a_long_task(world)
    if away is None:
        return
    world.crash_scheduler()
    host = away.process.host
    world.network.block(host.name, UP)
    world.network.block(host.name, DOWN)
    copy = Host(world.events, host.name)
    copy.boots = 2
    copy.address = "copy"
    world.worker_on(copy, 0)
    world.start_scheduler()
    world.run_for(12.0)
    world.settle()


def the_next_run_does_not_look_back(world: World) -> None:
    """A worker is killed, and its tasks have not died when the next run of it begins.

    Needs one shard, and tasks that may take their time.
    """
    killed = _with_a_long_task(world)
    if killed is None:
        return
    world.crash_scheduler()
    killed.crash()
    # It stands for any that knows of no journal, or understands none.
    is_swept = world.rules.trusts_blindly
    world.workers[0] = world.worker_on(killed.process.host, 0, is_swept=is_swept)
    world.start_scheduler()
    world.run_for(12.0)
    world.settle()


def the_scheduler_has_another_directory(world: World) -> None:
    """One worker is back, another one is not; in that one the first has tasks.

    Needs two shards.
    """
    away = _with_a_long_task(world)
    if away is None or not all(one.is_associated for one in world.workers):
        return
    world.crash_scheduler()
    host = away.process.host.name
    world.network.block(host, UP)
    world.network.block(host, DOWN)
    back = next(one for one in world.workers if one is not away)
    place = back.process.host.name
    noted = Given(back.id, place, place, NO_HOME, is_beside=False)
    world.disk.served = Served(safe_wait=1.0, given=(noted,))
    world.start_scheduler()
    world.run_for(12.0)
    world.settle()


def _with_a_long_task(world: World) -> WorkerNode | None:
    def found() -> WorkerNode | None:
        for worker in world.workers:
            until = worker.process.clock() + 25.0
            if any(one.ends_at > until for one in worker.warden.attempts.values()):
                return worker
        return None

    _until(world, found, 20.0)
    return found()
