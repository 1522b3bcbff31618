"""The ``web`` command: the UI of a running scheduler, in a browser."""

import asyncio
import os
import secrets
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.asking import asking_options
from bistro_tui.cli.complete import complete_configs
from bistro_tui.cli.named import named
from bistro_tui.cli.talk import WrongUse, print_data, say

if TYPE_CHECKING:
    from bistro_tui.client.address import Address

PORT = 8377
_LONGEST_TOKEN = 4096


def _web(where: str | None, port: int, **values: Any) -> int:  # noqa: ANN401 - click's call
    try:
        import textual_serve  # noqa: F401 - only whether it is there
    except ImportError:
        raise WrongUse(
            "this command needs the extra web:\n  pip install 'bistro-tui[web]'"
        ) from None
    with named(where, **values) as asking:
        # A wrong name or token is told here, and not in a browser later.
        asking.ask("refresh_time")
        return asyncio.run(_serve(asking.address, port))


async def _serve(address: "Address", port: int) -> int:
    # Imported late: --help must not wait for it.
    from aiohttp import web

    from bistro_tui.engine.api.binding import bind_tcp, loopback_plan
    from bistro_tui.engine.errors import DoorUnusable
    from bistro_tui.web.site import Site

    plan = loopback_plan(port)
    try:
        sockets, port = bind_tcp(plan)
    except DoorUnusable as error:
        raise WrongUse(f"--port: {error}") from None
    token = secrets.token_urlsafe(32)
    tokens = [token, *_tokens_of(address)]
    site = Site(_client_of(address), tokens=tokens, gate=plan.gate(port))
    runner = web.AppRunner(site.application(), access_log=None, shutdown_timeout=2.0)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await runner.setup()
    try:
        for one in sockets:
            await web.SockSite(runner, one).start()
        say(
            f"bistro-tui: the screen of {address} for browsers on this host; from"
            f" elsewhere: ssh -L {port}:localhost:{port} THIS_HOST\n"
            "whoever has this link can do all that you can; ctrl+c ends it"
        )
        print_data(f"{plan.url(port)}/?token={token}")
        await stopped.wait()
    finally:
        await runner.cleanup()
    return exit_codes.OK


def _tokens_of(address: "Address") -> list[str]:
    """Return the scheduler's own token, if it is known here."""
    if address.token:
        return [address.token]
    if address.socket is None:
        return []
    found = ""
    with suppress(OSError, ValueError):
        path = address.socket.parent.parent / "secrets" / "api.token"
        with path.open("rb") as file:
            found = file.read(_LONGEST_TOKEN).decode("ascii").strip()
    return [found] if found else []


def _client_of(address: "Address") -> list[str]:
    """Return what shows that scheduler; tokens stay in their files."""
    command = [sys.executable, "-m", "bistro_tui", "attach"]
    if address.socket is not None:
        return [*command, "--data-dir", str(address.socket.parent.parent)]
    command += ["--url", address.url]
    if address.token_file is not None:
        command += ["--token-file", os.path.abspath(address.token_file)]
    if address.ca_file is not None:
        command += ["--tls-ca", os.path.abspath(address.ca_file)]
    return command


web_command = click.Command(
    name="web",
    callback=_web,
    params=[
        click.Argument(
            ["where"],
            required=False,
            type=str,
            metavar="[CONFIG | DATA_DIR | URL]",
            shell_complete=complete_configs,
        ),
        click.Option(
            ["--port"],
            type=click.IntRange(0, 65_535),
            default=PORT,
            show_default=True,
            metavar="PORT",
            help="Of this host only; 0 picks one.",
        ),
        *asking_options(),
    ],
    help="Show the terminal UI of a running scheduler in a browser.\n\n"
    "Prints a link whose token lets a browser in; each browser gets a screen of its"
    " own, as `attach` shows it. Only browsers on this host reach it: from another one,"
    " use a tunnel (ssh -L). Needs the extra web: pip install 'bistro-tui[web]'.",
    epilog="Exit codes: 0 ended by a signal; 1 the scheduler refuses; 2 wrong command"
    " line, a port in use, or the extra web is missing; 5 no scheduler answers.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
