"""The ``/`` filter: one small grammar for every list."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Words that a row must hold, and words (written ``!word``) that it must not."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """Return the filter that a person typed; upper and lower case are one."""
        words = text.casefold().split()
        return cls(
            wanted=tuple(word for word in words if not word.startswith("!")),
            unwanted=tuple(
                word[1:] for word in words if len(word) > 1 and word[0] == "!"
            ),
        )

    def __bool__(self) -> bool:
        """Return whether it says anything."""
        return bool(self.wanted or self.unwanted)

    def matches(self, text: str) -> bool:
        """Return whether a row with this text stays."""
        text = text.casefold()
        return all(word in text for word in self.wanted) and not any(
            word in text for word in self.unwanted
        )
