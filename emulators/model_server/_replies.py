"""Deciding what to answer: a request and the scripts in, a reply as a plain value out."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from typing import Final

from ._requests import ModelRequest
from ._script import Directive, Script, marked_part, read_script
from ._tools import Call, choose_call, instance_of

DERIVED_CHARS: Final = 80  # how much of the prompt the default answer repeats
RECALLED_CHARS: Final = 300  # how much of each end of an earlier message is recalled
RESULT_CHARS: Final = 2000
DELIVERIES: Final = ("ok", "slow", "cut", "empty", "hang")  # every other behaviour is a fault
FINISH_TOOL: Final = "complete"  # gptme ends a turn only when the model calls it


@dataclasses.dataclass(frozen=True)
class Reply:
    """What goes back. `fault` names an error; else `call`, else the words of `text`."""

    text: str = ""
    call: Call | None = None
    fault: str = ""
    delivery: str = "ok"
    spread_s: float = 0.0
    serial: int = 1  # makes the ids of one server's answers distinct

    @property
    def pieces(self) -> list[str]:
        """The text as a model streams it: word by word, joining to the text itself."""
        return re.findall(r"\S+\s*|^\s+", self.text)

    @property
    def label(self) -> str:
        """One word for the log."""
        if self.fault:
            return self.fault
        if self.delivery != "ok":
            return self.delivery
        return f"tool:{self.call.tool}" if self.call else "text"


def decide(request: ModelRequest, base: Script, seen: int) -> Reply:
    """The reply to a request.

    `base` is the run's own script, for what the prompt leaves open; `seen` is how many requests
    with this prompt came before. A title or summary call follows only the run's script.
    """
    script = base if request.is_side_call else read_script(request.prompt).over(base)
    delivery, spread_s, is_over = _delivery(script.delivery, seen)
    if delivery not in DELIVERIES:
        return Reply(fault=delivery)
    if delivery in ("empty", "hang"):
        return Reply(delivery=delivery)
    if request.schema is not None and script.content is None:
        text = json.dumps(instance_of(request.schema))
        return Reply(text=text, delivery=delivery, spread_s=spread_s)
    if request.is_side_call and script.content is None:
        return Reply(text="A short title", delivery=delivery, spread_s=spread_s)
    if script.content is None and delivery == "slow":
        return Reply(text=words(math.ceil(spread_s)), delivery=delivery, spread_s=spread_s)
    if script.content is None and is_over:
        return Reply(text=f"answered at request {seen + 1}", delivery=delivery)
    reply = _content(request, script.content)
    return dataclasses.replace(reply, delivery=delivery, spread_s=spread_s)


def words(count: int) -> str:
    """So many words, numbered so that a lost one is noticed."""
    return " ".join(f"word{number}" for number in range(1, max(1, count) + 1))


def _delivery(wanted: Directive | None, seen: int) -> tuple[str, float, bool]:
    """How to deliver: the name, seconds for slow, and whether a limited fault has worn off."""
    if wanted is None:
        return "ok", 0.0, False
    name, rest = wanted.name, wanted.argument
    if name == "behave":
        name, _, rest = rest.partition(" ")
        if name != "slow" and rest.isdecimal() and seen >= int(rest):
            return "ok", 0.0, True
    return name, float(rest or 1) if name == "slow" else 0.0, False


def _content(request: ModelRequest, wanted: Directive | None) -> Reply:
    if request.is_nagged and any(tool.name == FINISH_TOOL for tool in request.tools):
        return Reply(call=Call(FINISH_TOOL, {}))
    prompt = request.prompt
    if wanted is None:
        return Reply(text=f"You said: {_one_line(prompt)[:DERIVED_CHARS]}")
    match wanted.name:
        case "say":
            number = wanted.argument
            return Reply(text=words(int(number)) if number.isdecimal() else number)
        case "recall":
            before = prompt[: prompt.rindex("[[recall")] if "[[recall" in prompt else ""
            told = [text for text in (before, *reversed(request.earlier)) if text.strip()]
            lines = [f"{at}. {_shortened(text)}" for at, text in enumerate(told, 1)]
            return Reply(text="Earlier you said:\n" + "\n".join(lines) if lines else "Nothing yet.")
        case "sha256":
            part = marked_part(prompt).encode()
            return Reply(text=f"sha256 {hashlib.sha256(part).hexdigest()} size {len(part)}")
    if request.has_called:
        said = "\n".join(request.results)[:RESULT_CHARS]
        return Reply(text=f"The tool said: {said}")
    call = choose_call(request, wanted)
    if call is not None:
        return Reply(call=call)
    if wanted.name == "write" and not request.tools:
        # aider offers no tools: its models write files by naming them above a fenced block
        path, _, text = wanted.argument.partition(" ")
        return Reply(text=f"{path}\n```\n{text}\n```\n")
    offered = ", ".join(tool.name for tool in request.tools) or "none"
    return Reply(text=f"No tool for {wanted.name}; offered: {offered}")


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"<[^<>]*>", " ", text).split())


def _shortened(text: str) -> str:
    line = _one_line(text)
    if len(line) <= 2 * RECALLED_CHARS:
        return line
    return f"{line[:RECALLED_CHARS]} ... {line[-RECALLED_CHARS:]}"
