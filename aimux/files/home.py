"""Where the user is at home, if anywhere."""

import os
import sys

TYPE_CHECKING = False  # `typing` is not needed on the way to the first answer
if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("HOME", "USERPROFILE")
REMEDY = "set HOME, or both AIMUX_STATE_DIR and AIMUX_CONFIG_DIR"


class NoHomeError(Exception):
    """Neither the environment nor the system knows a home directory of this user."""


def find_home(env: "Mapping[str, str]") -> str:
    """The home directory: as `env` has it, else as the system does.

    One that is relative is none: it would be another one in each directory.

    Raises:
        NoHomeError: there is none; containers run under numbers that nobody has heard of.
    """
    for name in NAMES:
        named = env.get(name, "")
        if os.path.isabs(named):  # noqa: PTH117  # no pathlib here
            return named
    found = _of_system()
    if not os.path.isabs(found):  # noqa: PTH117
        raise NoHomeError("this user has no home directory")
    return found


if sys.platform == "win32":

    def _of_system() -> str:
        return os.path.expanduser("~")  # noqa: PTH111

else:
    import pwd

    def _of_system() -> str:
        try:
            return pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:  # not expanduser: it leaves the tilde, which is a name like another then
            return ""
