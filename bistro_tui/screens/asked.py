"""What keys asked settings to be, while the screen does not show it yet."""

from bistro_tui.engine.view import Snapshot
from bistro_tui.present.settings import Setting, Value, value_in


class Asked:
    """Keys are quicker than files: each press starts from what the last one asked."""

    def __init__(self) -> None:
        self._open: dict[Setting, list[Value]] = {}
        """Requests that are not answered yet, the newest last."""
        self._made: dict[Setting, tuple[Value, int]] = {}
        """What was agreed to last, and the first config version that can have it."""
        self._newest = 0
        """The first that can have all that was agreed to."""

    def value(self, setting: Setting, shown: Snapshot) -> Value | None:
        """Return what it is asked to be, else what it was made, else what is shown."""
        if wanted := self._open.get(setting):
            return wanted[-1]
        made = self._made.get(setting)
        return value_in(shown, setting) if made is None else made[0]

    def ask(self, setting: Setting, value: Value) -> None:
        """Take note of a request; ``refused`` or ``agreed`` has to follow."""
        self._open.setdefault(setting, []).append(value)

    def refused(self, setting: Setting, value: Value) -> None:
        """Take note that a request came to nothing."""
        wanted = self._open[setting]
        wanted.remove(value)
        if not wanted:
            del self._open[setting]

    def agreed(self, setting: Setting, value: Value, shown: Snapshot) -> None:
        """Take note that a request is carried out; ``shown`` is on the screen."""
        self.refused(setting, value)
        # What is shown may lag behind by several answers, each of a version of its own.
        self._newest = max(self._newest, shown.state.config_version) + 1
        self._made[setting] = value, self._newest
        self.look(shown)

    def look(self, shown: Snapshot) -> None:
        """Forget what a snapshot shows, or what a later config has overtaken."""
        for setting, (made, version) in tuple(self._made.items()):
            is_over = shown.state.config_version >= version
            value = value_in(shown, setting)
            if is_over or value is None or value == made:
                del self._made[setting]
