"""A tool of the tests: `three_seats` over MCP, and the server that has it."""

import sys
from typing import Final

from aimux.engine import JobRequest
from aimux.model import RouteRequest
from aimux.strategies import Seat
from aimux.tools import TOOLS, InputRequired, Payload, Tool, ToolCall
from aimux.tools._context import ToolContext
from aimux.tools._jobs import go_on, run_job
from aimux.tools.catalog import CLASSES
from tests.strategies.three_seats import three_seats

answer_nowait: Final = None


async def answer(context: ToolContext, call: ToolCall) -> Payload | InputRequired:
    """Ask three CLIs at once, and a fourth to judge. Cancelling it cancels the job."""
    if call.state is not None:
        return await go_on(context, call)
    prompt, clis = str(call.arguments["prompt"]), str(call.arguments["clis"]).split(",")
    names = ["A", "B", "C", "judge"]
    seats = [
        Seat(name=name, route=RouteRequest(cli=cli, fallback=False))
        for name, cli in zip(names, clis, strict=True)
    ]
    request = JobRequest(tool="three", prompt=prompt, client=call.client, seats=seats)
    prepared = await context.engine.prepare(request)
    return await run_job(context, call, prepared, three_seats(prompt, seats[:3], seats[3]))


def main() -> None:
    """Serve MCP on standard input and output, with `three`."""
    import aimux.__main__

    properties = {name: {"type": "string"} for name in ("prompt", "clis")} | {
        "async": {"type": "boolean"},
        "wait_seconds": {"type": "number"},
    }
    TOOLS["three"] = Tool(  # type: ignore[index]  # a dict, whatever it says
        name="three",
        title="Three seats",
        description="Three seats and a judge.",
        input_schema={"type": "object", "properties": properties, "required": ["prompt"]},
        output_schema=TOOLS["exec"].output_schema,
        annotations=TOOLS["exec"].annotations,
        module="tests.e2e._three_tool",
    )
    CLASSES["three"] = {"run": "async_mandatory"}  # type: ignore[index]  # a dict, too
    sys.argv = ["aimux"]
    aimux.__main__.main()
