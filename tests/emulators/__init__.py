"""The stand-ins, driven as child processes."""
