"""Whether anything may start at all."""

from dataclasses import dataclass, field
from typing import NamedTuple

from bistro_tui.engine.config.model import Settings
from bistro_tui.engine.scheduling.reasons import Reason


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
