"""Finding the scheduler that a one-shot command asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bistro_tui.cli.flags import ENV_PREFIX
from bistro_tui.cli.place import find_data_dir, place_options
from bistro_tui.cli.talk import WrongUse
from bistro_tui.client.errors import NoAnswer

if TYPE_CHECKING:
    from bistro_tui.client.address import Address
    from bistro_tui.client.once import Asking

_FILE = click.Path(path_type=Path, readable=False)
_LONGEST_TOKEN = 4096


def asking_options() -> list[click.Option]:
    """Return the flags that ``connected`` takes, by the names it takes them by."""
    return [
        *place_options(),
        _option("--url", str, "URL", "Ask the scheduler that serves there."),
        _option(
            "--token-file",
            _FILE,
            "FILE",
            "With --url: the scheduler's token, for what changes something.",
        ),
        _option(
            "--tls-ca",
            _FILE,
            "FILE",
            "With an https URL: whose signatures to trust.  [default: the system's]",
        ),
    ]


@contextmanager
def connected(
    config_file: str | None = None,
    data_dir: Path | None = None,
    url: str | None = None,
    token_file: Path | None = None,
    tls_ca: Path | None = None,
    *,
    timeout: float | None = None,
) -> "Iterator[Asking]":
    """Give the scheduler that these flags mean; nothing has been asked of it yet.

    ``timeout`` is how many seconds it may be silent. Raises WrongUse; what is asked of
    it raises NoAnswer or Refused.
    """
    # Imported late: --help must not wait for it.
    from bistro_tui.client.once import TIMEOUT_SEC, Asking
    from bistro_tui.engine.owner import owner_of

    place = _place(config_file, data_dir, url, token_file, tls_ca)
    if isinstance(place, Path):
        from bistro_tui.client.address import address_in

        asking = Asking(
            address_in(place),
            timeout=timeout or TIMEOUT_SEC,
            is_coming=lambda: owner_of(place) is not None,
        )
    else:
        asking = Asking(place, timeout=timeout or TIMEOUT_SEC)
    try:
        yield asking
    except NoAnswer as error:
        hint = _hint(config_file) if isinstance(place, Path) else ""
        raise NoAnswer(f"{error}{hint}") from None


def _place(
    config_file: str | None,
    data_dir: Path | None,
    url: str | None,
    token_file: Path | None,
    tls_ca: Path | None,
) -> "Path | Address":
    """Return a data directory or an address; the command line wins over the rest."""
    named = {"config_file": config_file, "data_dir": data_dir, "url": url}
    typed = {name for name, value in named.items() if value and _is_typed(name)}
    if "url" in typed and len(typed) > 1:
        raise WrongUse("--url and a data directory or config cannot be given together")
    if url and (not typed or "url" in typed):
        return _address(url, token_file, tls_ca)
    if data_dir is not None and "config_file" in typed and "data_dir" not in typed:
        data_dir = None
    if data_dir is not None and not data_dir.exists():
        raise NoAnswer(f"no scheduler runs on {data_dir}: no such directory")
    return find_data_dir(config_file, data_dir)


def _address(url: str, token_file: Path | None, tls_ca: Path | None) -> "Address":
    from bistro_tui.client.address import address_of_url

    if tls_ca is not None and not tls_ca.is_file():
        raise WrongUse(f"--tls-ca: {tls_ca}: no such file")
    token = _token(token_file) if token_file is not None else ""
    try:
        return address_of_url(url, token=token, ca_file=tls_ca)
    except ValueError as error:
        raise WrongUse(f"--url: {error}") from None


def _token(path: Path) -> str:
    try:
        with path.open("rb") as file:
            token = file.read(_LONGEST_TOKEN).decode("ascii").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "holds no token"
        raise WrongUse(f"--token-file: {path}: {reason}") from None
    if not token or not token.isprintable() or " " in token:
        raise WrongUse(f"--token-file: {path}: holds no token")
    return token


def _hint(config_file: str | None) -> str:
    if config_file is None:
        return ""
    return (
        f"\n  bistro-tui {config_file} starts one;"
        f" bistro-tui plan {config_file} tells what would run"
    )


def _is_typed(name: str) -> bool:
    """Whether a flag is on the command line, and not in the environment."""
    context = click.get_current_context(silent=True)
    if context is None:
        return True
    source = context.get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def _option(name: str, kind: object, metavar: str, text: str) -> click.Option:
    return click.Option(
        [name],
        type=kind,
        default=None,
        metavar=metavar,
        help=text,
        envvar=ENV_PREFIX + name[2:].replace("-", "_").upper(),
    )
