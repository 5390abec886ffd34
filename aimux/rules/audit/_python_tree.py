"""A Python module as the checks ask about it: nodes by type, parents, scopes, imported names."""

import ast
import warnings
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias, TypeVar

N = TypeVar("N", bound=ast.AST)
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Scope: TypeAlias = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_SCOPES: Final = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_LOOPS: Final = (ast.For, ast.AsyncFor, ast.While)


class PythonTree:
    """One parsed module.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: `text` is not Python, or too deep.
    """

    def __init__(self, text: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a text is not ours to tell
            self.module = ast.parse(text)
        self._by_type: dict[type[ast.AST], list[ast.AST]] = {}
        self._parents: dict[ast.AST, ast.AST] = {}
        self._imported: dict[str, str] = {}
        self.harmless: dict[ast.AST, bool] = {}  # what is_harmless found
        self._bound: dict[ast.AST, dict[str, list[ast.expr | None]]] = {}
        for node in ast.walk(self.module):
            self._by_type.setdefault(type(node), []).append(node)
            for child in ast.iter_child_nodes(node):
                self._parents[child] = node
        for node in self.all(ast.Import):
            self._imported |= {each.asname: each.name for each in node.names if each.asname}
        for found in self.all(ast.ImportFrom):
            for each in found.names:
                self._imported[each.asname or each.name] = f"{found.module or ''}.{each.name}"
        for node in self._parents:
            for target, value in _bindings(node):
                self._bind(node, target, value)

    def _bind(self, node: ast.AST, target: ast.AST, value: ast.expr | None) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for each in target.elts:
                self._bind(node, each, None)
        elif isinstance(target, ast.Name):
            names = self._bound.setdefault(self.scope(node), {})
            names.setdefault(target.id, []).append(value)

    def all(self, kind: type[N]) -> Iterator[N]:
        """Every node of a type."""
        for node in self._by_type.get(kind, ()):
            if isinstance(node, kind):  # always; says so to the type checker
                yield node

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """Parents, the nearest first."""
        while (parent := self._parents.get(node)) is not None:
            yield parent
            node = parent

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node that it is a part of."""
        return self._parents.get(node)

    def scope(self, node: ast.AST) -> Scope:
        """The nearest function, or the module."""
        for each in self.above(node):
            if isinstance(each, _SCOPES):
                return each
        return self.module

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """The nearest class."""
        return next((each for each in self.above(node) if isinstance(each, ast.ClassDef)), None)

    def loop(self, node: ast.AST) -> ast.AST | None:
        """The loop of the same function whose body it is run in."""
        below = node
        for each in self.above(node):
            if isinstance(each, _SCOPES):
                return None
            if isinstance(each, _LOOPS) and any(below is one for one in each.body):
                return each
            below = each
        return None

    def values(self, name: ast.Name) -> Sequence[ast.expr | None]:
        """What a name was set to, in its function or else in the module; None: nobody knows."""
        scope = self.scope(name)
        while True:
            found = self._bound.get(scope, {}).get(name.id)
            if found or scope is self.module:
                return found or ()
            scope = self.scope(scope)

    def dotted(self, node: ast.AST) -> str:
        """`subprocess.run`, whatever it was imported as; `?.run` of what has no name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        first = node.id if isinstance(node, ast.Name) else "?"
        return ".".join((self._imported.get(first, first), *reversed(parts)))


def _bindings(node: ast.AST) -> Iterator[tuple[ast.AST, ast.expr | None]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield target, value
        case ast.AnnAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
            yield target, value
        case ast.AugAssign(target=target, op=ast.Add(), value=value):
            yield target, value
        case ast.For(target=target, iter=several) | ast.comprehension(target=target, iter=several):
            yield target, several  # of constants: any of them is one
        case ast.arg(arg=name):
            yield ast.Name(id=name), None
        case ast.withitem(optional_vars=ast.expr() as target):
            yield target, None


def is_named(dotted: str, names: Sequence[str]) -> bool:
    """Whether a dotted name is one of `names`; `*.execute` is any name that ends so."""
    for name in names:
        if name == dotted or (name.startswith("*.") and f".{dotted}".endswith(name[1:])):
            return True
    return False
