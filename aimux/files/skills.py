"""Where skills may lie. Asked on the way to the first answer: nothing is read to know it."""

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from aimux.files.home import NoHomeError, find_home
from aimux.files.shipped import beside

OURS: Final = "aimux"
# the program, its directory below a project, the one below the home directory
HOSTS: Final = (
    ("github", ".github/skills", ".copilot/skills"),
    ("gemini", ".gemini/skills", ".gemini/skills"),
    ("codex", ".codex/skills", ".codex/skills"),
    ("claude", ".claude/skills", ".claude/skills"),
    ("agents", ".agents/skills", ".agents/skills"),
)


class SkillDirectory(NamedTuple):
    """A directory that may hold skills: its layer (installation, user, project) and whose it is."""

    layer: str
    host: str
    path: str


def skill_directories(
    env: Mapping[str, str], project: str, *, user: str = ""
) -> list[SkillDirectory]:
    """Every directory that may have skills beside the shipped ones, lowest layer first.

    `user` is the user's configuration directory, if it is not where `env` has it. Without a home
    directory there is none of the user, unless one of both names it.
    """
    try:
        home = find_home(env)
    except NoHomeError:
        home = ""
    found: list[SkillDirectory] = []
    installation = beside()
    if installation is not None:
        found.append(SkillDirectory("installation", OURS, str(installation / "skills.d")))
    if home:
        found += [SkillDirectory("user", host, f"{home}/{below}") for host, _, below in HOSTS]
    named = env.get("AIMUX_CONFIG_DIR", "").strip()
    if named[:2] in {"~/", "~\\"}:
        named = f"{home}/{named[2:]}" if home else ""
    user = user or named or (f"{home}/.config/aimux" if home else "")
    if user:
        found.append(SkillDirectory("user", OURS, f"{user}/skills.d"))
    # in the home directory they are the user's own
    if not home or os.path.abspath(project) != os.path.abspath(home):  # noqa: PTH100  # no pathlib here
        found += [SkillDirectory("project", host, f"{project}/{own}") for host, own, _ in HOSTS]
    found.append(SkillDirectory("project", OURS, f"{project}/.aimux/skills.d"))
    return found


def has_skills(env: Mapping[str, str], project: str) -> bool:
    """Whether there is any directory for skills but the shipped one."""
    return any(os.path.isdir(each.path) for each in skill_directories(env, project))  # noqa: PTH112
