"""Short stories that random faults tell too rarely."""

from collections.abc import Callable

from tests.engine.remote.sim.network import DOWN, UP
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
