"""A small honest review: what a syntax tree can show without running anything."""

from __future__ import annotations

import ast
import builtins
import os
import re

_FENCE = re.compile(r"```([\w+-]*)\n(.*?)```", re.DOTALL)
_FILE = re.compile(r"[\w./\\-]+\.\w{1,8}")
_LIMIT_BYTES = 400_000


def review(prompt: str) -> str | None:
    """Findings as ``file:line`` lines, or nothing when the prompt names no code."""
    sources = [
        (f"snippet{number}", match[2], match[1] in ("", "py", "python"))
        for number, match in enumerate(_FENCE.finditer(prompt), 1)
    ]
    if re.search(r"\breview\b", prompt, re.IGNORECASE):
        sources += _named_files(prompt)
    if not sources:
        return None
    lines: list[str] = []
    for name, text, is_python in sources:
        lines += [f"{name}:{line}: {what}" for line, what in sorted(findings(text, is_python))]
    read = ", ".join(name for name, _, _ in sources)
    if not lines:
        return f"Reviewed {read}: no finding."
    return f"Reviewed {read}: {len(lines)} finding(s).\n" + "\n".join(f"- {one}" for one in lines)


def _named_files(prompt: str) -> list[tuple[str, str, bool]]:
    found: list[tuple[str, str, bool]] = []
    for name in dict.fromkeys(_FILE.findall(prompt)):
        name = name.rstrip(".")
        if os.path.isfile(name) and os.path.getsize(name) <= _LIMIT_BYTES:
            with open(name, encoding="utf-8", errors="replace") as file:
                found.append((name, file.read(), name.endswith(".py")))
    return found


def findings(text: str, is_python: bool) -> list[tuple[int, str]]:
    """What is wrong, each with its line."""
    found = [
        (number, "TODO left in the code")
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(r"\b(TODO|FIXME|XXX)\b", line)
    ]
    if not is_python:
        return found
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return [*found, (error.lineno or 1, f"syntax error: {error.msg}")]
    for node in ast.walk(tree):
        found += _node(node)
    return found + _unused_imports(tree)


def _node(node: ast.AST) -> list[tuple[int, str]]:
    match node:
        case ast.ExceptHandler(type=None):
            return [(node.lineno, "bare except hides every error, also KeyboardInterrupt")]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            return _arguments(node)
        case ast.Compare():
            return [
                (node.lineno, "comparison with None by ==, use 'is'")
                for operator, right in zip(node.ops, node.comparators, strict=True)
                if isinstance(operator, (ast.Eq, ast.NotEq))
                and isinstance(right, ast.Constant)
                and right.value is None
            ]
        case ast.Call(func=ast.Name(id=("eval" | "exec") as name)):
            return [(node.lineno, f"{name}() runs whatever text it is given")]
        case ast.Call(func=ast.Name(id="open")):
            return _open(node)
        case ast.Name(id=name, ctx=ast.Store()) if _is_builtin(name):
            return [(node.lineno, f"'{name}' hides the builtin of that name")]
    return []


def _is_builtin(name: str) -> bool:
    return hasattr(builtins, name) and not name.startswith("_")


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[tuple[int, str]]:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    found = [
        (one.lineno, f"parameter '{one.arg}' hides the builtin of that name")
        for one in every
        if _is_builtin(one.arg)
    ]
    for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
        match default:
            case (
                ast.List()
                | ast.Dict()
                | ast.Set()
                | ast.Call(func=ast.Name(id="list" | "dict" | "set"))
            ):
                found.append((default.lineno, "mutable default argument is shared between calls"))
    return found


def _open(node: ast.Call) -> list[tuple[int, str]]:
    given = {keyword.arg for keyword in node.keywords}
    mode = next((one.value for one in node.keywords if one.arg == "mode"), None)
    mode = node.args[1] if mode is None and len(node.args) > 1 else mode
    binary = isinstance(mode, ast.Constant) and "b" in str(mode.value)
    if binary or "encoding" in given or None in given or len(node.args) > 3:
        return []
    return [(node.lineno, "open() without an encoding depends on the machine")]


def _unused_imports(tree: ast.Module) -> list[tuple[int, str]]:
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    exported = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            if name not in used and name != "*" and name not in exported:
                found.append((node.lineno, f"'{name}' is imported and never used"))
    return found
