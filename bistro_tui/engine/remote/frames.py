"""Messages as bytes: what a frame of a link carries. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from bistro_tui.engine.remote.bounds import MOST_TASKS
from bistro_tui.engine.remote.messages import Envelope, RunningTask
from bistro_tui.engine.remote.wire import WireLost

LARGEST_BYTES = 32 * 1024 * 1024
"""Of one frame, and so of one message."""
FROM_WORKERS_BYTES = 8 * 1024 * 1024
"""Of one that a scheduler takes: it is decoded in one turn of its loop. The largest is
the list of all tasks of a worker."""
TASKS_BYTES = FROM_WORKERS_BYTES - 1024
"""Of all tasks in a message that lists them; the rest is for what is around them."""
TOGETHER_BYTES = 64 * 1024
"""A frame is not made larger than this by more than one message: the other side reads
it in one turn of its loop."""

_HEADER_BYTES = 5
_ONE = 0x91
"""The header of a list with one item."""
_PID_BYTES = 4
"""By which a task becomes longer when its worker has its pid."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Envelope]).decode


def encoded(envelope: Envelope) -> bytes | str:
    """Return a message, or as text why it cannot be one."""
    try:
        found = _encode(envelope)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError) as error:
        return f"cannot be sent: {error}"
    if len(found) > LARGEST_BYTES - _HEADER_BYTES:
        return f"cannot be sent: {len(found)} bytes, more than {LARGEST_BYTES}"
    return found


def decoded(frame: bytes) -> list[Envelope]:
    """Return what is in a frame. Raises WireLost if it is none."""
    if len(frame) > TOGETHER_BYTES + _HEADER_BYTES and frame[0] != _ONE:
        raise WireLost("it put too much into one frame")
    try:
        return _decode(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise WireLost(f"what it sent cannot be read: {error}") from None


def frame_of(messages: Sequence[bytes]) -> bytes:
    """Return a frame with these messages in their order."""
    # A list in MessagePack is a header and then its items as they are.
    return b"".join((_header_of_list(len(messages)), *messages))


def told_bytes(task: RunningTask) -> int:
    """Return how much of a message a task takes, at most, whatever becomes of it."""
    return len(_encode(task)) + _PID_BYTES


def that_fit(tasks: Iterable[RunningTask]) -> tuple[RunningTask, ...]:
    """Return the first tasks, as many as a message can list; one always can be."""
    found: list[RunningTask] = []
    room = TASKS_BYTES
    for task in tasks:
        room -= told_bytes(task)
        if room < 0 or len(found) >= MOST_TASKS:
            break
        found.append(task)
    return tuple(found)


def _header_of_list(length: int) -> bytes:
    """Return what begins a list in MessagePack."""
    if length < 16:
        return bytes((0x90 | length,))
    if length < 65_536:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")
