"""The ``attach`` command: the UI on schedulers that run already."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.asking import asking_options
from bistro_tui.cli.complete import complete_configs
from bistro_tui.cli.flags import SCREEN
from bistro_tui.cli.named import named
from bistro_tui.cli.run_command import refuse_without_terminal
from bistro_tui.cli.talk import WrongUse, say

if TYPE_CHECKING:
    from bistro_tui.client.address import Address
    from bistro_tui.client.remote import RemoteScheduler
    from bistro_tui.doors import Door
    from bistro_tui.present.ui_settings import UiSettings

_READ_ONLY = "this screen only looks (--readonly): nothing was changed"
_NO_TOKEN = "over a URL changes need the token: attach with --token-file FILE"


def _attach(where: tuple[str, ...], readonly: bool, **values: Any) -> int:  # noqa: ANN401 - click's call
    wanted = {flag.key: values.pop(flag.key) for flag in SCREEN.flags}
    with ExitStack() as until_all:
        addresses = [
            until_all.enter_context(named(one, **values)).address
            for one in where or (None,)
        ]
        _refuse_twice(addresses)
        return _show(addresses, readonly=readonly, wanted=wanted)


def _refuse_twice(addresses: "Sequence[Address]") -> None:
    for number, address in enumerate(addresses):
        if str(address) in map(str, addresses[:number]):
            raise WrongUse(f"the scheduler at {address} is named twice")


def _show(
    addresses: "Sequence[Address]", *, readonly: bool, wanted: dict[str, Any]
) -> int:
    # Imported late: --help must not wait for it.
    from bistro_tui.cli.collecting import loading
    from bistro_tui.cli.screen_settings import screen_settings
    from bistro_tui.client.merging import labels_for
    from bistro_tui.doors import Door

    with ExitStack() as until_all:
        schedulers: list[RemoteScheduler] = []
        with loading():
            for address in addresses:
                scheduler = _following(address)
                until_all.callback(scheduler.close)
                scheduler.start()
                schedulers.append(scheduler)
        if not os.environ.get("TEXTUAL_DRIVER"):
            # In a browser another program is the terminal.
            refuse_without_terminal("For a look without one: bistro-tui top --once")
        states = [one.snapshot().state for one in schedulers]
        labels = labels_for(
            [state.instance for state in states],
            [state.config_path for state in states],
        )
        doors = [
            Door(
                label=label,
                view=scheduler,
                control=scheduler,
                why_read_only=_why_read_only(address, readonly=readonly),
                is_local=address.socket is not None,
            )
            for label, scheduler, address in zip(
                labels, schedulers, addresses, strict=True
            )
        ]
        return _show_screen(doors, _data_dir(addresses[0]), screen_settings(wanted))


def _following(address: "Address") -> "RemoteScheduler":
    from bistro_tui.client.remote import RemoteScheduler
    from bistro_tui.engine.owner import owner_of

    data_dir = _data_dir(address)
    return RemoteScheduler(
        address,
        is_coming=lambda: data_dir is not None and owner_of(data_dir) is not None,
    )


def _data_dir(address: "Address") -> Path | None:
    return address.socket.parent.parent if address.socket is not None else None


def _why_read_only(address: "Address", *, readonly: bool) -> str:
    if readonly:
        return _READ_ONLY
    return _NO_TOKEN if address.socket is None and not address.token else ""


def _show_screen(
    doors: "Sequence[Door]", data_dir: Path | None, settings: "UiSettings"
) -> int:
    from bistro_tui.attached_app import AttachedApp
    from bistro_tui.cli.screen_settings import tell_problems
    from bistro_tui.ui_run import run

    app = AttachedApp(doors, crash_dir=data_dir, settings=settings)
    tell_problems(app.settings_problems)
    shown = run(app)
    if shown.end.value != "crashed":
        return exit_codes.OK
    where = f" ({shown.crash_file})" if shown.crash_file else ""
    goes_on = "the scheduler goes on" if len(doors) == 1 else "the schedulers go on"
    say(f"bistro-tui: the UI failed: {shown.error}{where}; {goes_on}")
    return exit_codes.NOT_DONE


attach_command = click.Command(
    name="attach",
    callback=_attach,
    params=[
        click.Argument(
            ["where"],
            nargs=-1,
            type=str,
            metavar="[CONFIG | DATA_DIR | URL]...",
            shell_complete=complete_configs,
        ),
        click.Option(
            ["--readonly"], is_flag=True, help="Only look: refuse every change."
        ),
        *(flag.option() for flag in SCREEN.flags),
        *asking_options(),
    ],
    help="Show the terminal UI of schedulers that run already.\n\n"
    "Each is named by its config, its data directory or its URL; without a name it is"
    " the only one of yours that runs. Several are shown as tabs and all together. q"
    " leaves the screen, and the schedulers go on. While one is away its last picture"
    " stays; when it is started again, the screen follows. Over a URL without the token"
    " nothing can be changed.",
    epilog="Exit codes: 0 left; 1 it refuses, or is newer than this program; 2 wrong"
    " command line or no terminal; 5 no scheduler answers.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
