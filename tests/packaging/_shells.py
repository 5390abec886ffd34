"""The scripts of `aimux completion`: each read by its shell, PowerShell's by a grammar of it.

PowerShell comes from no registry that packages programs for Linux; where there is a `pwsh`,
tests/console completes with it.
"""

import importlib
import os
import shutil
from typing import Any, Final

from aimux.console._completion import SCRIPTS

from ._steps import Built, Failed, Missing, run

CALLS: Final = {
    *("Register-ArgumentCompleter", "Select-Object", "Where-Object", "ForEach-Object", "aimux"),
}


def completion(built: Built) -> str:
    """No script has a fault of syntax."""
    place = built.work / "completion"
    place.mkdir()
    read = []
    for shell in ("bash", "zsh", "fish"):
        if shutil.which(shell) is not None:
            script = place / shell
            script.write_text(SCRIPTS[shell], encoding="utf-8")
            run([shell, "-n", script], os.environ, place)
            read.append(shell)
    calls = _powershell(SCRIPTS["powershell"])
    if calls != CALLS:
        raise Failed(f"powershell calls {sorted(calls)}")
    return f"powershell by its grammar; by themselves: {', '.join(read)}"


def _powershell(script: str) -> set[str]:
    """The commands that a script calls, by a grammar of PowerShell."""
    try:
        tree_sitter: Any = importlib.import_module("tree_sitter")
        grammar: Any = importlib.import_module("tree_sitter_powershell")
    except ImportError as error:
        raise Missing("needs tree-sitter-powershell") from error
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    root = parser.parse(script.encode()).root_node
    if root.has_error:
        raise Failed("powershell: a fault of syntax")
    found, rest = set[str](), [root]
    while rest:
        node = rest.pop()
        if node.type == "command_name":
            found.add(node.text.decode())
        rest += node.children
    return found
