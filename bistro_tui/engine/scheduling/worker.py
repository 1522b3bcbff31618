"""One worker, as those see it who choose one."""

from collections.abc import Container, Iterable, Mapping

from bistro_tui.engine.ids import NodeName, ResourceName
from bistro_tui.engine.scheduling.accounts import Used
from bistro_tui.engine.scheduling.events import WorkerFacts


class Worker:
    """One that is connected."""

    __slots__ = (
        "account",
        "bit",
        "facts",
        "host",
        "lefts",
        "limits",
        "position",
        "score",
        "slots",
    )

    def __init__(self, facts: WorkerFacts, account: int, position: int) -> None:
        self.facts = facts
        self.account = account
        self.position = position
        """Its place in the order of the workers."""
        self.bit = 1 << position
        self.host = facts.host.name
        self.slots: int | None = facts.slots
        self.limits: Mapping[ResourceName, int] = {}
        self.lefts: tuple[tuple[Used, int], ...] = ()
        """For each resource: what is in use, and the limit."""
        self.score = 0
        """The sum of what is left, weighted; kept where the busiest is chosen."""

    @property
    def shard(self) -> NodeName:
        """Its name."""
        return self.facts.shard

    @property
    def names(self) -> tuple[str, ...]:
        """What the config may call it."""
        host = self.host
        return self.shard, *((host, f"{host}:{self.facts.port}") if host else ())

    def fits_alone(self, needs: Iterable[int]) -> bool:
        """Return whether it takes a task with these ``needs`` once it runs no other."""
        return (
            self.facts.is_healthy
            and self.slots != 0
            and all(
                need <= limit
                for need, limit in zip(needs, self.limits.values(), strict=True)
            )
        )

    def may_come_back(
        self, needs: Iterable[int], measured: Container[ResourceName]
    ) -> bool:
        """Return whether it is away, and may take such a task when it is back.

        It may have any number of what is ``measured``.
        """
        if self.facts.is_healthy or self.facts.is_leaving:
            return False
        return all(
            need <= limit or name in measured
            for need, (name, limit) in zip(needs, self.limits.items(), strict=True)
        )
