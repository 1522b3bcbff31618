"""How worker and scheduler prove to each other that they have the same secret. Pure.

The worker greets with a nonce and says who it is; the scheduler answers with a nonce of
its own and its proof; the worker checks that, and only then gives its proof. A proof is
an HMAC-SHA256 with the secret over the role of who proves, both nonces, the version of
the protocol and who the worker is. So the secret never travels, and a proof is of no
use for the other role, another connection or another worker.
"""

import hashlib
import hmac
from typing import NamedTuple, TypeAlias, TypeVar

import msgspec

from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.messages import PROTOCOL_VERSION

LARGEST_BYTES = 4096
"""Of a frame before both sides have proven themselves."""
NONCE_BYTES = 32
LONGEST_SHARD = 255
"""Characters."""

_WORKER, _SCHEDULER = "worker", "scheduler"
_TITLE = "bistro-tui worker link"

OTHER_VERSION, OTHER_SECRET, UNREADABLE = "version", "secret", "unreadable"
"""What a refusal says. No text travels: each side has words of its own."""


class HandshakeFailed(Exception):
    """The other side is not let in, or does not let this one in."""

    def __init__(self, text: str, *, code: str = "", told: str = "") -> None:
        """``text`` is for this side's person; with ``code`` the other side is told.

        ``told``: the code that the other side gave.
        """
        super().__init__(text)
        self.text, self.code = text, code
        self.is_of_secret = OTHER_SECRET in (code, told)
        """Whether the two sides have not the same."""


class Introduction(NamedTuple):
    """Who a worker says it is."""

    shard: str
    worker: InstanceId


class _Frame(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One message of the handshake."""


class _Hello(_Frame, frozen=True):
    # Of all versions alike up to here: the version has to be readable always.
    version: int
    nonce: bytes
    shard: str
    worker: InstanceId


class _Challenge(_Frame, frozen=True):
    nonce: bytes
    proof: bytes


class _Proof(_Frame, frozen=True):
    proof: bytes


class _Welcome(_Frame, frozen=True):
    pass


class _NotWelcome(_Frame, frozen=True):
    code: str
    version: int


_Any: TypeAlias = _Hello | _Challenge | _Proof | _Welcome | _NotWelcome
_OneT = TypeVar("_OneT", bound=_Frame)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Any).decode


class WorkerSide:
    """A worker's part of one handshake."""

    def __init__(self, secret: str, me: Introduction, *, nonce: bytes) -> None:
        """``nonce``: random bytes that are used only here."""
        self._secret, self._me, self._nonce = secret, me, nonce

    def hello(self) -> bytes:
        """Return the first frame."""
        return _encode(
            _Hello(PROTOCOL_VERSION, self._nonce, self._me.shard, self._me.worker)
        )

    def prove(self, frame: bytes) -> bytes:
        """Return the answer to the scheduler's first frame. Raises HandshakeFailed."""
        found = _read(frame, _Challenge, "scheduler")
        nonces = _nonces(self._nonce, found.nonce)
        if not hmac.compare_digest(
            found.proof, _proof(self._secret, _SCHEDULER, nonces, self._me)
        ):
            raise HandshakeFailed(_ITS_SECRET, code=OTHER_SECRET)
        return _encode(_Proof(_proof(self._secret, _WORKER, nonces, self._me)))

    def enter(self, frame: bytes) -> None:
        """Take the scheduler's last frame. Raises HandshakeFailed."""
        _read(frame, _Welcome, "scheduler")


class SchedulerSide:
    """A scheduler's part of one handshake."""

    def __init__(self, secret: str, *, nonce: bytes) -> None:
        """``nonce``: random bytes that are used only here."""
        self._secret, self._nonce = secret, nonce
        self._expected: bytes | None = None
        self.who: Introduction | None = None
        """Who it is, as far as it said; to be trusted after ``welcome``."""

    def challenge(self, frame: bytes) -> bytes:
        """Return the answer to the worker's first frame. Raises HandshakeFailed."""
        found = _read(frame, _Hello, "worker")
        if found.version != PROTOCOL_VERSION:
            raise HandshakeFailed(
                _other_version("worker", found.version), code=OTHER_VERSION
            )
        if not (0 < len(found.shard) <= LONGEST_SHARD and found.shard.isprintable()):
            raise HandshakeFailed("its shard has no usable name", code=UNREADABLE)
        who = Introduction(found.shard, found.worker)
        nonces = _nonces(found.nonce, self._nonce)
        ours = _proof(self._secret, _SCHEDULER, nonces, who)
        self._expected = _proof(self._secret, _WORKER, nonces, who)
        self.who = who
        return _encode(_Challenge(self._nonce, ours))

    def welcome(self, frame: bytes) -> bytes:
        """Return the last frame to a worker that has proven itself.

        Raises HandshakeFailed.
        """
        found = _read(frame, _Proof, "worker")
        expected, self._expected = self._expected, None
        if expected is None or not hmac.compare_digest(found.proof, expected):
            raise HandshakeFailed("it has another secret", code=OTHER_SECRET)
        return _encode(_Welcome())


def refusal(failed: HandshakeFailed) -> bytes | None:
    """Return the frame that tells the other side, None if it is to be told nothing."""
    return _encode(_NotWelcome(failed.code, PROTOCOL_VERSION)) if failed.code else None


_ITS_SECRET = (
    "it has another secret than this worker's token file;"
    " copy secrets/worker.token from the scheduler's data directory again"
)
_OF_A_WORKER = "it has another secret, of another scheduler or from an old token file"


def _read(frame: bytes, expected: type[_OneT], who: str) -> _OneT:
    """Return the one frame that may come now, from the side called ``who``."""
    if len(frame) > LARGEST_BYTES:
        raise HandshakeFailed("it sent too much before it proved who it is")
    try:
        found = _decode(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise HandshakeFailed(
            f"it is no {who} of bistro-tui", code=UNREADABLE
        ) from None
    if isinstance(found, expected):
        return found
    if isinstance(found, _NotWelcome):
        raise HandshakeFailed(_told(found, who), told=found.code)
    raise HandshakeFailed(f"it does not speak as a {who} does", code=UNREADABLE)


def _told(found: _NotWelcome, who: str) -> str:
    """Return in our words what the other side said."""
    if found.code == OTHER_VERSION:
        return _other_version(who, found.version)
    if found.code == OTHER_SECRET:
        return _ITS_SECRET if who == "scheduler" else _OF_A_WORKER
    return "it could not read what this side said"


def _other_version(who: str, version: int) -> str:
    return (
        f"the {who} speaks version {version} of the protocol, this side"
        f" {PROTOCOL_VERSION}; install the same bistro-tui on both"
    )


def _nonces(worker: bytes, scheduler: bytes) -> tuple[bytes, bytes]:
    if len(worker) != NONCE_BYTES or len(scheduler) != NONCE_BYTES:
        raise HandshakeFailed("its nonce has the wrong length", code=UNREADABLE)
    return worker, scheduler


def _proof(
    secret: str, role: str, nonces: tuple[bytes, bytes], who: Introduction
) -> bytes:
    # In MessagePack each part has its length, so none can stand for another.
    words = _encode((_TITLE, role, PROTOCOL_VERSION, nonces, who))
    return hmac.digest(secret.encode("ascii"), words, hashlib.sha256().name)
