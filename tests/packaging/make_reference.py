"""Write docs/reference from the code: `python tests/packaging/make_reference.py`.

What a page says is read from the catalog of tools, the settings, the profiles, the exception tree
and the codes in the source, so that it cannot promise what the code does not have. The table of
CLIs in the README is made here too. A test fails while a page is out of date.
"""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from aimux import errors
from aimux.config import ClientContext, load
from aimux.config._aliases import ALIASES
from aimux.config._find import FOREIGN, variables
from aimux.config._shape import leaves
from aimux.model import EFFORTS, FailureClass, JobStatus, Mode, Settings
from aimux.tools.catalog import CLASSES, RESULT, TEMPLATES, TOOLS, Tool, listed as listed_tools

if __package__:
    from .make_layers import layers
    from .make_states import states
else:  # run as a script
    from make_layers import layers
    from make_states import states

ROOT = Path(__file__).resolve().parents[2]
HEAD = "<!-- Made by tests/packaging/make_reference.py: change what it reads, then run it. -->\n\n"

VARIABLES = {
    "AIMUX_CONFIG_DIR": "your configuration directory; `~/.config/aimux` if unset",
    "AIMUX_STATE_DIR": "where store, log and lock files are; `~/.config/aimux` if unset",
    "AIMUX_CACHE_DIR": "where parsed configuration is kept between processes",
    "AIMUX_RUNTIME_DIR": "where the daemon's socket is; a short path in a private directory",
    "AIMUX_LOCAL": "`pipe`: the daemon as on Windows, which is how that road is tested elsewhere; "
    "one state directory, one value",
    "AIMUX_DAEMON": "`off`: serve in the client's own process, without the daemon",
    "AIMUX_ALLOWED_HOSTS": "further names under which network clients may ask, with commas between",
    "AIMUX_ALLOW_UNAUTHENTICATED_HTTP": "`1`: network clients on this machine need no token",
    "AIMUX_AUTH_TOKEN_FILE": "a file, readable by you alone, with the token of network clients",
    "AIMUX_CONTAINER": "`1`, as in the container image: listen on all interfaces, and show a token "
    "that was made",
    "AIMUX_BIND_PUBLIC": "`1`: listen beyond loopback, which needs a token",
}
NO_EFFECT = {"AIMUX_ENV"}  # known, so that nobody is told of a typing error
STATUS_TEXT = {
    JobStatus.QUEUED: "waits for a slot",
    JobStatus.RUNNING: "at work",
    JobStatus.COMPLETED: "the answer is whole",
    JobStatus.PARTIAL: "there is an answer, and something failed: see `error`",
    JobStatus.FAILED: "no answer: see `error`",
    JobStatus.CANCELLED: "somebody asked for its end",
    JobStatus.TIMED_OUT: "its deadline or the limit of silence was over",
    JobStatus.ABORTED: "the server ended under it",
}
FAILURE_TEXT = {
    FailureClass.QUOTA: "the account's quota is used up; the model is left alone for a while",
    FailureClass.MODEL_UNAVAILABLE: "the CLI does not have this model, or not now",
    FailureClass.AUTH: "not logged in, or the key is refused; the CLI is left alone",
    FailureClass.TRANSIENT: "a network or server error; tried once more",
    FailureClass.USAGE: "the CLI did not take our flags: another version than the profile knows",
    FailureClass.FATAL: "trying again would not help",
    FailureClass.TIMEOUT: "the deadline or the limit of silence was over",
    FailureClass.CANCELLED: "somebody asked for the end",
    FailureClass.UNKNOWN: "nothing told what it was; the excerpt has the CLI's words",
}


def table(columns: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |\n"
        for line in lines
    )


def kind_of(schema: Mapping[str, object]) -> str:
    """The type of a JSON Schema property, with its bounds."""
    if "enum" in schema:
        values = schema["enum"]
        assert isinstance(values, list)
        return " ".join(f"`{value}`" for value in values)
    kind = schema.get("type", "any")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    bounds = {"minimum": "at least", "maximum": "at most", "minLength": "characters, at least"}
    told = [f"{said} {schema[key]}" for key, said in bounds.items() if key in schema]
    return ", ".join([words, *told])


def described(tool: Tool) -> str:
    """The parts of a description, a line each."""
    lines = [line.partition(" ") for line in tool.description.splitlines()]
    return "\n".join(f"- **{name}** {said}" for name, _, said in lines)


def arguments(tool: Tool) -> str:
    """The table of a tool's arguments."""
    properties, required = tool.input_schema["properties"], tool.input_schema["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    return table(
        ("argument", "type", "meaning"),
        (
            (
                f"`{name}`" + (" (required)" if name in required else ""),
                kind_of(schema),
                str(schema.get("description", "")),
            )
            for name, schema in properties.items()
        ),
    )


def tools() -> str:
    """Each tool with its arguments, and the resources."""
    parts = [
        (
            "# Tools\n\n"
            "Arguments are checked before anything starts; all faults are named at once. What a "
            "client merely wrote otherwise is taken, with a warning `taken_as_meant`: a number or "
            "a boolean as text, JSON text where an object or an array is wanted, and null for an "
            "argument that may be left out.\n\n"
            "Each action has a class: `sync_ok` answers from what is there, `async_mandatory` "
            "makes a job, and a call that waits for it is handed over when its caller's patience "
            '(`sync_wait_seconds`) is over. `tools/list` has them in `_meta["aimux/classes"]`. '
            "`plan` is a call with `dry_run`.\n"
        ),
    ]
    annotated: dict[str, dict[str, object]] = {
        str(tool["name"]): tool["annotations"]  # type: ignore[misc]  # an object
        for tool in listed_tools()
    }
    for tool in TOOLS.values():
        hints = [name for name, value in annotated[tool.name].items() if value is True]
        parts.append(f"## {tool.name}\n\n{described(tool)}\n\n{arguments(tool)}")
        parts.append("Annotations: " + (", ".join(f"`{hint}`" for hint in hints) or "none") + ".\n")
        rows = CLASSES[tool.name].items()
        parts.append("Classes: " + ", ".join(f"`{name}` {value}" for name, value in rows) + ".\n")
        if tool.aliases:
            other = ", ".join(f"`{alias}` for `{ours}`" for alias, ours in tool.aliases.items())
            parts.append(f"Also understood: {other}.\n")
    listed = ((f"`{uri}`", said, kind) for uri, _, said, kind in TEMPLATES)
    parts.append("## Resources\n\n" + table(("URI", "content", "type"), listed))
    return "\n".join(parts)


def results() -> str:
    """The one result shape."""
    properties = RESULT["properties"]
    assert isinstance(properties, dict)
    fields = (
        (f"`{name}`", kind_of(each), each.get("description", ""))
        for name, each in properties.items()
    )
    error = properties["error"]["properties"]
    statuses = ((f"`{status}`", STATUS_TEXT[status]) for status in JobStatus)
    classes = ((f"`{each}`", FAILURE_TEXT[each]) for each in FailureClass)
    return (
        "# Results\n\nEvery tool that runs a CLI answers in this shape, at once or later; the text "
        "block of a tool result holds the same JSON as `structuredContent`.\n\n"
        + table(("field", "type", "meaning"), fields)
        + "\n## Status\n\n"
        + table(("status", "means"), statuses)
        + "\n## Error\n\n`error` is null or an object with "
        + ", ".join(f"`{name}`" for name in error)
        + ". `class` is one of these where a CLI failed:\n\n"
        + table(("class", "means"), classes)
        + f"\n`mode` is one of {', '.join(f'`{mode}`' for mode in Mode)}; `effort` one of "
        + f"{', '.join(f'`{effort}`' for effort in EFFORTS)}.\n"
    )


def shown(value: object) -> str:
    """A default as YAML would have it."""
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case float():
            return f"`{value:g}`"
        case tuple() | list() | dict():
            return "empty"
        case "":
            return '`""`'
        case _:
            return f"`{value}`"


def defaults() -> Iterator[tuple[str, object]]:
    """Every key with its default."""
    for key in leaves(Settings):
        value: object = Settings()
        for word in key.split("."):
            value = getattr(value, word)
        yield key, value


def configuration() -> str:
    """Every key, and the shipped file whole."""
    rows = (
        (f"`{key}`", shown(value), ", ".join(f"`{each}`" for each in variables(key)[-1:]))
        for key, value in defaults()
    )
    old = (
        (f"`{key}`", f"`{new}`", ", ".join(f"`{each}`" for each in variables(key)[-1:]))
        for key, new in ALIASES.items()
    )
    text = (ROOT / "profiles" / "default.yaml").read_text(encoding="utf-8")
    return (
        "# Configuration\n\nLayers, lowest first: shipped, `~/.config/aimux/default.yaml` (or the "
        "directory of `AIMUX_CONFIG_DIR`), `.aimux/config.yaml` of a project, the environment, "
        "flags. `aimux config show --origin` says which one a value is from.\n\n"
        + table(("key", "default", "variable"), rows)
        + "\n## Old names\n\nThey still work, with a warning; in one layer the new name wins.\n\n"
        + table(("old key", "key", "old variable"), old)
        + "\n## The shipped file\n\n```yaml\n"
        + text
        + "```\n"
    )


def environment() -> str:
    """Every variable."""
    assert set(VARIABLES) | NO_EFFECT == FOREIGN, set(VARIABLES) ^ FOREIGN
    own = ((f"`{name}`", said) for name, said in VARIABLES.items())
    keys = (
        (" ".join(f"`{each}`" for each in reversed(variables(key))), f"`{key}`")
        for key, _ in defaults()
    )
    return (
        "# Environment\n\n"
        + table(("variable", "meaning"), own)
        + "\n`AIMUX_ROLE_<ROLE>=cli:model:effort` sends a role elsewhere; model and effort may be "
        "empty. `MCP_TRANSPORT` and `PORT` are understood below the variables of "
        "`server.transport`.\n\n## Settings\n\nEach key of the configuration has a variable; lists "
        "take commas.\n\n" + table(("variable", "key"), keys)
    )


def classes() -> Iterator[tuple[str, ...]]:
    """The exception tree."""
    for name, found in vars(errors).items():
        if inspect.isclass(found) and issubclass(found, errors.AimuxError):
            said = inspect.getdoc(found) or ""
            retry = "yes" if found.default_retryable else ""
            first = said.split("\n\n")[0]
            yield f"`{name}`", f"`{found.error_type}`", f"`{found.default_code}`", retry, first


def codes() -> Iterator[tuple[str, ...]]:
    """Codes that are given where an error is made, with the words that stand there."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "aimux").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                for keyword in node.keywords:
                    value = keyword.value
                    if keyword.arg == "code" and isinstance(value, ast.Constant):
                        found.setdefault(str(value.value), words(node.args[0]))
    for code, said in sorted(found.items()):
        yield f"`{code}`", said


def words(node: ast.expr) -> str:
    """A message as it stands in the source; `…` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(each.value) if isinstance(each, ast.Constant) else "…" for each in node.values
        )
    return ""


def error_codes() -> str:
    """Families, codes, JSON-RPC."""
    return (
        "# Errors\n\nA call that cannot be served is answered with a tool result whose `isError` "
        "is true and whose `error` has `code`, `class` (the family), `message`, `retryable` and "
        "`hint`; see `docs/design/0001-argument-faults-are-results.md`. JSON-RPC errors are for "
        "broken protocol.\n\n"
        + table(("error", "family", "code", "retryable", "when"), classes())
        + "\n## Codes\n\nMore exact codes, with the words that come with them.\n\n"
        + table(("code", "message"), codes())
    )


def clis() -> str:
    """The table of CLIs, from the shipped profiles."""
    nowhere = ROOT / "no such directory"
    profiles = load(ClientContext(cwd=nowhere, env={"HOME": str(nowhere)})).profiles
    rows = (
        (
            f"`{name}`",
            profile.display_name,
            str(profile.modes[Mode.READ].strength),
            "native" if profile.resume.flags else "retold",
            " to ".join(
                dict.fromkeys(
                    filter(None, (profile.version.tested_from, profile.version.tested_to))
                )
            )
            or "none",
        )
        for name, profile in profiles.items()
    )
    return table(("CLI", "is", "read mode", "resume", "measured version"), rows)


def readme() -> str:
    """The README with its table as it should be."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, mark, rest = text.partition("<!-- clis -->\n")
    _, end, after = rest.partition("<!-- /clis -->\n")
    return "".join((before, mark, clis(), end, after))


PAGES = {
    "tools": tools,
    "results": results,
    "configuration": configuration,
    "environment": environment,
    "errors": error_codes,
    "states": states,
    "layers": layers,
}


def paths() -> list[Path]:
    """Where the pages are."""
    reference = ROOT / "docs" / "reference"
    return [ROOT / "README.md", *(reference / f"{name}.md" for name in PAGES)]


def page(path: Path) -> str:
    """The text that a page should have."""
    return readme() if path.stem == "README" else HEAD + PAGES[path.stem]()


def main() -> int:
    """Write the pages that are out of date and name them."""
    for path in paths():
        text = page(path)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
