"""What is said of those who give cause for it: little each minute of each. Pure."""

_EVERY_SEC = 60.0
_MOST = 1000
"""Visitors that are told apart; with more all are one."""
_ALL_OTHERS = ""


class Complaints:
    """Lets some complaints a minute through of each visitor, and counts the others."""

    def __init__(self, most: int = 1) -> None:
        """``most``: complaints a minute of each."""
        self._most = most
        self._next: dict[str, float] = {}
        """When a visitor's minute is over."""
        self._said: dict[str, int] = {}
        self._unsaid: dict[str, int] = {}

    def of(self, who: str, text: str, now: float) -> str:
        """Return what is to be said of ``who``; empty: nothing, it was just said."""
        if who not in self._next and len(self._next) >= _MOST:
            self._forget_old(now)
            if len(self._next) >= _MOST:
                who = _ALL_OTHERS
        if now >= self._next.get(who, now):
            self._next[who] = now + _EVERY_SEC
            self._said[who] = 0
        elif self._said[who] >= self._most:
            self._unsaid[who] = self._unsaid.get(who, 0) + 1
            return ""
        self._said[who] += 1
        unsaid = self._unsaid.pop(who, 0)
        return f"{text} ({unsaid} more since the last such line)" if unsaid else text

    def _forget_old(self, now: float) -> None:
        for who in [who for who, until in self._next.items() if until <= now]:
            del self._next[who], self._said[who]
            self._unsaid.pop(who, None)
