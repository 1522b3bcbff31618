"""A scheduler and its workers, all on this host, each a program of its own."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from tests.e2e.program import Place

QUICK = ("--worker-check-interval=0.2", "--healthcheck-period=1")
PATIENCE = 60.0
T = TypeVar("T")


def until(condition: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    """Return the first value that counts as true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)
    return found


class Pool:
    """Ends whatever it started; what each said is in a file of its name."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._stack = ExitStack()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, name: str, *words: object) -> "subprocess.Popen[str]":
        said = self._stack.enter_context((self.place.path / f"{name}.err").open("a"))
        process = self.place.start(*words, stderr=said)
        self._stack.callback(end, process)
        return process

    def said(self, name: str) -> str:
        return (self.place.path / f"{name}.err").read_text()

    def scheduler(
        self, config: Path, *flags: str, port: str = "0"
    ) -> "subprocess.Popen[str]":
        where = ("--no-ui", "--data-dir", self.place.data, "--server-port", port)
        return self.start("scheduler", config, *where, *QUICK, *flags)

    def port(self) -> str:
        """Return where the scheduler listens for workers, once it does."""
        path = self.place.data / "run" / "worker.port"
        return until(lambda: path.read_text().strip() if path.exists() else "")

    def worker(
        self, shard: str, *flags: object, command: str = "/bin/false"
    ) -> "subprocess.Popen[str]":
        """Start a worker; without --token-file it has this user's secret."""
        return self.start(
            shard,
            *("worker", "--scheduler-host=::", "--scheduler-port", self.port()),
            *("--shard-id", shard, "--data-dir", self.place.path / shard),
            *("--worker-command", command, "--heartbeat-period-sec=0.5", *flags),
        )

    def ask(self, handler: str, **more: Any) -> Any:
        """Return the data of one handler, or the sentence of its refusal."""
        body = json.dumps({"a": {"handler": handler, **more}})
        head = f"POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: {len(body)}"
        # Workers are heard a moment before anybody is answered.
        with until(self._connected) as talk:
            talk.settimeout(PATIENCE)
            talk.sendall(f"{head}\r\n\r\n{body}".encode())
            with talk.makefile("rb") as answer:
                said = answer.read()
        found = json.loads(said.partition(b"\r\n\r\n")[2])["a"]
        return found.get("data", found.get("error"))

    def _connected(self) -> socket.socket | None:
        talk = socket.socket(socket.AF_UNIX)
        try:
            talk.connect(str(self.place.data / "run" / "api.sock"))
        except OSError:
            talk.close()
            return None
        return talk

    def running(self) -> dict[str, dict[str, dict[str, Any]]]:
        found: dict[str, dict[str, dict[str, Any]]] = self.ask("running_tasks")
        return found

    def is_all_done(self, tasks: int) -> bool:
        return bool(self.ask("stats")["tasks"]["done"] == tasks)


def end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
