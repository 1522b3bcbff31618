"""The hash of a set of workers, and the order of versions. Pure.

Source: Bistro, remote/WorkerSetID.
"""

from bistro_tui.engine.remote.identity import InstanceId, SetHash, WorkerSetHash

_HALF = 1 << 63
_MASK = (1 << 64) - 1


def signed(number: int) -> int:
    """Return ``number`` modulo 2^64 as a signed number of 64 bits."""
    return ((number + _HALF) & _MASK) - _HALF


def is_earlier(one: int, other: int) -> bool:
    """Return whether the version ``one`` comes before ``other``, also where they wrap.

    Of two that are exactly 2^63 apart neither does.
    """
    return signed(one - other) < 0 < signed(other - one)


def with_worker(found: WorkerSetHash, worker: InstanceId) -> WorkerSetHash:
    """Return the hash of those of ``found`` and ``worker``."""
    return WorkerSetHash(
        start_time=_added(found.start_time, worker.start_time),
        rand=_added(found.rand, worker.rand),
        number=found.number + 1,
    )


def without_worker(found: WorkerSetHash, worker: InstanceId) -> WorkerSetHash:
    """Return the hash of those of ``found`` but ``worker``, one of them."""
    return WorkerSetHash(
        start_time=_removed(found.start_time, worker.start_time),
        rand=_removed(found.rand, worker.rand),
        number=found.number - 1,
    )


def _added(found: SetHash, number: int) -> SetHash:
    return SetHash(signed(found.add_all + number), signed(found.xor_all ^ number))


def _removed(found: SetHash, number: int) -> SetHash:
    return SetHash(signed(found.add_all - number), signed(found.xor_all ^ number))
