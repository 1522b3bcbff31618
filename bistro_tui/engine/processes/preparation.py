"""From a start that was decided to the request that a warden gets."""

import json
import os
from json.encoder import encode_basestring_ascii as _quote
from pathlib import Path
from typing import NamedTuple

from bistro_tui.engine.config.model import Job, KillMethod, KillSettings
from bistro_tui.engine.datadir import DataDir, job_dir_name
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.processes.argument import JobArguments, resolve_program
from bistro_tui.engine.processes.starts import AnyStart, RemoteStart
from bistro_tui.engine.statuses.attempts import NO_HOME, StatusHome
from bistro_tui.engine.warden import wire
from bistro_tui.engine.warden.tags import tag_of

MOST_KEPT = 10_000
"""Jobs whose common parts are kept; a config has hardly more."""

METHODS = {
    KillMethod.KILL: wire.KILL,
    KillMethod.TERM: wire.TERM,
    KillMethod.TERM_WAIT_KILL: wire.TERM_WAIT_KILL,
}


class Prepared(NamedTuple):
    """An attempt that is ready to be started."""

    request: wire.Start
    words: tuple[str, ...]
    """Its command, for people."""
    directory: str


class _JobParts(NamedTuple):
    """What all attempts at a job have in common."""

    job: Job
    arguments: JobArguments
    directory: str
    encoded_directory: bytes
    limits: tuple[int, float, float, int, int]
    """The last fields of its requests."""
    record_head: str
    record_tail: str


class Preparation:
    """Makes ready what an attempt needs; touches no file but the job's directory."""

    def __init__(
        self,
        *,
        data_dir: DataDir,
        config_dir: Path,
        worker_command: str | None,
        worker_node: str,
        worker_host: str,
        statuses: StatusHome = NO_HOME,
    ) -> None:
        """``worker_command``, with a ``/`` in it, counts from the current directory."""
        self._jobs_dir = data_dir.jobs
        self._config_dir = os.path.abspath(config_dir)
        self._worker_command = (
            None
            if worker_command is None
            else resolve_program(worker_command, directory=os.getcwd())
        )
        self._worker_node, self._worker_host = worker_node, worker_host
        self._place = json.dumps(statuses.place)[1:-1]
        self._keeper = statuses.keeper
        self._files_dir = str(data_dir.status_files)
        self._parts: dict[JobName, _JobParts] = {}

    def prepare(self, start: AnyStart, number: int) -> Prepared:
        """Return what starts that attempt, under that number.

        Raises ValueError with the reason if nothing could ever be started so.
        """
        parts = self._parts.get(start.job.name)
        if parts is None or parts.job is not start.job:
            parts = self._make_parts(start.job)
        invocation, arguments = str(start.invocation), parts.arguments
        base = f"{self._files_dir}/{invocation}"
        status_file, config_file = base + ".status", base + ".json"
        config = (
            start.config
            if isinstance(start, RemoteStart)
            else arguments.task_json(start)
        )
        words, argv, environment, needs_file, encoded_status_file = arguments.arguments(
            start,
            invocation,
            status_file=status_file,
            config=config,
            config_file=config_file,
        )
        if not needs_file:
            config = config_file = ""
        start_time, rand = start.invocation
        record = (
            f"{parts.record_head}{_quote(start.task.node)}"
            f', "invocation": [{start_time}, {rand}]'
            f', "status_file": {_quote(status_file)}'
            f', "config_file": {_quote(config_file)}'
            f"{parts.record_tail}{self._keeper.commits}]}}"
        )
        request = wire.Start(
            number,
            tag_of(rand),
            record.encode(),
            argv,
            environment,
            parts.encoded_directory,
            encoded_status_file,
            os.fsencode(config_file) if needs_file else b"",
            config.encode(),
            *parts.limits,
        )
        return Prepared(request, words, parts.directory)

    def _make_parts(self, job: Job) -> _JobParts:
        command, is_own = self._command(job)
        directory = str(self._jobs_dir / job_dir_name(job.name))
        method, wait = kill_words(job.kill_subprocess)
        parts = _JobParts(
            job=job,
            arguments=JobArguments(
                job,
                command=command,
                fill_placeholders=is_own,
                worker_node=self._worker_node,
                worker_host=self._worker_host,
            ),
            directory=directory,
            encoded_directory=os.fsencode(directory),
            limits=(
                method,
                wait,
                job.timeout_sec or 0.0,
                job.enforcement.memory_max,
                job.enforcement.cpu_weight,
            ),
            record_head=f'{{"job": {_quote(job.name)}, "node": ',
            record_tail=(
                f', "kill_method": "{job.kill_subprocess.method.value}"'
                f', "kill_wait": {wait!r}, "statuses": [{self._place}, '
            ),
        )
        if len(self._parts) >= MOST_KEPT:
            self._parts.clear()
        self._parts[job.name] = parts
        return parts

    def _command(self, job: Job) -> tuple[tuple[str, ...], bool]:
        """Return the words of the command, and whether they are the job's own."""
        if job.command:
            program, *rest = job.command
            return (resolve_program(program, directory=self._config_dir), *rest), True
        if self._worker_command is not None:
            return (self._worker_command,), False
        raise ValueError("the job has no command, and there is no --worker-command")


def kill_words(how: KillSettings) -> tuple[int, float]:
    """Return a way to end tasks as a warden is told: method, seconds to wait."""
    return METHODS[how.method], max(0, how.kill_wait_ms) / 1000
