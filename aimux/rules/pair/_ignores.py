"""What the ignore files above a directory say of what is in it, as one in the directory says it."""


def patterns_below(text: str, prefix: str) -> list[str]:
    """The patterns of an ignore file that mean something below `prefix`, said from there.

    `prefix` is the directory, relative to that of the file, with `/` between.
    """
    found = []
    for line in text.splitlines():
        pattern = line.rstrip()
        if not pattern or pattern.startswith("#"):
            continue
        sign = "!" if pattern.startswith("!") else ""
        body = pattern.removeprefix("!")
        if "/" not in body.rstrip("/"):  # of any depth
            found.append(pattern)
            continue
        anchored = body.removeprefix("/")
        if anchored.startswith("**/"):
            found.append(pattern)
        elif anchored.startswith(f"{prefix}/") and anchored != f"{prefix}/":
            found.append(f"{sign}/{anchored.removeprefix(f'{prefix}/')}")
    return found
