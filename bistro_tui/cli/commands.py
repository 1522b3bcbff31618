"""Every command by its name, loaded when it is looked up.

A command that asks a running scheduler should answer before anybody waits; it has no
time for the modules of the others.
"""

import importlib
from collections.abc import Iterator, Mapping

import click

_MODULES = {
    "run": "run_command",
    "attach": "attach",
    "web": "web",
    "plan": "plan",
    "validate": "validate",
    "init": "init",
    "cron": "cron",
    "history": "history",
    "logs": "logs",
    "ps": "looks.ps",
    "jobs": "looks.jobs",
    "tasks": "looks.tasks",
    "nodes": "looks.nodes",
    "workers": "looks.workers",
    "errors": "looks.errors",
    "why": "looks.why",
    "top": "looks.top",
    "query": "looks.query",
    "enable": "acts",
    "disable": "acts",
    "kill": "acts",
    "forgive": "forgive",
    "wait": "wait",
    "stop": "stop",
    "worker": "worker",
    "doctor": "doctor",
    "keys": "keys",
    "completion": "completion",
}
"""Where in this package each NAME has its ``NAME_command``."""


class Commands(Mapping[str, click.Command]):
    """The commands; those that nobody looks up are never imported."""

    def __getitem__(self, name: str) -> click.Command:
        """Return a command. Raises KeyError."""
        module = importlib.import_module(f"bistro_tui.cli.{_MODULES[name]}")
        command = getattr(module, f"{name}_command")
        assert isinstance(command, click.Command)
        return command

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(_MODULES)

    def __len__(self) -> int:
        """Return how many commands there are."""
        return len(_MODULES)

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a command, without loading it."""
        return name in _MODULES
