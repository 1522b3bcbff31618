"""Finding the scheduler that a one-shot command asks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bistro_tui.cli.flag import ENV_PREFIX
from bistro_tui.cli.place import find_data_dir, is_typed, meant_data_dir, place_options
from bistro_tui.cli.talk import WrongUse
from bistro_tui.client.errors import NoAnswer, NoAnswerInTime, Refused, WentAway

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

    ``timeout`` is how many seconds it may be silent; without, what is asked decides.
    Raises WrongUse; what is asked of it raises NoAnswer or Refused.
    """
    # Imported late: --help must not wait for it.
    from bistro_tui.client.once import Asking
    from bistro_tui.engine.owner import owner_of

    try:
        place = _place(config_file, data_dir, url, token_file, tls_ca)
    except WrongUse as error:
        raise WrongUse(error.message + _config_among_words(config_file)) from None
    if isinstance(place, Path):
        from bistro_tui.client.address import address_in

        asking = Asking(
            address_in(place),
            timeout=timeout,
            is_coming=lambda: owner_of(place) is not None,
        )
    else:
        asking = Asking(place, timeout=timeout)
    try:
        yield asking
    except Refused as error:
        raise Refused(f"{error}{_config_among_words(config_file)}") from None
    except NoAnswer as error:
        more = _more(place, error, config_file) if isinstance(place, Path) else ""
        raise type(error)(f"{error}{more}") from None


def _place(
    config_file: str | None,
    data_dir: Path | None,
    url: str | None,
    token_file: Path | None,
    tls_ca: Path | None,
) -> "Path | Address":
    """Return a data directory or an address; the command line wins over the rest."""
    named = {"config_file": config_file, "data_dir": data_dir, "url": url}
    typed = {name for name, value in named.items() if value and is_typed(name)}
    if "url" in typed and len(typed) > 1:
        raise WrongUse("--url and a data directory or config cannot be given together")
    if url and (not typed or "url" in typed):
        return _address(url, token_file, tls_ca)
    data_dir = meant_data_dir(config_file, data_dir)
    if data_dir is not None and not data_dir.exists():
        raise NoAnswer(f"no scheduler runs on {data_dir}: no such directory")
    found = find_data_dir(config_file, data_dir)
    _refuse_a_worker(found)
    return found


def _refuse_a_worker(data_dir: Path) -> None:
    from bistro_tui.engine.owner import in_words, is_a_workers, owner_of

    owner = owner_of(data_dir) if is_a_workers(data_dir) else None
    if owner is not None:
        who = in_words(owner)
        raise NoAnswer(
            f"no scheduler runs on {data_dir}: a worker has it{who and f' ({who})'}\n"
            "  ask its scheduler: on that one's host, or with --url"
        )


def _address(url: str, token_file: Path | None, tls_ca: Path | None) -> "Address":
    from bistro_tui.client.address import address_of_url

    if tls_ca is not None and not tls_ca.is_file():
        raise WrongUse(f"--tls-ca: {tls_ca}: no such file")
    token = _token(token_file) if token_file is not None else ""
    try:
        return address_of_url(url, token=token, token_file=token_file, ca_file=tls_ca)
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


def _more(data_dir: Path, error: NoAnswer, config_file: str | None) -> str:
    """Return who has the directory and is silent, or how to have somebody there."""
    from bistro_tui.engine.owner import in_words, owner_of

    if isinstance(error, WentAway):
        # A lock may outlive its process for a moment.
        return ""
    owner = owner_of(data_dir)
    if owner is not None:
        who = in_words(owner) or "a scheduler"
        hangs = ", but does not answer" if isinstance(error, NoAnswerInTime) else ""
        return f"\n  {who}, holds {data_dir}{hangs}"
    if config_file is None or isinstance(error, NoAnswerInTime):
        return ""
    return (
        f"\n  bistro-tui {config_file} starts one;"
        f" bistro-tui plan {config_file} tells what would run"
    )


def _config_among_words(config_file: str | None) -> str:
    """Return what to do instead where a config was given like a job or a node."""
    context = click.get_current_context(silent=True)
    if context is None or config_file is not None:
        return ""
    for param in context.command.params:
        if not isinstance(param, click.Argument):
            continue
        given = context.params.get(param.name or "")
        for word in given if isinstance(given, tuple) else (given,):
            if isinstance(word, str) and "." in word and os.path.isfile(word):
                return (
                    f"\n  {word} is a file; a config is named by --config-file {word}"
                )
    return ""


def _option(name: str, kind: object, metavar: str, text: str) -> click.Option:
    return click.Option(
        [name],
        type=kind,
        default=None,
        metavar=metavar,
        help=text,
        envvar=ENV_PREFIX + name[2:].replace("-", "_").upper(),
    )
