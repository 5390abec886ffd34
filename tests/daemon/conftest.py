"""Machines with daemons."""

from ._world import world as world
