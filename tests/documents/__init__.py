"""The documents as a site, and every command that they show; `nox -s docs` starts it."""
