"""The ``keys`` command: every action of the screen, and the keys that ask for it."""

import json

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.talk import print_data
from bistro_tui.present.clean import clean_name


def _keys(check: bool, as_json: bool) -> int:
    # Imported late: --help must not wait for the screen.
    import bistro_tui.attached_app  # noqa: F401 - its bindings are what is listed
    from bistro_tui.cli.screen_settings import read_settings, tell_problems
    from bistro_tui.cli.tables import Column, Table
    from bistro_tui.dressed import Dressed
    from bistro_tui.widgets.keymap import actions, checked_keymap, written

    settings = read_settings()
    keymap, _ = checked_keymap(settings)
    app = Dressed()
    app.dress(settings)
    problems = app.settings_problems
    tell_problems(problems)
    if check:
        if not problems:
            changed = f", {len(keymap)} changed" if keymap else ""
            print_data(f"ok: {len(actions())} actions{changed}, no clash")
        return exit_codes.NOT_DONE if problems else exit_codes.OK
    rows = [
        (one.id, keymap[one.id].split(",") if one.id in keymap else one.keys, one.words)
        for one in actions().values()
    ]
    if as_json:
        listed = [
            {"id": id_, "keys": list(keys), "words": words} for id_, keys, words in rows
        ]
        print_data(json.dumps({"keys": listed}))
        return exit_codes.OK
    table = Table(
        Column(title="id"), Column(title="keys"), Column(title="does", is_rest=True)
    )
    cells = [
        (id_, clean_name(" ".join(map(written, keys))), words)
        for id_, keys, words in rows
    ]
    print_data(table.text(cells))
    return exit_codes.OK


keys_command = click.Command(
    name="keys",
    callback=_keys,
    params=[
        click.Option(
            ["check", "--check"],
            is_flag=True,
            help="Only check the settings file; exit code 1 if something is wrong.",
        ),
        click.Option(["as_json", "--json"], is_flag=True, help="Answer as JSON."),
    ],
    help="Show every action of the screen, its keys, and the id by which the settings"
    " file gives it others.\n\n"
    "The settings file is $XDG_CONFIG_HOME/bistro-tui/ui.toml, or"
    " ~/.config/bistro-tui/ui.toml:\n\n"
    "\b\n"
    '  theme = "bistro-day"\n'
    "  [keys]\n"
    '  "act.stop" = "x,ctrl+k"\n\n'
    "Keys that clash with others, and ids that do not exist, are told on stderr and not"
    " used.",
    epilog="Exit codes: 0; 1 with --check: something is wrong.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
