"""Innocent processes that take the numbers of dead ones and tell of every signal."""

import os
import random
import signal

EVERY = frozenset(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}
LONGEST_SEC = 0.4


class Bystanders:
    """Forks and reaps them; to be called often, by a process with one thread."""

    def __init__(self, rng: random.Random, at_once: int) -> None:
        self._rng = rng
        self._at_once = at_once
        self.alive: set[int] = set()
        self.born = 0
        self.pids: set[int] = set()
        """Every number that one of them has had."""
        self.hits: list[str] = []
        """What happened to those that were not left alone."""

    def tend(self, most: int = 3) -> None:
        """Reap those that are through and have new ones born, some at a time."""
        for pid in tuple(self.alive):
            found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if found:
                self._judge(pid, status)
        for _ in range(min(most, self._at_once - len(self.alive))):
            self._bear()

    def end(self) -> None:
        """Wait for all of them."""
        while self.alive:
            pid = next(iter(self.alive))
            self._judge(pid, os.waitpid(pid, os.WUNTRACED)[1])

    def _judge(self, pid: int, status: int) -> None:
        if os.WIFSTOPPED(status):
            self.hits.append(f"{pid} was stopped")
            os.kill(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
        elif os.WIFSIGNALED(status):
            self.hits.append(f"{pid} was killed by signal {os.WTERMSIG(status)}")
        elif code := os.WEXITSTATUS(status):
            self.hits.append(f"{pid} got signal {code}")
        self.alive.discard(pid)

    def _bear(self) -> None:
        seconds = self._rng.uniform(0, LONGEST_SEC)
        leads_session = self._rng.random() < 0.5
        # Before the fork, so that there is no moment in which one is lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, EVERY)
        pid = os.fork()
        if not pid:
            _stand_by(seconds, leads_session=leads_session)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, EVERY)
        self.born += 1
        self.pids.add(pid)
        self.alive.add(pid)


def _stand_by(seconds: float, *, leads_session: bool) -> None:
    """Exit with the number of the first signal, or 0 when the time is up."""
    code = 255
    try:
        # A copy of a lifeline would keep the other end alive.
        os.closerange(3, 1024)
        if leads_session:
            os.setsid()
        found = signal.sigtimedwait(EVERY, seconds)
        code = 0 if found is None else found.si_signo
    finally:
        os._exit(code)
