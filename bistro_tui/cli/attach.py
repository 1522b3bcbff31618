"""The ``attach`` command: the UI on a scheduler that runs already."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.asking import asking_options, connected
from bistro_tui.cli.complete import complete_configs
from bistro_tui.cli.run_command import refuse_without_terminal
from bistro_tui.cli.talk import WrongUse, say

if TYPE_CHECKING:
    from bistro_tui.client.address import Address
    from bistro_tui.client.remote import RemoteScheduler

_PLACES = ("config_file", "data_dir", "url")


def _attach(where: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - click's call
    if len(where) > 1:
        raise WrongUse(
            f"{len(where)} schedulers named: attach shows one at a time in this"
            " version; name one"
        )
    if where:
        _refuse_another_place()
        values |= dict.fromkeys(_PLACES) | _place_of(where[0])
    with connected(**values) as asking:
        return _show(asking.address)


def _refuse_another_place() -> None:
    context = click.get_current_context()
    for name in _PLACES:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            flag = f"--{name.replace('_', '-')}"
            raise WrongUse(f"the scheduler is named twice: without {flag}, or only it")


def _place_of(where: str) -> dict[str, Any]:
    if "://" in where:
        return {"url": where}
    if Path(where).is_dir():
        return {"data_dir": Path(where)}
    return {"config_file": where}


def _show(address: "Address") -> int:
    # Imported late: --help must not wait for it.
    from bistro_tui.cli.collecting import loading
    from bistro_tui.client.remote import RemoteScheduler
    from bistro_tui.engine.owner import owner_of

    data_dir = address.socket.parent.parent if address.socket is not None else None
    scheduler = RemoteScheduler(
        address,
        is_coming=lambda: data_dir is not None and owner_of(data_dir) is not None,
    )
    with loading():
        scheduler.start()
    try:
        refuse_without_terminal("For a look without one: bistro-tui top --once")
        return _show_screen(scheduler, data_dir)
    finally:
        scheduler.close()


def _show_screen(scheduler: "RemoteScheduler", data_dir: Path | None) -> int:
    from bistro_tui.app import run
    from bistro_tui.attached_app import AttachedApp

    shown = run(AttachedApp(scheduler, scheduler, crash_dir=data_dir))
    if shown.end.value != "crashed":
        return exit_codes.OK
    where = f" ({shown.crash_file})" if shown.crash_file else ""
    say(f"bistro-tui: the UI failed: {shown.error}{where}; the scheduler goes on")
    return exit_codes.NOT_DONE


attach_command = click.Command(
    name="attach",
    callback=_attach,
    params=[
        click.Argument(
            ["where"],
            nargs=-1,
            type=str,
            metavar="[CONFIG | DATA_DIR | URL]",
            shell_complete=complete_configs,
        ),
        *asking_options(),
    ],
    help="Show the terminal UI of a scheduler that runs already.\n\n"
    "It is named by its config, its data directory or its URL; without a name it is"
    " the only one of yours that runs. q leaves the screen, and the scheduler goes on."
    " While the scheduler is away its last picture stays; when it is started again,"
    " the screen follows.",
    epilog="Exit codes: 0 left; 1 it refuses, or is newer than this program; 2 wrong"
    " command line or no terminal; 5 no scheduler answers.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
