"""Signals that this program was started to ignore, and its tasks must not."""

import signal

_NOT_OURS = {signal.SIGKILL, signal.SIGSTOP}


def stop_passing_on_ignored_signals() -> None:
    """Make every signal that is ignored here start at its default in tasks.

    A shell lets background programs ignore SIGINT, nohup SIGHUP; ``execve`` passes
    that on, but not a handler. So an ignored signal gets a handler that does nothing.
    Call once at start-up, on the main thread.
    """
    for number in signal.valid_signals() - _NOT_OURS:
        if signal.getsignal(number) is signal.SIG_IGN:
            # Ignoring SIGCHLD means that the kernel reaps our children for us.
            handler = (
                signal.SIG_DFL if number == signal.SIGCHLD else _ignore_it_ourselves
            )
            signal.signal(number, handler)


def _ignore_it_ourselves(_number: int, _frame: object) -> None:
    pass
