"""Whether anything may start at all."""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, assert_never

from bistro_tui.engine.config.model import Settings
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.reasons import Reason

GateEvent: TypeAlias = (
    ev.ConfigBroken | ev.StartsPaused | ev.StartsResumed | ev.StartsLimited
)


class Closed(NamedTuple):
    """Why nothing may start."""

    reason: Reason
    """CONFIG_ERROR, SCHEDULER_DISABLED or PAUSED."""
    text: str


@dataclass(slots=True, kw_only=True)
class Gate:
    """Everything that holds for all tasks at once."""

    settings: Settings | None = None
    """Those of the last good config."""
    config_broken: bool = False
    has_nodes: bool = False
    has_statuses: bool = False
    stop_requests: int = 0
    pauses: dict[str, str] = field(default_factory=dict)
    """What to tell people, by cause."""
    limit: int | None = None
    """At most so many tasks run at once; None: no limit."""
    limit_text: str = ""

    def take_in(self, event: GateEvent) -> None:
        """Take note of what happened."""
        match event:
            case ev.ConfigBroken():
                self.config_broken = True
            case ev.StartsPaused(cause, text):
                self.pauses[cause] = text
            case ev.StartsResumed(cause):
                self.pauses.pop(cause, None)
            case ev.StartsLimited(limit, text):
                self.limit, self.limit_text = limit, text
            case _:
                assert_never(event)

    @property
    def is_loaded(self) -> bool:
        """Whether config, nodes and statuses were there at least once."""
        return self.settings is not None and self.has_nodes and self.has_statuses

    @property
    def is_frozen(self) -> bool:
        """Whether the config gives no ground to judge orphans by."""
        return (
            not self.is_loaded
            or self.stop_requests > 0
            or self._config_closes() is not None
        )

    def closed(self) -> Closed | None:
        """Return why nothing may start, None if tasks may."""
        return self._config_closes() or self._pause()

    def full(self, running: int) -> Closed | None:
        """Return why nothing more may start beside so many, None if something may."""
        if self.limit is None or running < self.limit:
            return None
        return Closed(Reason.PAUSED, self.limit_text)

    def _config_closes(self) -> Closed | None:
        if self.settings is None:
            return None
        if self.config_broken and self.settings.on_bad_config != "keep":
            return Closed(
                Reason.CONFIG_ERROR,
                "the config file is bad; nothing starts until it is good again",
            )
        if not self.settings.enabled:
            return Closed(
                Reason.SCHEDULER_DISABLED,
                "the scheduler is disabled: bistro_settings.enabled is false",
            )
        return None

    def _pause(self) -> Closed | None:
        if self.stop_requests:
            return Closed(Reason.PAUSED, "the scheduler is stopping")
        if self.pauses:
            return Closed(Reason.PAUSED, "; ".join(self.pauses.values()))
        if not self.is_loaded:
            return Closed(Reason.PAUSED, "config, nodes and statuses are being read")
        return None
