"""Readers of what CLIs print: bytes in, typed events out."""
