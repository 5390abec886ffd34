"""Agents of every place where hosts keep them: a room of its own, read where one is wanted."""

from ._files import AgentPlace as AgentPlace
from ._library import (
    AgentLibrary as AgentLibrary,
    agent_places as agent_places,
    read_agents as read_agents,
)
