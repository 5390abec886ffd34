"""Which states of which tools were seen over MCP: what answers are guided by."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

Json = dict[str, object]

_LOOKS: Final = frozenset({"status", "sessions"})  # at jobs of other tools


class StatesSeen:
    """States by tool, as `tool:state`; of a job they are told by the tool that made it."""

    def __init__(self) -> None:
        self.states: set[str] = set()
        self._made_by: dict[str, str] = {}

    def take(self, tool: str, arguments: Mapping[str, object], message: Json) -> None:
        """Note what the answer to a call leaves its caller in."""
        result = message.get("result")
        body = result.get("structuredContent") if isinstance(result, dict) else None
        guidance = body.get("guidance") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(guidance, dict):
            return
        tool = "agents" if tool == "agent" else tool
        state = re.sub(r"^step_\d+$", "step_N", str(guidance["state"]))
        job_id = str(body.get("job_id") or "")
        if job_id and (tool not in _LOOKS or arguments.get("action") == "retry"):
            made_by = "exec" if tool == "sessions" else tool
            self._made_by.setdefault(job_id, made_by)
        is_own = state in ("turn", "refused") or "status" not in body or body.get("action") in (
            "cancel", "answer")  # fmt: skip
        made_by = tool if is_own else self._made_by.get(job_id, tool)
        self.states.add(f"{made_by}:{state}")
        self._take_steps(body)

    def _take_steps(self, body: Json) -> None:
        """Jobs that steps of a workflow made, by their tools."""
        data = body.get("data")
        steps = data.get("steps") if isinstance(data, dict) else None
        for each in steps if isinstance(steps, Sequence) else ():
            if isinstance(each, dict) and each.get("job_id") and each.get("tool"):
                self._made_by.setdefault(str(each["job_id"]), str(each["tool"]))


SEEN: Final = StatesSeen()
