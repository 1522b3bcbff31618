"""Asking ``nvidia-smi`` for the cards of this host.

Source: Bistro, physical/NvidiaSmi… (``--nvidia_smi``,
``--physical_resources_subprocess_timeout_ms``).
"""

import asyncio
import shutil
import threading
from concurrent.futures import Future
from pathlib import Path

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.nodes.sources.growing import NodeSourceError
from bistro_tui.engine.nodes.sources.program import Program
from bistro_tui.engine.physical.host import Gpu
from bistro_tui.engine.physical.texts import GPU_FIELDS, Unreadable, read_gpus

_GRACE_SEC = 1.0
"""How long a program that was killed is waited for."""


class NvidiaSmi:
    """One question at a time, each in a thread of its own.

    A driver in trouble holds its program in the kernel, where nothing kills it. Then
    nobody waits for that thread, and no other is begun beside it.
    """

    def __init__(self, program: str, *, timeout_sec: float, clock: Clock) -> None:
        """Take a path or a name for PATH, and how long it may take."""
        self._program = program
        self._timeout_sec = timeout_sec
        self._clock = clock
        self._run: _Run | None = None

    async def gpus(self) -> tuple[Gpu, ...]:
        """Return the cards. Raises Unreadable if that fails or takes too long.

        Cancelling ends the program first.
        """
        if self._run is not None and not self._run.answer.done():
            raise Unreadable(f"{self._program}: was killed, and has not ended yet")
        run = self._run = _Run(self._argv(), self._timeout_sec, self._clock)
        run.start()
        answer = asyncio.wrap_future(run.answer)
        try:
            await asyncio.wait((answer,), timeout=self._timeout_sec + _GRACE_SEC)
        except asyncio.CancelledError:
            run.cancelled.set()
            await asyncio.wait((answer,), timeout=_GRACE_SEC)
            _forget(answer)
            raise
        if not answer.done():
            _forget(answer)
            raise Unreadable(f"{self._program}: was killed, and does not end")
        try:
            return answer.result()
        except (NodeSourceError, Unreadable) as error:
            raise Unreadable(f"{self._program}: {error}") from None

    def _argv(self) -> tuple[str, ...]:
        if "/" in self._program:
            path: str | None = str(Path(self._program).absolute())
        else:
            path = shutil.which(self._program)
        if path is None:
            raise Unreadable(f"{self._program}: is not in PATH")
        wanted = f"--query-gpu={','.join(GPU_FIELDS)}"
        return (path, "--format=csv,noheader,nounits", wanted)


class _Run(threading.Thread):
    def __init__(self, argv: tuple[str, ...], timeout_sec: float, clock: Clock) -> None:
        # The end of this program does not wait for a thread that cannot end.
        super().__init__(name="nvidia-smi", daemon=True)
        self.answer: Future[tuple[Gpu, ...]] = Future()
        self.cancelled = threading.Event()
        self._clock = clock
        self._program = Program(argv=argv, directory=Path("/"), timeout_sec=timeout_sec)

    def run(self) -> None:
        if not self.answer.set_running_or_notify_cancel():
            return
        try:
            printed = self._program.run(self._clock, self.cancelled)
            found = read_gpus(printed.decode(errors="replace"))
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            self.answer.set_exception(error)
        else:
            self.answer.set_result(found)


def _forget(answer: "asyncio.Future[tuple[Gpu, ...]]") -> None:
    """Let nobody complain that an answer is of no interest any more."""
    if not answer.cancel() and not answer.cancelled():
        answer.exception()
