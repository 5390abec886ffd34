"""How a number of things is said."""


def plural(count: int, noun: str) -> str:
    """`1 option`, `2 options`."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("is"):
        return f"{count} {noun[:-2]}es"
    if noun.endswith("y"):
        return f"{count} {noun[:-1]}ies"
    return f"{count} {noun}{'es' if noun.endswith('s') else 's'}"
