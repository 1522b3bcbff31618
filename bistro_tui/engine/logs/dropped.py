"""What of output could not be kept, in numbers and words. Pure."""

from typing import NamedTuple


class Dropped(NamedTuple):
    """What came while nothing could be stored, and was too much to be kept."""

    lines: int = 0
    bytes: int = 0
    attempts: int = 0
    """Records of attempts that were over."""

    def more(self, lines: int, size: int, attempts: int) -> "Dropped":
        """Return it with these added."""
        return Dropped(self.lines + lines, self.bytes + size, self.attempts + attempts)

    def since(self, before: "Dropped") -> "Dropped":
        """Return what of it was not there before."""
        return Dropped(*map(int.__sub__, self, before))

    @property
    def words(self) -> str:
        """What it is, for people; empty: nothing."""
        parts = []
        if self.lines:
            size = _counted(self.bytes, "byte")
            parts.append(f"{_counted(self.lines, 'line')} ({size}) of output")
        if self.attempts:
            parts.append(
                "the record of 1 attempt"
                if self.attempts == 1
                else f"the records of {self.attempts} attempts"
            )
        return " and ".join(parts)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
