"""What the schedulers of a simulated world keep on disk of their workers."""

from bistro_tui.engine.remote.given import Given
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.served import Served


class Disk:
    """The real note, as each scheduler finds it and changes it; it outlives them."""

    def __init__(self) -> None:
        self.served = Served()
        self.slowness = 0.3
        """Most seconds until statuses are stored."""

    def let_in(self, scheduler: InstanceId, safe_wait: float) -> None:
        self.served = self.served.letting_in(scheduler, safe_wait)

    def give(
        self,
        scheduler: InstanceId,
        safe_wait: float,
        given: tuple[Given, ...] | None,
    ) -> None:
        self.served = self.served.giving(scheduler, safe_wait, given)
