"""Run one emulator: ``python emulators/__main__.py codex exec --json -- "say hi"``.

Started with ``-I -S`` by the launchers, so nothing but this folder's parent is put on the path.
"""

import sys
from importlib import import_module

MODULES = {
    "aider": "aider",
    "claude": "claude",
    "cline": "cline",
    "cn": "continue_",
    "codex": "codex",
    "continue": "continue_",
    "crush": "crush",
    "droid": "droid",
    "gemini": "gemini",
    "goose": "goose",
    "gptme": "gptme",
    "opencode": "opencode",
    "qwen": "qwen",
}


def main(argv: list[str]) -> int:
    """Run the emulator named first with the rest as its arguments; return its exit code."""
    if not argv or argv[0] not in MODULES:
        sys.stderr.write(f"usage: emulators NAME [ARGUMENT...]\nnames: {', '.join(MODULES)}\n")
        return 2
    here = __file__.replace("\\", "/").rsplit("/", 2)
    sys.path.insert(0, here[0] if len(here) == 3 else "..")
    stage = import_module("emulators._stage")
    return int(stage.play(import_module(f"emulators.{MODULES[argv[0]]}"), argv[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
