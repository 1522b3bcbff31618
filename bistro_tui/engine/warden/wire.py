"""What a scheduler and its warden say to each other, over one stream socket.

A frame is its length (4 bytes, big endian) and a marshalled list of messages, each a
tuple that begins with the number of its kind. Both ends are the same interpreter and
nobody else holds the socket: marshal's lack of care for foreign bytes does no harm.
"""

import marshal
import struct
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

WINDOW = 65_536
"""Bytes of output that a warden sends of one attempt before they must be credited."""

STDOUT, STDERR = 1, 2

LEASE = "lease"
"""Why an attempt was not started: see ``NotStarted``."""

KILL, TERM, TERM_WAIT_KILL = 0, 1, 2
"""How to end an attempt; the wait counts for the last, and at the scheduler's end."""


class Setup(NamedTuple):
    """The first message to a warden."""

    environment: tuple[tuple[bytes, bytes], ...]
    """The user's, handed on to every task."""
    descriptors: int
    """Descriptors that this warden may have open at once."""
    cgroup: bytes
    """A cgroup directory that it may make, and in it one for each task; empty: none."""


class Start(NamedTuple):
    """Start an attempt. Answered by ``Started`` or ``NotStarted``, later ``Ended``.

    Everything that holds text is bytes, as the kernel takes it.
    """

    number: int
    """Names the attempt in all other messages; unique while the scheduler lives."""
    tag: int
    """Marks its processes; see ``tags``."""
    record: bytes
    """What the journal keeps of it, one line of JSON; opaque to the warden."""
    argv: tuple[bytes, ...]
    """The first word is a path, or is looked up in the PATH of the attempt."""
    environment: tuple[bytes, ...]
    """Entries (``NAME=value``) that are added to the user's, or replace them."""
    directory: bytes
    """Its working directory; made when missing."""
    status_file: bytes
    """Made empty before the start, removed after ``Settled``."""
    config_file: bytes
    """Holds ``config``; empty when no such file is needed."""
    config: bytes
    kill_method: int
    """How it is ended when its time is up, or when the scheduler vanishes."""
    kill_wait: float
    """Seconds."""
    timeout: float
    """Seconds from its start; 0: none."""
    memory_max: int
    """Bytes that its cgroup may use; 0: no limit, and none without a cgroup."""
    cpu_weight: int
    """Weight of its cgroup; 0: the default."""


class Kill(NamedTuple):
    """Begin to end an attempt; harmless when it is over or being ended faster."""

    number: int
    method: int
    wait: float


class Credit(NamedTuple):
    """So many bytes of an attempt's output have been taken in; send more."""

    number: int
    size: int


class Settled(NamedTuple):
    """The statuses of these attempts are on disk: forget them and their files."""

    numbers: tuple[int, ...]


class Lease(NamedTuple):
    """End everything at ``until``, unless another lease comes before.

    Nothing is started after it. The last one given counts also when the socket ends.
    """

    until: float
    """Second of CLOCK_BOOTTIME, which goes on while the machine sleeps."""
    kill_wait: float
    """Seconds between SIGTERM and SIGKILL, then and when the socket ends."""


class Ready(NamedTuple):
    """The answer to ``Setup``."""

    pid: int
    capacity: int
    """Attempts that it can run at once with its descriptors."""
    containment: str
    """How it finds a task's processes: ``cgroup``, ``subreaper`` or ``session``."""


class Started(NamedTuple):
    """The attempt's process exists. May be left out when it has ended already."""

    number: int
    pid: int


class NotStarted(NamedTuple):
    """It could not be started; nothing is left of it, and no other message follows."""

    number: int
    what: str
    """``program``, ``directory``, ``files`` (status and config), ``journal``,
    ``killed`` (before its turn came) or ``lease`` (which is over); names what ``error``
    is about."""
    error: int
    """The errno; 0 where ``text`` says it all."""
    text: str


class Output(NamedTuple):
    """The attempt has written these bytes."""

    number: int
    stream: int
    data: bytes


class Exited(NamedTuple):
    """The main process has ended, and something still holds its pipes.

    Not sent when ``Ended`` follows at once.
    """

    number: int
    code: int
    """What it exited with; -1 if a signal ended it."""
    signal: int
    """The signal that ended it, 0 for none; both -1 and 0: nobody knows."""
    core: bool


class Ended(NamedTuple):
    """The attempt is over: output drained, no process left, main process reaped."""

    number: int
    pid: int
    code: int
    """As in ``Exited``."""
    signal: int
    core: bool
    killed: bool
    """A ``Kill`` came before its main process ended."""
    timed_out: bool
    status: bytes | None
    """What its status file held; None: no readable regular file."""
    stdout: bytes
    """The last of its output, not to be credited."""
    stderr: bytes
    cpu_seconds: float
    """User and system time of the main process and of what it waited for."""
    peak_memory: int
    """Bytes, the greatest resident set among those."""
    out_of_memory: bool
    """Its cgroup says that the kernel killed for want of memory."""


class Usage(NamedTuple):
    """What running attempts use at this moment."""

    rows: tuple[tuple[int, int, float, int], ...]
    """(number, resident bytes, CPU seconds so far, processes)."""


class Trouble(NamedTuple):
    """Something that a person should know; goes into the scheduler's log."""

    text: str


Request: TypeAlias = Setup | Start | Kill | Credit | Settled | Lease
Reply: TypeAlias = (
    Ready | Started | NotStarted | Output | Exited | Ended | Usage | Trouble
)
Message: TypeAlias = Request | Reply

_KINDS: tuple[type[Message], ...] = (
    Setup,
    Start,
    Kill,
    Credit,
    Settled,
    Ready,
    Started,
    NotStarted,
    Output,
    Exited,
    Ended,
    Usage,
    Trouble,
    Lease,
)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_LENGTH = struct.Struct(">I")


def encode(messages: Sequence[Message]) -> bytes:
    """Return one frame with these messages."""
    numbers = _NUMBERS
    payload = marshal.dumps([(numbers[type(one)], *one) for one in messages])
    return _LENGTH.pack(len(payload)) + payload


class Decoder:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[Message]:
        """Return the messages that ``chunk`` completes, in order."""
        buffer = self._buffer
        if not buffer:
            # Almost always a chunk ends where a frame ends.
            found, end = _cut(chunk)
            if end < len(chunk):
                buffer += chunk[end:]
            return found
        buffer += chunk
        found, end = _cut(buffer)
        del buffer[:end]
        return found


def _cut(stream: bytes | bytearray) -> tuple[list[Message], int]:
    """Return the messages of the whole frames, and where those end."""
    found: list[Message] = []
    at, size = 0, len(stream)
    # ``encode`` was given whole messages: their classes need not count the fields.
    new, kinds = tuple.__new__, _KINDS
    with memoryview(stream) as view:
        while size - at >= _LENGTH.size:
            begin = at + _LENGTH.size
            end = begin + _LENGTH.unpack_from(view, at)[0]
            if end > size:
                break
            messages = marshal.loads(view[begin:end])
            found += [new(kinds[one[0]], one[1:]) for one in messages]
            at = end
    return found, at
