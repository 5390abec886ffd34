"""Calls of tools on an engine without processes, each answer held against its schema."""

import json
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
import trio
import trio.testing

from aimux.errors import AimuxError
from aimux.model import RouteRequest
from aimux.testing import Say, Turn
from aimux.tools import TOOLS

from ..answers import hold
from ..engine.house import House, record

Clock = trio.testing.MockClock

HANG = Turn(says=[Say(record(answer="so far"))], hangs=True)


def check(tool: str, body: Mapping[str, Any]) -> None:
    """An answer holds both its output schemas, the listed one and the whole one.

    What it says to do next can be sent as it stands.
    """
    shown = json.loads(json.dumps(body))
    jsonschema.Draft202012Validator(TOOLS[tool].output_schema).validate(shown)
    hold(tool, shown)
    for step in shown["guidance"]["next"]:
        jsonschema.Draft202012Validator(TOOLS[step["tool"]].input_schema).validate(
            step["arguments"]
        )


async def ask(house: House, tool: str, **arguments: Any) -> dict[str, Any]:
    """The body of an answer that holds its schemas."""
    body = await house.ask(tool, **arguments)
    check(tool, body)
    return body


async def fault(house: House, tool: str, **arguments: Any) -> AimuxError:
    """The error of a call that is refused; what is made of it holds the tool's schema too."""
    with pytest.raises(AimuxError) as refused:
        await house.call(tool, **arguments)
    payload = house.app.failure(refused.value, tool, arguments)
    assert payload.is_error
    check(tool, payload.body)
    return refused.value


def route(**more: Any) -> RouteRequest:
    """What a call asks of the route."""
    from aimux.model import RouteRequest

    return RouteRequest(**more)
