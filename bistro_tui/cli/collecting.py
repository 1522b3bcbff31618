"""When Python looks for cyclic garbage: not while a million nodes are being loaded.

A full collection takes 100 ms for each million objects, and stops the loop so long.
Nor while modules are: a quarter of the time that takes would go into looking.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (10_000, 20, 50)
"""A reload makes as many objects as the load did; tasks leave hardly any cycles."""

_lock = threading.Lock()
_loading = 0
"""How many blocks are being run, on whatever threads."""


@contextmanager
def loading() -> Iterator[None]:
    """Look for none inside the block, and never again at what was made there.

    Where blocks overlap, on several threads too, none is looked for until the last has
    ended.
    """
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    global _loading
    with _lock:
        _loading += change
        if _loading:
            gc.disable()
            return
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)
        gc.enable()
