"""One error family; a class for each thing that a caller can do about it."""

from pathlib import Path


class BistroError(Exception):
    """Something went wrong that a person can be told about in one message."""


class ConfigUnusable(BistroError):
    """The config cannot be used; the message names file, place and remedy."""


class DataDirUnusable(BistroError):
    """The data directory or a database in it cannot be used; it was not touched."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {problem}\n  {remedy}")
        self.path, self.problem, self.remedy = path, problem, remedy


class DiskFull(DataDirUnusable):
    """It cannot be used for want of room; with some it can."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            path,
            f"disk full: {problem}",
            "free some space there (`df`, and `df -i` for the number of files)",
        )


class DataDirHeld(BistroError):
    """Another scheduler owns the data directory."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(
            f"{path}: held by another scheduler ({holder})\n"
            "  stop that one first, or give this one its own --data-dir"
        )
        self.path, self.holder = path, holder


class DoorUnusable(BistroError):
    """A door that was asked for cannot be opened; the message says what to set."""


class NobodyListens(DoorUnusable):
    """No scheduler of this user listens there, yet."""


class ControlRefused(BistroError):
    """A request was understood and refused: unknown job, file not writable, …."""
