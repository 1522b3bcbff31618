"""An outside judge of what ran: tasks say so in a file that the product never reads.

Each task appends ``WHAT JOB NODE INVOCATION BOOT_SECONDS PID`` with one O_APPEND write,
so the order of the lines is the order of what happened. A task also takes a lock of its
own task's name that the kernel gives back when its last holder dies: who does not get
it runs beside another copy, and says ``overlap``. A task that counts says where it is,
``count=7``, when it starts, and leaves the next number as its data.
"""

import os
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.watching import alive_with

Task = tuple[str, str]
LINES = 1_000
"""What a chatty one prints, each line with its invocation and number."""

SCRIPT = r"""#!/bin/sh
# KIND SECONDS MARK NODE STATUS_FILE JSON
kind=$1 seconds=$2 mark=$3
shift 3
say() {
    read -r up idle </proc/uptime
    echo "$1 $BISTRO_JOB $BISTRO_NODE $BISTRO_INVOCATION $up $$" >>"$ORACLE"
}
end() {
    trap '' TERM
    echo "${status:-done}" >"$BISTRO_STATUS_FILE"
    say "${said:-end}"
    exit 0
}
if [ "$kind" = plain ]; then
    say start
    end
fi
exec 9>>"$LOCKS/${LOCK_OF-$BISTRO_JOB.}$BISTRO_NODE"
flock -n 9 || say overlap
say start
case $kind in
daemon)
    setsid sleep "900.$mark$$" >/dev/null 2>&1 &
    (env -i /usr/bin/setsid /bin/sleep "901.$mark$$" >/dev/null 2>&1 9>&- &)
    ;;
fail)
    if [ ! -e "tried-$BISTRO_NODE" ]; then
        : >"tried-$BISTRO_NODE"
        echo error_backoff >"$BISTRO_STATUS_FILE"
        say error
        exit 1
    fi
    ;;
stubborn) trap '' TERM ;;
chatty) seq "$LINES_OF_IT" | sed "s/^/$BISTRO_INVOCATION /" ;;
count) COUNTS=yes ;;
esac
if [ -n "$COUNTS" ]; then
    at=${3##*'"count":'}
    [ "$at" = "$3" ] && at=0
    at=${at# }
    at=${at%%[!0-9]*}
    say "count=$at"
fi
sleep "$seconds$mark$$"
if [ -n "$COUNTS" ]; then
    data="\"data\": {\"count\": $((at + 1))}"
    status="{\"result\": \"done\", $data}"
    [ -e "$ENOUGH" ] || { status="{\"result\": \"incomplete\", $data}"; said=more; }
fi
echo "last $BISTRO_INVOCATION"
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the file."""

    what: str
    task: Task
    invocation: str
    boot_seconds: float
    pid: int


class Oracle:
    """Writes the script of the tasks and judges by what they wrote."""

    def __init__(self, directory: Path, mark: int) -> None:
        """``mark``: digits that every process of every task carries in its argv."""
        self.mark = f"{mark:09d}"
        self.path = directory / "oracle"
        self._locks = directory / "locks"
        self._locks.mkdir(exist_ok=True)
        self.script = directory / "oracle-task.sh"
        self.script.write_text(SCRIPT)
        self.enough = directory / "enough"
        """Once this is there, those that count are done."""
        self._heard: list[Record] = []
        self._heard_bytes = 0

    def job(
        self,
        kind: str,
        seconds: float = 0.0,
        *,
        one_a_node: bool = False,
        counts: bool = False,
    ) -> dict[str, object]:
        """Return the part of a job's config that makes its tasks report here.

        ``one_a_node``: a task beside any other task on its node overlaps too.
        ``counts``: those of any kind go on counting until it is enough.
        """
        words = ["/bin/sh", str(self.script), kind, f"{seconds:.3f}", self.mark]
        names = {
            "ORACLE": str(self.path),
            "LOCKS": str(self._locks),
            "ENOUGH": str(self.enough),
            "LINES_OF_IT": str(LINES),
            "COUNTS": "yes" if counts else "",
        }
        if one_a_node:
            names["LOCK_OF"] = ""
        return {"command": words, "env": names}

    def records(self) -> list[Record]:
        """Return everything that was said, in order."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._heard_bytes)
                new = file.read()
        except FileNotFoundError:
            return []
        self._heard_bytes += len(new)
        for line in new.decode().splitlines():
            what, job, node, invocation, seconds, pid = line.split()
            self._heard.append(
                Record(
                    what=what,
                    task=(job, node),
                    invocation=invocation,
                    boot_seconds=float(seconds),
                    pid=int(pid),
                )
            )
        return [*self._heard]

    def alive(self) -> list[str]:
        """Return the processes of tasks that are alive now."""
        return alive_with(self.mark)

    def task_pid(self, alive: str) -> str:
        """Return the first process of the task that one of ``alive`` belongs to.

        However it was started: all that a task starts has that number in its argv.
        """
        pid, _, words = alive.partition(" ")
        found = re.search(rf"{self.mark}([0-9]+)", words)
        return found[1] if found else pid


def judge(
    records: Sequence[Record], *, expected: int, silent: Collection[Task] = ()
) -> None:
    """Fail unless every task ended once, never beside itself, and never again.

    Those of ``silent`` may have been killed between writing their status and saying so.
    """
    overlaps = [one for one in records if one.what == "overlap"]
    assert not overlaps, f"two copies at once: {overlaps}"
    ended: dict[Task, Record] = {}
    started: Counter[str] = Counter()
    for one in records:
        if one.what == "start":
            started[one.invocation] += 1
            assert one.task not in ended, f"{one} after {ended[one.task]}"
        elif one.what == "end":
            ended[one.task] = one
    again = [name for name, count in started.items() if count > 1]
    assert not again, f"one invocation started twice: {again}"
    known = ended.keys() | silent
    assert len(known) == expected, f"{len(known)} tasks ended, not {expected}"


def fresh_mark() -> int:
    """Return digits that no other run on this host has at this time."""
    return int.from_bytes(os.urandom(4), "big") % 10**9
