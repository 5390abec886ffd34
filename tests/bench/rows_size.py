"""What a model pays for before it has asked anything: the list of tools and the instructions."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

import install
import mcp_bench
from figures import Row, unmeasured
from world import ERAS, open_world

MOST_TOKENS: Final = 6_000  # of names, descriptions and input schemas
MOST_BYTES: Final = 60_000  # of the whole list
MOST_INSTRUCTIONS: Final = 600  # tokens
COUNTED: Final = ("name", "description", "inputSchema")


def listing(*, is_quick: bool) -> list[Row]:
    """Bytes and tokens (cl100k) of what every client reads at its start."""
    del is_quick  # it is measured once in any case
    with open_world() as world:
        wire = world.serve(in_process=False)
        hello = {"protocolVersion": ERAS["handshake"], "capabilities": {}}
        told, _ = wire.request("initialize", hello | {"clientInfo": mcp_bench.CLIENT_INFO})
        wire.notify("notifications/initialized")
        listed, _ = wire.request("tools/list", {})
        wire.end()
    size = len(_compact(listed).encode())
    rows = [
        Row(
            what=f"tools/list, {len(listed['tools'])} tools",
            ours=f"{size / 1000:.1f} kB",
            target="<= 60 kB",
            holds=size <= MOST_BYTES,
        )
    ]
    shown = [{key: tool[key] for key in COUNTED} for tool in listed["tools"]]
    texts = {
        "tools/list: names, descriptions, input schemas": (_compact(shown), MOST_TOKENS),
        "instructions of the server": (str(told["instructions"]), MOST_INSTRUCTIONS),
    }
    try:
        counts = _tokens([text for text, _ in texts.values()])
    except install.Missing as problem:
        return rows + [unmeasured(what, problem) for what in texts]
    return rows + [
        Row(what=what, ours=f"{count} tokens", target=f"<= {most}", holds=count <= most)
        for (what, (_, most)), count in zip(texts.items(), counts, strict=True)
    ]


def _compact(value: Mapping[str, object] | Sequence[object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tokens(texts: Sequence[str]) -> list[int]:
    done = subprocess.run(
        install.command("tokens"), input=json.dumps(texts), capture_output=True, text=True,
        check=True, encoding="utf-8",
    )  # fmt: skip
    return [int(each) for each in json.loads(done.stdout)]
