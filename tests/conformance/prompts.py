"""aimux's own prompts beside those that the suite looks for, as on a machine without any CLI."""

from pathlib import Path

from aimux.config import ClientContext, Loader
from aimux.library.skills import render_skill
from aimux.protocol import Called, Json

NOBODY = ClientContext(cwd=Path("/"), env={})
NOTHING: Json = {
    "clis": [],
    "roles": [],
    "cli_of": {},
    "role": {"name": "", "why": ""},
    "agents": [],
    "agent": {"id": "", "why": ""},
    "domains": [],
    "domain": {
        "name": "generic",
        "summary": "",
        "words": "",
        "areas": [],
        "avoid": [],
        "signs": [],
    },
    "reports": [],
    "jobs": {"running": 0, "queued": 0},
    "related": [],
    "tools": [],
    "patterns": [],
    "cwd": "/",
    "kind": "",
    "can_research": False,
}


def own_prompt(called: Called) -> Json:
    """The result of `prompts/get` for one of aimux's own."""
    library = Loader().skills(NOBODY)
    skill = library.skills[str(called.params["name"])]
    given = called.params.get("arguments")
    args = {each.name: "" for each in skill.arguments} | (given if isinstance(given, dict) else {})
    values = NOTHING | {"args": args, "paths": args}
    text = render_skill(skill, library.parts_of(skill), values)
    message = {"role": "user", "content": {"type": "text", "text": text}}
    return {"description": skill.description, "messages": [message]}
