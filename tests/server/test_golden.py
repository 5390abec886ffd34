"""Whole sessions as text: what goes in, what comes out, on a clock and ids that do not move.

`>> ` is the client, `<< ` the server; `~~ N` lets N seconds pass.
"""

import pathlib
from typing import Final

import pytest
import trio
import trio.testing

from aimux.drivers import ProcessSpec
from aimux.model import Stream
from aimux.testing import Say, Turn

from ..engine.house import answers, fails, record
from ..scripts import Names, check_script
from .wire import Peer, open_pair

GOLDEN: Final = pathlib.Path(__file__).parents[1] / "golden" / "server"


def turn_for(spec: ProcessSpec) -> Turn:
    """What the CLI of the transcripts does with each prompt."""
    if spec.argv[-1] == "--version":
        return Turn(says=[Say(b"alpha 1.2.3")])
    match (spec.stdin or b"").decode():
        case "slow":
            said = Say(record(answer="slow but sure") + record(type="end"), after_s=60)
            return Turn(says=[Say(record(delta="thinking about it")), said])
        case "steps":
            says = [Say(record(answer=f"step {n}"), after_s=1.0) for n in (1, 2)]
            return Turn(
                says=[*says, Say(record(answer="all done now") + record(type="end"), after_s=1.0)]
            )
        case "ask":
            thanks = Say(b"\n" + record(answer="thank you") + record(type="end"), when_typed=True)
            return Turn(says=[Say(b"Trust this folder? [y/n] "), thanks])
        case "fail":
            complaint = Say(b"a word on stderr\n", stream=Stream.STDERR)
            broken = fails("context overflow", said="half an answer")
            return Turn(says=[complaint, *broken.says], exit_code=1)
        case _:
            return answers("a fine answer", native="native-1")


class Transcript:
    """Plays a script against a session and writes down what comes out."""

    def __init__(self, peer: Peer, root: pathlib.Path) -> None:
        self.peer = peer
        self.names = Names(root)
        self.lines: list[str] = []

    async def play(self, script: str) -> str:
        for line in script.splitlines():
            if line.startswith("<< "):
                continue
            self.lines.append(line)
            if line.startswith(">> "):
                await self.peer.stream.send_all(self.names.known(line[3:]).encode() + b"\n")
            elif line.startswith("~~ "):
                await trio.sleep(float(line[3:]))
            await self.hear()
        return "\n".join(self.lines) + "\n"

    async def hear(self) -> None:
        before = len(self.peer.raw)
        await self.peer.settle()
        self.lines += [f"<< {self.names.shown(raw.decode())}" for raw in self.peer.raw[before:]]


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.txt")))
def test_session_is_as_reviewed(name: str, tmp_path: pathlib.Path, update_golden: bool) -> None:
    """Each script in tests/golden/server gives the lines that were reviewed."""
    path = GOLDEN / f"{name}.txt"
    script = path.read_text(encoding="utf-8")
    said: list[str] = []

    async def play() -> None:
        async with open_pair(tmp_path, turn_for) as (house, peer):
            said.append(await Transcript(peer, tmp_path).play(script))
            assert house.driver.running <= 1

    trio.run(play, clock=trio.testing.MockClock(autojump_threshold=0))

    check_script(path, said[0], update=update_golden)


def test_transcripts_exist() -> None:
    """An empty directory would be a test that passes by checking nothing."""
    assert len(list(GOLDEN.glob("*.txt"))) >= 4
