"""One entry of `next`."""


def call(tool: str, when: str, /, **arguments: object) -> dict[str, object]:
    """A call that can be sent as it stands; `when` says what speaks for it."""
    return {"tool": tool, "arguments": arguments, "when": when}
