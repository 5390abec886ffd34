"""Domains of investigations in layers: a room of its own, read where one is begun."""

from ._domains import DomainLibrary as DomainLibrary, read_domains as read_domains
