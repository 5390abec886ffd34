"""Machines with daemons."""

from ..daemon._world import world as world
