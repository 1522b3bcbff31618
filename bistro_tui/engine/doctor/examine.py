"""All checks, in the order in which they are shown."""

import os
import platform
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path

from bistro_tui.engine.datadir import MEMORY_ROOT
from bistro_tui.engine.doctor import judging
from bistro_tui.engine.doctor.cgroups import look_at_cgroup
from bistro_tui.engine.doctor.data_directory import look_at_data_directory
from bistro_tui.engine.doctor.databases import look_at_databases
from bistro_tui.engine.doctor.descent import look_at_descent
from bistro_tui.engine.doctor.finding import Finding, ok
from bistro_tui.engine.doctor.host import (
    look_at_descriptors,
    look_at_gpu,
    look_at_processes,
    look_at_space,
    look_at_terminal,
)
from bistro_tui.engine.warden.program import DESCRIPTORS_A_TASK, OWN_DESCRIPTORS


def examine(
    environment: Mapping[str, str], data_directory: Path | None
) -> list[Finding]:
    """Return what this machine gives, and the data directory if one is named.

    Changes nothing, but for a cgroup that is made and removed again.
    """
    is_linux = sys.platform.startswith("linux")
    cgroup, descent = look_at_cgroup(), look_at_descent()
    system = f"{platform.system()} {platform.release()}"
    found = [
        ok("Python", f"{platform.python_version()} on {system}"),
        judging.containment(cgroup, descent, is_linux=is_linux),
        judging.pidfd(descent, is_linux=is_linux),
        judging.task_limits(cgroup),
        judging.descriptors(
            look_at_descriptors(),
            reserved=OWN_DESCRIPTORS,
            per_task=DESCRIPTORS_A_TASK,
        ),
        judging.processes(look_at_processes()),
        judging.status_files(look_at_space(MEMORY_ROOT)),
        judging.sqlite(sqlite3.sqlite_version_info),
        judging.gpu(look_at_gpu(environment)),
        judging.terminal(look_at_terminal(environment)),
        judging.user(os.geteuid()),
    ]
    if data_directory is not None:
        found.append(judging.data_directory(look_at_data_directory(data_directory)))
        found += map(judging.database, look_at_databases(data_directory))
    return found
