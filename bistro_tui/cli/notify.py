"""What the service manager that started us is told, by ``sd_notify``'s protocol.

Source: systemd, sd_notify(3) and sd_watchdog_enabled(3).
"""

import os
import socket
from collections.abc import MutableMapping

_ITS_VARIABLES = (
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
)
"""What is said to one process alone: a task that had them could speak for us."""

_PATIENCE_SEC = 1.0
"""How long a manager that does not read holds up what it must not miss."""
_LONGEST_STATUS = 200
_EVERY_SEC = 5.0
"""How often it is told how we are, unless it wants to hear more often."""


class ServiceManager:
    """Whoever waits for our messages; nobody, where the environment names none."""

    def __init__(self, address: str = "", *, watchdog_sec: float | None = None) -> None:
        """``address``: a path, or ``@NAME`` for an abstract socket."""
        self._address = address
        self._told = ""
        self.watchdog_sec = watchdog_sec if address else None
        """We are killed after so long without ``alive``; None: nobody watches."""

    @property
    def pause_sec(self) -> float:
        """How long at the most it may be between two words of ours."""
        if not self.watchdog_sec:
            return _EVERY_SEC
        return min(_EVERY_SEC, self.watchdog_sec / 2)

    @property
    def listens(self) -> bool:
        """Whether anybody wants to be told."""
        return bool(self._address)

    def ready(self, status: str = "") -> None:
        """It serves, or serves again after a reload."""
        self._tell("READY=1", *self._new(status), patience=_PATIENCE_SEC)

    def reloading(self, mono: float) -> None:
        """It reads its config again, since that second of the monotonic clock."""
        usec = f"MONOTONIC_USEC={int(mono * 1_000_000)}"
        self._tell("RELOADING=1", usec, patience=_PATIENCE_SEC)

    def stopping(self, status: str = "") -> None:
        """It ends, however long that takes."""
        self._tell("STOPPING=1", *self._new(status), patience=_PATIENCE_SEC)

    def alive(self) -> None:
        """Its loop turns."""
        self._tell("WATCHDOG=1", patience=0.0)

    def status(self, text: str) -> None:
        """Have this shown by ``systemctl status``; the same again is not sent."""
        if told := self._new(text):
            self._tell(*told, patience=0.0)

    def _new(self, status: str) -> tuple[str, ...]:
        text = " ".join(status.split())[:_LONGEST_STATUS]
        if not text or text == self._told:
            return ()
        self._told = text
        return (f"STATUS={text}",)

    def _tell(self, *lines: str, patience: float) -> None:
        if not self._address:
            return
        name = os.fsencode(self._address)
        target = b"\0" + name[1:] if name.startswith(b"@") else name
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        message = "\n".join(lines).encode("utf-8", "replace")
        try:
            with socket.socket(socket.AF_UNIX, kind) as to_manager:
                to_manager.settimeout(patience)
                to_manager.sendto(message, target)
        except OSError:
            # There is nobody to complain to; a watchdog that misses us will act.
            pass


def take_service_manager(
    environment: MutableMapping[str, str], *, pid: int
) -> ServiceManager:
    """Return who started process ``pid``, and take that out of the environment.

    What starts from now on inherits none of it.
    """
    found = {name: environment.pop(name, "") for name in _ITS_VARIABLES}
    address = found["NOTIFY_SOCKET"]
    if not address.startswith(("/", "@")) or len(address) < 2 or "\0" in address:
        return ServiceManager()
    is_for_us = found["WATCHDOG_PID"] in ("", str(pid))
    usec = found["WATCHDOG_USEC"]
    # Over 18 digits is no time; int() takes more than ASCII digits.
    is_number = usec.isascii() and usec.isdigit() and len(usec) <= 18
    sec = int(usec) / 1_000_000 if is_number and is_for_us else 0.0
    return ServiceManager(address, watchdog_sec=sec or None)
