"""What keys asked settings to be, while the screen does not show it yet."""

from collections import Counter

from bistro_tui.engine.view import Snapshot
from bistro_tui.present.settings import Setting, Value, value_in


class Asked:
    """Keys are quicker than files: each press starts from what the last one asked."""

    def __init__(self) -> None:
        self._asked: dict[Setting, Value] = {}
        self._open: Counter[Setting] = Counter()
        """Requests that are not answered yet."""
        self._answered: dict[Setting, int] = {}
        """The first config version that can have it."""
        self._newest = 0
        """The first that can have all that was answered."""

    def value(self, setting: Setting, shown: Snapshot) -> Value | None:
        """Return what it is asked to be, else what is shown."""
        asked = self._asked.get(setting)
        return value_in(shown, setting) if asked is None else asked

    def ask(self, setting: Setting, value: Value) -> None:
        """Take note of a request; ``answered`` has to follow."""
        self._asked[setting] = value
        self._open[setting] += 1
        self._answered.pop(setting, None)

    def answered(self, setting: Setting, shown: Snapshot, *, is_refused: bool) -> None:
        """Take note of the answer to one request; ``shown`` is on the screen."""
        self._open[setting] -= 1
        if self._open[setting] > 0:
            return
        if is_refused:
            self._forget(setting)
            return
        # What is shown may lag behind by several answers, each of a version of its own.
        self._newest = max(self._newest, shown.state.config_version) + 1
        self._answered[setting] = self._newest
        self.look(shown)

    def look(self, shown: Snapshot) -> None:
        """Forget what a snapshot shows, or what a later config has overtaken."""
        for setting, version in tuple(self._answered.items()):
            is_over = shown.state.config_version >= version
            value = value_in(shown, setting)
            if is_over or value is None or value == self._asked[setting]:
                self._forget(setting)

    def _forget(self, setting: Setting) -> None:
        self._asked.pop(setting, None)
        self._answered.pop(setting, None)
        del self._open[setting]
