"""Patterns, techniques and what they share, without a loop."""
