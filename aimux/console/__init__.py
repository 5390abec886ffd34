"""The operator's commands: a peer like any other."""

from ._main import main as main
