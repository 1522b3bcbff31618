"""What ``e`` asked jobs to be, while the screen does not show it yet."""

from collections import Counter

from bistro_tui.engine.ids import JobName
from bistro_tui.engine.view import JobRow, Snapshot


class Switches:
    """Keys are quicker than files: each press turns round what the last one asked."""

    def __init__(self) -> None:
        self._asked: dict[JobName, bool] = {}
        self._open: Counter[JobName] = Counter()
        """Requests that are not answered yet."""
        self._answered: dict[JobName, int] = {}
        """The config version that was shown when the last one was."""

    def turn(self, job: JobRow) -> bool:
        """Return what the job is to be now; ``answered`` has to follow."""
        wanted = not self._asked.get(job.name, job.enabled)
        self._asked[job.name] = wanted
        self._open[job.name] += 1
        self._answered.pop(job.name, None)
        return wanted

    def answered(self, job: JobName, shown: Snapshot, *, is_refused: bool) -> None:
        """Take note of the answer to one request; ``shown`` is on the screen."""
        self._open[job] -= 1
        if self._open[job] > 0:
            return
        if is_refused:
            self._forget(job)
            return
        self._answered[job] = shown.state.config_version
        self.look(shown)

    def look(self, shown: Snapshot) -> None:
        """Forget what a snapshot shows, or what a later config has overtaken."""
        if not self._answered:
            return
        rows = {row.name: row for row in shown.jobs if row.name in self._answered}
        for job, version in tuple(self._answered.items()):
            row = rows.get(job)
            is_over = shown.state.config_version > version
            if is_over or row is None or row.enabled == self._asked[job]:
                self._forget(job)

    def _forget(self, job: JobName) -> None:
        self._asked.pop(job, None)
        self._answered.pop(job, None)
        del self._open[job]
