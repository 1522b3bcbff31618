"""The ``completion`` command: the script that makes a shell ask us."""

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.complete import ASKED
from bistro_tui.cli.talk import print_data

_BASH = r"""# Completion of bistro-tui for bash 4.4 or newer.
_bistro_tui() {
    local kind value
    COMPREPLY=()
    while IFS=$'\t' read -r kind value; do
        case $kind in
        plain) COMPREPLY+=("$value") ;;
        open) COMPREPLY+=("$value"); compopt -o nospace ;;
        file) compopt -o default ;;
        dir) compopt -o dirnames ;;
        esac
    done < <(
        @ASKED@=bash COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_CUR="$2" \
            command bistro-tui 2>/dev/null
    )
}
complete -o nosort -F _bistro_tui bistro-tui
"""

_ZSH = r"""#compdef bistro-tui
# Completion of bistro-tui for zsh.
_bistro_tui() {
    local -a plain unfinished
    local line kind value none=1
    while IFS= read -r line; do
        kind=${line%%$'\t'*} value=${line#*$'\t'}
        case $kind in
        plain) plain+=("$value") ;;
        open) unfinished+=("$value") ;;
        file) _files && none=0 ;;
        dir) _files -/ && none=0 ;;
        esac
    done < <(
        @ASKED@=zsh COMP_LINE="${(j: :)words[1,CURRENT]}" \
            command bistro-tui 2>/dev/null
    )
    (( $#plain )) && compadd -U -V bistro-tui -a plain && none=0
    (( $#unfinished )) && compadd -U -S '' -V bistro-tui -a unfinished && none=0
    return none
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _bistro_tui "$@"
else
    compdef _bistro_tui bistro-tui
fi
"""

_FISH = r"""# Completion of bistro-tui for fish.
function __bistro_tui
    set -lx @ASKED@ fish
    set -lx COMP_LINE (commandline -cp | string collect)
    for line in (command bistro-tui 2>/dev/null)
        set -l parts (string split -m 1 \t -- $line)
        switch $parts[1]
            case file
                __fish_complete_path $parts[2]
            case dir
                __fish_complete_directories $parts[2]
            case '*'
                printf '%s\n' $parts[2]
        end
    end
end
complete --command bistro-tui --no-files --arguments '(__bistro_tui)'
"""

SCRIPTS = {
    name: text.replace("@ASKED@", ASKED)
    for name, text in (("bash", _BASH), ("zsh", _ZSH), ("fish", _FISH))
}


def _completion(shell: str) -> int:
    print_data(SCRIPTS[shell], end="")
    return exit_codes.OK


completion_command = click.Command(
    name="completion",
    callback=_completion,
    params=[click.Argument(["shell"], type=click.Choice(tuple(SCRIPTS)))],
    help="Print the script by which a shell completes commands, flags, configs, and the"
    " jobs and nodes of a running scheduler.\n\n\b\n"
    "bash:  bistro-tui completion bash > \\\n"
    "         ~/.local/share/bash-completion/completions/bistro-tui\n"
    "zsh:   bistro-tui completion zsh > DIR/_bistro-tui   # DIR is in $fpath\n"
    "fish:  bistro-tui completion fish > \\\n"
    "         ~/.config/fish/completions/bistro-tui.fish",
    context_settings={"help_option_names": ["-h", "--help"]},
)
