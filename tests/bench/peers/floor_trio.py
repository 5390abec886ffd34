"""A floor: canned answers from a bare Trio loop on descriptor streams."""

import json

import trio
from canned import answer_line


async def main() -> None:
    """Answer until end of input."""
    held = b""
    async with trio.lowlevel.FdStream(0) as source, trio.lowlevel.FdStream(1) as sink:
        async for data in source:
            *lines, held = (held + bytes(data)).split(b"\n")
            answers = [answer_line(json.loads(line)) for line in lines]
            await sink.send_all(b"".join(answers))


trio.run(main)
