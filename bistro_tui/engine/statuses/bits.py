"""The bits of a task status; the numbers are Bistro's and frozen.

Source: Bistro, if/bits.thrift (TaskStatusBits).
"""

import enum


class Bits(enum.IntFlag):
    """What is known of one task."""

    UNSTARTED = 1
    RUNNING = 2
    DONE = 4
    INCOMPLETE = 8
    FAILED = 16
    ERROR = 32
    USES_BACKOFF = 64
    AVOIDED = 128
    DISABLED = 256
    DOES_NOT_ADVANCE_BACKOFF = 512
    OVERWRITEABLE = 1024
    HAS_SAVED_BACKOFF = 2048


MAIN_BITS = Bits.RUNNING | Bits.DONE | Bits.INCOMPLETE | Bits.FAILED | Bits.ERROR
"""A status has exactly one of these; none at all means that the task never ran."""

DONE = Bits.DONE
FAILED = Bits.FAILED
INCOMPLETE = Bits.INCOMPLETE
INCOMPLETE_BACKOFF = Bits.INCOMPLETE | Bits.USES_BACKOFF | Bits.DOES_NOT_ADVANCE_BACKOFF
ERROR_BACKOFF = Bits.ERROR | Bits.USES_BACKOFF
