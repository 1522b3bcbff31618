"""Lets a process lose its parent, and looks at what is left to find it by.

``look_at_descent`` runs this module as a little program of its own, as a warden would
be; so nothing of it stays in the process that asks.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from bistro_tui.engine.doctor.facts import Descent
from bistro_tui.engine.warden.kernel import become_subreaper
from bistro_tui.engine.warden.tags import set_own_tag, tag_at, tag_of

_PACKAGES = str(Path(__file__).resolve().parents[3])
_BOOT = (
    "import sys; sys.path.append(sys.argv[1]);"
    "from bistro_tui.engine.doctor.descent import main; main()"
)
_LONGEST_SEC = 5.0


def look_at_descent() -> Descent:
    """Return what holds of orphans on this machine."""
    try:
        run = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _BOOT, _PACKAGES],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LONGEST_SEC,
            check=True,
        )
        return Descent(**json.loads(run.stdout))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return Descent(problem=f"{sys.executable}: {error}")


def main() -> None:
    """Print, as JSON, what could be found out about a grandchild."""
    tag = tag_of(os.getpid())
    is_tagged, is_subreaper = set_own_tag(tag), become_subreaper()
    told, tell = os.pipe()
    stay, leave = os.pipe()
    middle = os.fork()
    if middle == 0:
        if os.fork() == 0:
            os.close(leave)
            os.setsid()
            os.write(tell, str(os.getpid()).encode())
            # Until the one who looks is through with it, or is gone.
            os.read(stay, 1)
        os._exit(0)
    os.waitpid(middle, 0)
    orphan = int(os.read(told, 32))
    found = {
        "tag": is_tagged and tag_at(orphan) == tag,
        "pidfd": _has_pidfd(orphan),
    }
    os.close(leave)
    try:
        os.waitpid(orphan, 0)
    except ChildProcessError:
        is_subreaper = False
    print(json.dumps(found | {"subreaper": is_subreaper}))


def _has_pidfd(pid: int) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except (OSError, AttributeError):
        return False
    try:
        signal.pidfd_send_signal(descriptor, 0)
    except (OSError, AttributeError):
        return False
    finally:
        os.close(descriptor)
    return True
