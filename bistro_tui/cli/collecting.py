"""When Python looks for cyclic garbage: not while a million nodes are being loaded.

A full collection takes 100 ms for each million objects, and stops the loop so long.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (10_000, 20, 50)
"""A reload makes as many objects as the load did; tasks leave hardly any cycles."""


@contextmanager
def loading() -> Iterator[None]:
    """Look for none inside the block, and never again at what was made there."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)
        gc.enable()
