"""What to say when this user may have no more processes: a thread is one, too."""

import resource


def words_if_refused(error: Exception) -> str:
    """Return what keeps threads from being started, if that is all that went wrong."""
    if not _is_refusal(error):
        return ""
    limit = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if limit == resource.RLIM_INFINITY:
        return (
            "no more threads can be started (pids.max of a control group, or a limit"
            " of the whole system): raise the limit, or end other processes"
        )
    return (
        f"this user may have no more processes (ulimit -u {limit}), and each thread is"
        " one: raise the limit, or end other processes"
    )


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, ExceptionGroup):
        return all(map(_is_refusal, error.exceptions))
    # Python has no class of its own for it.
    return isinstance(error, RuntimeError) and "can't start new thread" in str(error)
