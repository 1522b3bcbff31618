"""The simulated world under Hypothesis, which finds the shortest way to break it."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.engine.remote.sim.world import World

_FAULTS = sorted(World(0).faults())


class ClusterUnderFaults(RuleBasedStateMachine):
    """Each rule is a fault, or lets time go on; the world raises what is broken."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(0)
        self.faults = 0

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.world = World(seed)
        self.world.run_for(8.0)

    @rule(
        name=st.sampled_from(_FAULTS),
        seconds=st.sampled_from((0.0, 0.1, 2.0, 6.0, 20.0)),
    )
    def fault(self, name: str, seconds: float) -> None:
        self.faults += 1
        self.world.faults()[name]()
        self.world.run_for(seconds)

    @precondition(lambda self: not self.world.scheduler.process.is_alive)
    @rule()
    def start_scheduler(self) -> None:
        self.world.start_scheduler()

    @precondition(lambda self: self.world.network.blocked)
    @rule()
    def heal(self) -> None:
        self.world.heal()

    @rule()
    def all_go_on(self) -> None:
        self.world.wake()
        self.world.scheduler.process.go_on()
        self.world.go_on_workers()

    def teardown(self) -> None:
        if self.faults:
            self.world.settle()
