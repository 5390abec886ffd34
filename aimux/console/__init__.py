"""The operator's commands: a peer like any other."""

from ._completion import completion_table as completion_table
from ._main import main as main
