"""What is told where no worker takes tasks yet: the wait, and how to start one."""

from bistro_tui.engine.view import Snapshot
from bistro_tui.present.clean import clean, clean_lines
from bistro_tui.present.docs import BLANK
from bistro_tui.present.spans import Line, Span

_MOST_WAIT_CHARS = 4_000
_MARGIN = " " * 16


def wait_lines(shown: Snapshot) -> list[Line]:
    """Return the initial wait and what it waits for, not wrapped; nothing: no wait."""
    text = shown.initial_wait[:_MOST_WAIT_CHARS]
    told = [line.strip() for line in clean_lines(text) if line.strip()]
    return [
        (
            Span("⏸ initial wait  " if at == 0 else _MARGIN, "blocked"),
            Span(line, "" if at == 0 else "dim"),
        )
        for at, line in enumerate(told)
    ]


def start_lines(port: int | None, data_dir: str, *, is_roomy: bool) -> list[Line]:
    """Return how a worker is started, not wrapped; no secret is in it.

    ``port`` is where the scheduler listens and ``data_dir`` where its files are, as far
    as both are known here. ``is_roomy``: with blank lines between its parts.
    """
    at = f"--scheduler-port {port or 'PORT'}"
    token = f"{clean(data_dir)}/secrets/worker.token" if data_dir else "worker.token"
    gap = [BLANK] if is_roomy else []
    return [
        *gap,
        (Span("no worker is connected", "strong"), Span(" · to start one", "dim")),
        *gap,
        (Span("on this scheduler's machine", "dim"),),
        *_command(f"localhost {at}", "--worker-command PROGRAM"),
        *gap,
        (
            Span("on another one, if the scheduler runs with ", "dim"),
            Span("--server-address HOST"),
        ),
        *_command(f"HOST {at}", "--worker-command PROGRAM --token-file FILE"),
        *gap,
        (Span("PROGRAM", ""), Span("  runs the jobs that name no command", "dim")),
        (Span("FILE", ""), Span(f"     a copy of {token}", "dim")),
        *gap,
    ]


def _command(to: str, more: str) -> list[Line]:
    # One that is broken by us can be copied; one that is wrapped cannot.
    return [
        (Span(f"  bistro-tui worker --scheduler-host {to} \\", "accent"),),
        (Span(f"      {more}", "accent"),),
    ]
