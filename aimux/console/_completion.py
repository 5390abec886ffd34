"""`aimux completion`: what has a shell complete the words of `aimux`, live ids among them."""

from collections.abc import Mapping
from typing import Final

import click

from ._output import say

SCRIPTS: Final[Mapping[str, str]] = {
    "bash": """\
_aimux() {
    local IFS=$'\\n'
    COMPREPLY=($(aimux _complete "=${COMP_WORDS[COMP_CWORD]}" \\
        "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null))
}
complete -o default -F _aimux aimux
""",
    "zsh": """\
#compdef aimux
_aimux() {
    local -a found
    found=("${(@f)$(aimux _complete "=${words[CURRENT]}" "${(@)words[2,CURRENT-1]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then
        compadd -a found
    else
        _files
    fi
}
if [[ "${funcstack[1]}" == "_aimux" ]]; then
    _aimux "$@"
else
    compdef _aimux aimux
fi
""",
    "fish": """\
function __aimux_complete
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct)
    aimux _complete "=$typed" $before 2>/dev/null
end
complete -c aimux -a '(__aimux_complete)'
""",
    "powershell": """\
Register-ArgumentCompleter -Native -CommandName aimux -ScriptBlock {
    param($typed, $line, $cursor)
    $before = @($line.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.ToString() })
    aimux _complete "=$typed" @before 2>$null | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }
}
""",
}
# words of a parameter's name, or of an argument's metavar -> the kinds of names it takes
KINDS: Final[Mapping[str, str]] = {
    "job": "jobs",
    "session": "sessions",
    "investigation": "investigations",
    "cli": "clis",
    "clis": "clis",
    "role": "roles",
}


@click.command(
    short_help="Print the completion script of a shell.",
    epilog="""\b
Examples:
  aimux completion bash > ~/.local/share/bash-completion/completions/aimux
  aimux completion zsh > ~/.zfunc/_aimux
  aimux completion fish > ~/.config/fish/completions/aimux.fish
  aimux completion powershell >> $PROFILE""",
)
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def completion(shell: str) -> None:
    """Print what has SHELL complete commands, options and live names.

    The names are those of jobs, sessions, investigations, CLIs and roles that the running daemon
    has. It stays right after an upgrade.
    """
    say(SCRIPTS[shell], nl=False)


def completion_table() -> dict[str, object]:
    """Every command with its options and what they take: texts, or kinds of names in a text."""
    from ._main import commands

    with click.Context(commands, info_name="aimux") as context:
        return _level(commands, context)


def _level(command: click.Command, context: click.Context) -> dict[str, object]:
    found: dict[str, object] = {}
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                found[name] = _level(below, context)
    options: dict[str, object] = {}
    argument: object = None
    for each in command.params:
        if isinstance(each, click.Option):
            names = (*each.opts, *each.secondary_opts)
            takes = None if each.is_flag or each.count else _taken(each) or []
            options |= dict.fromkeys(names, takes)
        elif argument is None:
            argument = _taken(each)
    options |= {"--help": None}
    return {"commands": found, "options": options, "argument": argument}


def _taken(parameter: click.Parameter) -> object:
    """What a parameter takes: a list of texts, kinds of names in a text, or None for anything."""
    if isinstance(parameter.type, click.Choice):
        return [str(each) for each in parameter.type.choices]
    said = f"{parameter.name or ''}|{parameter.metavar or ''}".lower().strip("[]")
    words = said.replace("_", "|").replace("[", "").replace("]", "").split("|")
    return " ".join(dict.fromkeys(KINDS[word] for word in words if word in KINDS)) or None
