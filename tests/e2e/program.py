"""Running the installed program as a user would, in a directory of its own."""

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(sys.executable).with_name("bistro-tui"))

SEED_TASK = """#!/bin/bash
echo "I got these arguments: $@"
echo "stderr is also logged" 1>&2
echo "done" > "$2"  # Report the task status to Bistro via a named pipe
"""

SEED_CONFIG = """{
  "bistro_settings" : {
    "nodes" : {
      "levels": [ "level1", "level2"],
      "node_source": "manual",
      "node_source_prefs": {
        "node1": ["node11", "node12"],
        "node2": ["node21", "node22"]
      }
    },
    "resources": {
      "instance": {"concurrency": {"limit": 3, "default": 1}}
    },
    "enabled" : true
  },
  "bistro_job->simple_job" : {
    "owner" : "test",
    "enabled" : true
  }
}
"""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a run of the program gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Started(subprocess.Popen[str]):
    """A program that a failed ``with`` block does not wait for, but ends."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, error, trace)


@dataclass(frozen=True)
class Place:
    """A directory in which the program is run, with a home of its own."""

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "data"

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("BISTRO")}
        return kept | {
            "HOME": str(self.path),
            "XDG_STATE_HOME": str(self.path / "state"),
            "TERM": "xterm-256color",
        }

    def write(self, name: str, text: str, *, mode: int = 0o644) -> Path:
        path = self.path / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def write_config(self, config: dict[str, Any], name: str = "config.json") -> Path:
        return self.write(name, json.dumps(config, indent=2))

    def write_seed(self) -> Path:
        self.write("demo_bistro_task.sh", SEED_TASK, mode=0o755)
        return self.write("seed.json", SEED_CONFIG)

    def start(self, *arguments: object, **options: Any) -> Started:
        return Started(
            [PROGRAM, *map(str, arguments)],
            cwd=self.path,
            env=self.environment() | options.pop("env", {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=options.pop("stderr", subprocess.PIPE),
            text=True,
            **options,
        )

    def run(self, *arguments: object, timeout: float = 60, **options: Any) -> Finished:
        with self.start(*arguments, **options) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Finished(code=process.returncode, out=out, err=err)

    def batch(self, config: Path, *arguments: object, **options: Any) -> Finished:
        """Run until done, data in ``data``, the summary as JSON."""
        return self.run(
            config,
            "--no-ui",
            "--exit-when-done",
            "--json",
            "--data-dir",
            self.data,
            *arguments,
            **options,
        )

    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.data / database)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


def config_of(
    *jobs: tuple[str, dict[str, Any]], settings: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return a config with the seed's nodes and limit and these jobs."""
    seed: dict[str, Any] = json.loads(SEED_CONFIG)
    seed["bistro_settings"] |= {"backoff": [1, "repeat"], **(settings or {})}
    del seed["bistro_job->simple_job"]
    return seed | {f"bistro_job->{name}": {"owner": "t"} | job for name, job in jobs}


def shell(script: str) -> list[str]:
    """Return a command: ``$1`` is the node, ``$2`` the status file, ``$3`` the JSON."""
    return ["/bin/sh", "-c", script, "task"]


DONE = shell('echo done > "$2"')
