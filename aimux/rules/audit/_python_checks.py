"""Checks on statements and expressions of a Python module; each has a name that rules use."""

import ast
import builtins
from collections.abc import Iterator, Mapping
from typing import Final

from ._parameters import Parameters
from ._python_tree import PythonTree, is_named
from ._secrets import is_secret

_MUTABLE: Final = ("list", "dict", "set", "bytearray", "*.defaultdict", "*.OrderedDict", "*.deque")
_OPERATORS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_NOT_AN_EXCEPTION: Final = ("Cancelled", "CancelledError", "Exit", "Interrupt", "BaseException")


def handlers(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Handlers of one of `types` (`bare` is none) that raise nothing; `is_silent`: do nothing."""
    types, is_silent = given.words("types"), given.flag("is_silent")
    for node in tree.all(ast.ExceptHandler):
        named = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        caught = {tree.dotted(each) if each is not None else "bare" for each in named}
        is_idle = all(
            isinstance(each, ast.Pass | ast.Continue)
            or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
            for each in node.body
        )
        raises = any(isinstance(each, ast.Raise) for line in node.body for each in ast.walk(line))
        if caught & set(types) and not raises and is_idle is is_silent:
            yield node


def mutable_defaults(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Defaults that all calls share: a list, a dict, a set."""
    for node in tree.all(ast.arguments):
        for default in (*node.defaults, *node.kw_defaults):
            match default:
                case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp():
                    yield default
                case ast.Call(func=function) if is_named(tree.dotted(function), _MUTABLE):
                    yield default


def compared(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Comparisons by one of `operators` with a `to`: none, literal, fraction or itself.

    With `names` and without `to`: two values of which one's name is found so. `unless_in`: not as
    an argument of these calls.
    """
    operators, to, names = given.words("operators"), given.word("to"), given.pattern("names")
    excused = given.words("unless_in")
    for node in tree.all(ast.Compare):
        if _OPERATORS.get(type(node.ops[0])) not in operators:
            continue
        left, right = node.left, node.comparators[0]
        if names is not None:
            texts = [each for each in (left, right) if names.fullmatch(_last_name(each))]
            both = not any(isinstance(each, ast.Constant) for each in (left, right))
            is_it = bool(texts) and both
        elif to == "itself":
            plain = not any(isinstance(each, ast.Call) for each in ast.walk(node))
            is_it = plain and ast.dump(left) == ast.dump(right)
        else:
            is_it = any(_is_kind(each, to) for each in (left, right))
        calls = (each.func for each in tree.above(node) if isinstance(each, ast.Call))
        if is_it and not any(is_named(tree.dotted(each), excused) for each in calls):
            yield node


def _last_name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=ast.Attribute(attr=name, value=value)):
            return _last_name(value) if name in {"hexdigest", "digest", "encode"} else ""
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""


def _is_kind(node: ast.AST, kind: str) -> bool:
    match node:
        case ast.Constant(value=None):
            return kind == "none"
        case ast.Constant(value=float(value)) if kind == "fraction":
            return value.as_integer_ratio()[1] > 2**20  # 0.1 is, 0.5 is not
        case ast.Constant(value=value):
            is_text = isinstance(value, str | bytes | int | float | complex)
            return kind == "literal" and is_text and not isinstance(value, bool)
        case ast.Tuple() | ast.List() | ast.Dict():
            return kind == "literal"
        case ast.BinOp(left=left, right=right) if kind == "fraction":
            return _is_kind(left, kind) or _is_kind(right, kind)
        case ast.UnaryOp(operand=operand):
            return _is_kind(operand, kind)
    return False


def asserted_tuples(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Assertions of a tuple with something in it: they never fail."""
    for node in tree.all(ast.Assert):
        if isinstance(node.test, ast.Tuple) and node.test.elts:
            yield node


def jumps_in_finally(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Jumps out of a `finally`: they drop the exception that is on its way."""
    tries: list[ast.Try | ast.TryStar] = [*tree.all(ast.Try), *tree.all(ast.TryStar)]
    for node in tries:
        waiting: list[tuple[ast.AST, bool]] = [(each, False) for each in node.finalbody]
        while waiting:
            each, is_looping = waiting.pop()
            is_jump = isinstance(each, ast.Break | ast.Continue) and not is_looping
            if is_jump or isinstance(each, ast.Return):
                yield each
            elif not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                loops = is_looping or isinstance(each, ast.For | ast.AsyncFor | ast.While)
                waiting += [(child, loops) for child in ast.iter_child_nodes(each)]


def raised(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Raises of one of `names`, which is no exception."""
    names = given.words("names")
    for node in tree.all(ast.Raise):
        what = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if what is not None and is_named(tree.dotted(what), names):
            yield node


def unreachable_handlers(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Handlers after one that catches all that they name."""
    for node in tree.all(ast.Try):
        before: list[str] = []
        for handler in node.handlers:
            named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
            names = [tree.dotted(each) for each in named if each is not None]
            if names and all(any(_covers(first, name) for first in before) for name in names):
                yield handler
            before += names


def _covers(first: str, name: str) -> bool:
    one, other = getattr(builtins, first, None), getattr(builtins, name, None)
    if isinstance(one, type) and isinstance(other, type):
        return issubclass(other, one)
    ends = name.endswith(_NOT_AN_EXCEPTION)
    return first == "BaseException" or (first == "Exception" and not ends) or first == name


def duplicate_keys(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Keys that a dict has twice, with other values."""
    for node in tree.all(ast.Dict):
        met: dict[tuple[type, object], str] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant):
                kind = (type(key.value), key.value)
                said = ast.dump(value)
                if met.setdefault(kind, said) != said:
                    yield key


def set_to(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Attributes of one of `names` set to one of `values`, as they are written in source."""
    names, values = given.words("names"), given.words("values")
    for node in tree.all(ast.Assign):
        for target in node.targets:
            match target:
                case ast.Attribute(attr=name) | ast.Name(id=name):
                    said = {tree.dotted(node.value), ast.unparse(node.value)}
                    if name in names and said & set(values):
                        yield node


def literal_secrets(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Names of secrets set to what looks like one: assignments, keywords, keys, defaults."""
    nodes: list[ast.AST] = [*tree.all(ast.Assign), *tree.all(ast.AnnAssign)]
    nodes += [*tree.all(ast.keyword), *tree.all(ast.Dict)]
    for node in nodes:
        match node:
            case ast.Assign(targets=[target], value=value):
                pairs = [(_last_name(target), value)]
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                pairs = [(_last_name(target), value)]
            case ast.keyword(arg=str(name), value=value):
                pairs = [(name, value)]
            case ast.Dict(keys=keys, values=values):
                texts = [each.value if isinstance(each, ast.Constant) else "" for each in keys]
                pairs = [(str(name), value) for name, value in zip(texts, values, strict=True)]
            case _:
                pairs = []
        for name, value in pairs:
            said = value.value if isinstance(value, ast.Constant) else None
            if isinstance(said, str) and is_secret(name, said):
                yield value
