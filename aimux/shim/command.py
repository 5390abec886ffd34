"""How this installation starts itself: one command line for children, units and configurations.

`python -m` puts the directory it is started in before everything else, so that a project's
`select.py` or `aimux/` would be run in our place. `-P` leaves it out.
"""

import sys


def own_command(*words: str, python: str = "") -> list[str]:
    """The words that run `aimux WORDS` with our interpreter, or with `python`.

    Nothing is imported from the directory it is started in. What we were told to ignore (variables
    of Python, the user's own packages) is ignored there too. PYTHONPATH counts as it does for us:
    an empty or relative entry of it means that directory to every program in Python.
    """
    flags = ["-P"]
    if sys.flags.ignore_environment:
        flags.append("-E")
    if sys.flags.no_user_site:
        flags.append("-s")
    return [python or sys.executable, *flags, "-m", "aimux", *words]
