"""The page a person watches jobs on: static files, one feed, and passes for who may see it."""

from ._passes import Passes as Passes
from ._site import Dashboard as Dashboard
