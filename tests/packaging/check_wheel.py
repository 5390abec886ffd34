"""Look into a built wheel: `python tests/packaging/check_wheel.py DIST/aimux_mcp-….whl`.

Prints what is wrong and exits 1, or prints one line. Uses the standard library only: it also runs
where nothing is installed.
"""

import email
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

DATA = ("profiles", "prompts", "emulators")  # what `aimux/_data` carries, each as in the checkout
ODD = ("__pycache__", ".pyc", ".DS_Store", ".orig", ".rej", ".swp")
TYPES = (".py", ".md", ".yaml", ".yml", ".toml", ".json", ".txt", ".html", ".css", ".js", ".svg")
MAX_BYTES = 5_000_000


def problems(names: Iterable[str], checkout: Path, metadata: str, scripts: str) -> list[str]:
    """What is wrong with a wheel of these members, in the words of a person who must fix it."""
    members = set(names)
    found = [f"odd: {name}" for name in sorted(members) if any(mark in name for mark in ODD)]
    for name in sorted(members):
        top = name.split("/")[0]
        if top != "aimux" and not top.endswith(".dist-info"):
            found.append(f"outside the package: {name}")
        elif top == "aimux" and not name.endswith((*TYPES, "py.typed")):
            found.append(f"of an unknown kind: {name}")
    data = [path for kind in DATA for path in sorted((checkout / kind).rglob("*"))]
    package = checkout / "aimux"
    code = [*sorted(package.rglob("*.py")), *sorted((package / "dashboard/static").rglob("*"))]
    for path, prefix in [
        *((each, "aimux/_data/") for each in data),
        *((each, "") for each in code),
    ]:
        member = prefix + path.relative_to(checkout).as_posix()
        if path.is_file() and member not in members and not any(mark in member for mark in ODD):
            found.append(f"missing: {member}")
    if "aimux/py.typed" not in members:
        found.append("missing: aimux/py.typed")
    facts = email.message_from_string(metadata)
    wanted = {"Name": "aimux-mcp", "License-Expression": "MIT", "Requires-Python": ">=3.11"}
    for key, value in wanted.items():
        if facts[key] != value:
            found.append(f"metadata: {key} is {facts[key]!r}, not {value!r}")
    if not facts.get_payload():
        found.append("metadata: no description; README.md is not in it")
    if "aimux = aimux.__main__:main" not in scripts:
        found.append(f"no command aimux: {scripts!r}")
    return found


def main(argv: list[str]) -> int:
    """Check the wheel named first."""
    if len(argv) != 1:
        print("usage: check_wheel.py WHEEL", file=sys.stderr)
        return 2
    checkout = Path(__file__).resolve().parents[2]
    wheel = Path(argv[0])
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

        def read(member: str) -> str:
            (name,) = [each for each in names if each.endswith(f".dist-info/{member}")]
            return archive.read(name).decode()

        found = problems(names, checkout, read("METADATA"), read("entry_points.txt"))
    size = wheel.stat().st_size
    if size > MAX_BYTES:
        found.append(f"{size} bytes are more than {MAX_BYTES}")
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"{wheel.name}: {len(names)} members, {size} bytes, nothing odd")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
