"""The form of an answer: the caller's style, else the role's, else none."""

from typing import Final

import attrs

from aimux.errors import InvalidArguments
from aimux.library import render, styles_in
from aimux.model import Role
from aimux.rules import ANY_JSON, nearest

from ._job_request import PreparedJob

JSON_STYLE: Final = "json"


def styled(half: PreparedJob, role: Role | None) -> tuple[PreparedJob, str]:
    """The job and the text of its style: the caller's, else the role's. One of JSON is checked.

    Raises:
        InvalidArguments: there is no style of that name.
    """
    request, prompts = half.request, half.snapshot.prompts
    name = request.style
    if name == "" and role is not None:
        name = role.style
    if not name:
        return half, ""
    text = prompts.get(f"styles/{name}")
    if text is None:
        known = styles_in(prompts)
        problem = {"path": "style", "value": name, "expected": f"one of {', '.join(known)}"}
        close = nearest(name, known)
        meant = f", did you mean {close}?" if close else ""
        raise InvalidArguments(
            f"there is no style {name!r}: there are {', '.join(known) or 'none'}{meant}",
            problems=[problem | ({"suggestion": close} if close else {})],
        )
    if name == JSON_STYLE and request.schema is None:
        half = attrs.evolve(half, request=attrs.evolve(request, schema=ANY_JSON))
    return half, render(prompts, text.id, {})
