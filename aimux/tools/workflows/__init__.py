"""Workflows that can be called by name: the files they are in, and what is wrong with those."""

from ._files import workflow_problems as workflow_problems
