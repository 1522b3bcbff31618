"""Output bytes to rows of the log, and how many rows a task may write. Pure.

Source: Bistro, processes/AsyncReadPipe and AsyncReadPipeRateLimiter.
"""

LONGEST_ROW = 65_000
"""Bytes, the newline included; longer lines become several rows."""


class LineCutter:
    """Cuts a stream of bytes at newlines; its rows, put together, are the input."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def unfinished(self) -> bytes:
        """The bytes that wait for their newline; fewer than LONGEST_ROW."""
        return self._rest

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the rows that ``chunk`` completes.

        A row ends with its newline, or has exactly LONGEST_ROW bytes without one.
        """
        *lines, rest = (self._rest + chunk).split(b"\n")
        rows: list[bytes] = []
        for line in lines:
            if len(line) < LONGEST_ROW:
                rows.append(line + b"\n")
            else:
                rows.extend(_pieces(line + b"\n"))
        *full, self._rest = _pieces(rest) if len(rest) >= LONGEST_ROW else [rest]
        if len(self._rest) == LONGEST_ROW:
            full.append(self._rest)
            self._rest = b""
        rows.extend(full)
        return rows

    def finish(self) -> list[bytes]:
        """Return what is left at the end of the stream: one row or none."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []


def rows_of(output: bytes) -> list[bytes]:
    """Return the rows of a whole stream."""
    if len(output) <= LONGEST_ROW and output.find(b"\n") in (-1, len(output) - 1):
        return [output] if output else []
    cutter = LineCutter()
    return cutter.feed(output) + cutter.finish()


class LineQuota:
    """How many rows a task may write: ``rows`` more in every ``interval_ms``.

    Credit that is not used stays; a burst may overdraw it. 0 rows: no limit.
    Source: Bistro, AsyncReadPipeRateLimiter.
    """

    def __init__(self, *, rows: int, interval_ms: int, now: float) -> None:
        """``now``: monotonic seconds at the task's start."""
        self._rows = rows
        self._interval = max(1, interval_ms) / 1000
        self._start = now
        self._spent = 0

    def spend(self, rows: int) -> None:
        """Count rows that were written."""
        self._spent += rows

    def wait(self, now: float) -> float:
        """Return the seconds until more may be read; 0 when it may be now."""
        if self._rows <= 0:
            return 0.0
        # The credit, rows * (1 + intervals passed) - spent, must rise above 0.
        needed = self._spent // self._rows
        due = self._start + needed * self._interval
        return max(0.0, due - now)


def _pieces(line: bytes) -> list[bytes]:
    return [
        line[start : start + LONGEST_ROW] for start in range(0, len(line), LONGEST_ROW)
    ]
