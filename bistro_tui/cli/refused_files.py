"""What to say when no more files can be opened; a socket is one, too."""

import errno
import resource


def words_if_no_files(error: BaseException) -> str:
    """Return what keeps files from being opened, if that is all that went wrong."""
    if isinstance(error, BaseExceptionGroup):
        told = {words_if_no_files(one) for one in error.exceptions}
        return told.pop() if len(told) == 1 else ""
    match error:
        case OSError(errno=errno.EMFILE):
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            return (
                f"this program may open no more files (ulimit -n {limit}), and each"
                " socket is one: raise the limit"
            )
        case OSError(errno=errno.ENFILE):
            return (
                "no more files can be opened on the whole system (fs.file-max): raise"
                " the limit, or end other processes"
            )
        case _:
            return ""
