"""What the emulated model wants to do and say: directives, a small review, or an echo.

A directive stands in double brackets anywhere in the prompt, so one test prompt works with all
CLIs. The README lists them. Nothing here does I/O except reading the files a review names.
"""

from __future__ import annotations

import json
import re

REFUSAL = "I'm sorry, but I can't help with that request."
SHELL_TEXT = "written by the shell tool\n"
_OPEN = re.compile(
    r"\[\[(sha256|recall|write|shell-write|say|sleep|json|reason|tool|usage|parts|fault)\b"
)
_SENTENCE = "The emulated model fills the space it was asked to fill, word by word. "


class Action:
    """Something the model wants to do before it answers: ``edit``, ``shell`` or ``tool``."""

    __slots__ = ("command", "kind", "path", "seconds", "text")

    def __init__(
        self, kind: str, *, path: str = "", text: str = "", command: str = "", seconds: float = 0.0
    ) -> None:
        self.kind = kind
        self.path = path
        self.text = text
        self.command = command
        self.seconds = seconds


class Reply:
    """The model's plan for one turn."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.reasoning = ""
        self.said: list[str] = []
        self.parts: list[str] = []
        self.usage: tuple[int, int] | None = None
        self.delay_s = 0.0
        self.faults: list[str] = []
        self.fallback = ""

    def messages(self, outcomes: list[str]) -> list[str]:
        """The assistant messages, given what became of the actions."""
        if self.parts:
            return list(self.parts)
        if self.said:
            return ["\n".join(self.said)]
        return ["\n".join(outcomes) if outcomes else self.fallback]


def raw(prompt: str) -> bytes:
    """The prompt as bytes, as they arrived."""
    return prompt.encode("utf-8", "surrogateescape")


def think(
    prompt: str,
    earlier: list[str],
    display: str,
    schema: dict[str, object] | None = None,
    unsaid: str = "",
    script: list[dict[str, object]] | None = None,
) -> Reply:
    """Decide what to do about a prompt.

    ``unsaid`` holds directives that are obeyed as if they stood in the prompt. ``script`` has
    answers: the first entry whose ``when`` stands in the prompt, and whose ``turn`` it is, is said.

    Raises:
        ValueError: a directive's argument is not usable.
    """
    reply = Reply()
    for name, body in [*directives(unsaid), *directives(prompt)]:
        _obey(reply, name, body, prompt, earlier)
    for entry in script or ():
        if str(entry.get("when", "")) in prompt and entry.get("turn", len(earlier) + 1) == (
            len(earlier) + 1
        ):
            _play(reply, entry, prompt)
            break
    if schema is not None and not reply.said:
        reply.said.append(json.dumps(instance(schema)))
    if not reply.said and not reply.parts and not reply.actions:
        reply.fallback = _unasked(prompt, earlier, display)
    return reply


def directives(prompt: str) -> list[tuple[str, str]]:
    """The directives in order, each with its body."""
    found: list[tuple[str, str]] = []
    position = 0
    while (match := _OPEN.search(prompt, position)) is not None:
        start = match.end()
        if match[1] == "json":
            brace = start + len(prompt[start:]) - len(prompt[start:].lstrip())
            try:
                _, length = json.JSONDecoder().raw_decode(prompt[brace:])
            except ValueError:
                position = start
                continue
            found.append(("json", prompt[brace : brace + length]))
            position = brace + length
            continue
        end = prompt.find("]]", start)
        if end < 0:
            break
        found.append((match[1], prompt[start:end].removeprefix(" ")))
        position = end + 2
    return found


def _obey(reply: Reply, name: str, body: str, prompt: str, earlier: list[str]) -> None:
    words = body.split()
    match name:
        case "sha256":
            import hashlib  # eight milliseconds, so only when asked

            data = raw(prompt)
            reply.said.append(f"sha256 {hashlib.sha256(data).hexdigest()} bytes {len(data)}")
        case "recall":
            reply.said.append(json.dumps(earlier, ensure_ascii=False))
        case "write":
            path, _, text = body.partition(" ")
            reply.actions.append(Action("edit", path=path, text=text))
        case "shell-write":
            path = body.strip()
            code = f"open('{path}', 'w').write({SHELL_TEXT!r})"
            reply.actions.append(
                Action("shell", path=path, text=SHELL_TEXT, command=f'python3 -c "{code}"')
            )
        case "say":
            count = int(words[0])
            reply.said.append((_SENTENCE * (count // len(_SENTENCE) + 1))[: count - 1] + ".")
        case "sleep":
            reply.delay_s += float(words[0])
        case "json":
            reply.said.append(body)
        case "reason":
            reply.reasoning = body
        case "tool":
            seconds = float(words[0]) if words else 0.0
            command = f'python3 -c "import time;time.sleep({seconds})"' if seconds else "pwd"
            reply.actions.append(Action("tool", command=command, seconds=seconds))
        case "usage":
            reply.usage = int(words[0]), int(words[1])
        case "parts":
            reply.parts = body.split("|")
        case "fault":
            reply.faults.append(body)


def _play(reply: Reply, entry: dict[str, object], prompt: str) -> None:
    """Say what a script's entry has: ``say`` (JSON if it is no text), after ``sleep`` seconds.

    What the pattern ``recall`` matches in the prompt stands for ``{recalled}`` in it.
    """
    said = entry.get("say")
    if said is not None:
        text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        if entry.get("recall"):
            match = re.search(str(entry["recall"]), prompt)
            text = text.replace("{recalled}", match[0] if match else "")
        reply.said = [text]
    reply.delay_s += float(str(entry.get("sleep", 0)))
    if entry.get("write"):
        for path, text in dict(entry["write"]).items():  # type: ignore[call-overload]
            reply.actions.append(Action("edit", path=path, text=text))
    if entry.get("fault"):
        reply.faults.append(str(entry["fault"]))


def _unasked(prompt: str, earlier: list[str], display: str) -> str:
    if "```" in prompt or re.search(r"\breview\b", prompt, re.IGNORECASE):
        from . import _review

        findings = _review.review(prompt)
        if findings is not None:
            return findings
    return f"{display} (emulated) received: {prompt[:200]} (turn {len(earlier) + 1})"


def instance(schema: dict[str, object]) -> object:
    """The smallest value a JSON Schema allows, for the common keywords."""
    if "const" in schema:
        return schema["const"]
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    for key in ("anyOf", "oneOf"):
        several = schema.get(key)
        if isinstance(several, list) and several:
            return instance(several[0])
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    match kind:
        case "object":
            properties = schema.get("properties")
            wanted = schema.get("required")
            if not isinstance(properties, dict):
                return {}
            names = wanted if isinstance(wanted, list) else list(properties)
            return {name: instance(properties.get(name, {})) for name in names}
        case "array":
            items = schema.get("items")
            least = schema.get("minItems", 0)
            count = least if isinstance(least, int) else 0
            return [instance(items if isinstance(items, dict) else {}) for _ in range(count)]
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "null":
            return None
        case "string":
            least = schema.get("minLength", 0)
            return "x" * (least if isinstance(least, int) else 0) or "text"
    return "text"
