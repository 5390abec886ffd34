"""What is known of a value in a Python module: harmless, put together, out of a request.

A name stands for all that it is set to in its function. Nothing is run and nothing followed
further: what a parameter holds, nobody knows.
"""

import ast
import re
from collections.abc import Sequence
from typing import Final

from ._python_tree import PythonTree, is_named

MAX_STEPS: Final = 50  # to the first piece of a text
_CONSTANT: Final = re.compile(r"_?[A-Z][A-Z0-9_]*")
_OWN_NAME: Final = re.compile(r"_?(?:table|schema|prefix|placeholders?|marks)(?:_name)?")
_SAFE_CALLS: Final = (
    "int", "float", "len", "bool", "shlex.quote", "shlex.join", "pipes.quote", "html.escape",
    "escape", "markupsafe.escape", "*.escape", "*.quote_ident", "*.quote_identifier",
    "*.Identifier", "*.quote_name", "*.mogrify",
)  # fmt: skip
_KEEPING: Final = frozenset({"strip", "rstrip", "lstrip", "lower", "upper", "format", "join"})


def is_harmless(tree: PythonTree, node: ast.AST | None) -> bool:
    """Whether all of a value stands in the source, is a number, or was quoted on its way."""
    if node is None:
        return False
    if node not in tree.harmless:
        tree.harmless[node] = True  # a name that is set to more of itself adds nothing
        tree.harmless[node] = _is_harmless(tree, node)
    return tree.harmless[node]


def _is_harmless(tree: PythonTree, node: ast.AST) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name):
            values = tree.values(node)
            return bool(_CONSTANT.fullmatch(name)) or (bool(values) and _all(tree, values))
        case ast.Attribute(attr=attr):
            is_own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
            return bool(_CONSTANT.fullmatch(attr) or (is_own and _OWN_NAME.fullmatch(attr)))
        case ast.Call():
            return _is_harmless_call(tree, node)
        case ast.Subscript(value=value) | ast.BinOp(left=value, op=ast.Mult()):
            return is_harmless(tree, value)
        case ast.ListComp(elt=elt) | ast.GeneratorExp(elt=elt) | ast.SetComp(elt=elt):
            return is_harmless(tree, elt)
        case ast.IfExp(body=body, orelse=orelse):
            return _all(tree, (body, orelse))
        case ast.Dict(values=nodes):
            return _all(tree, nodes)
        case ast.FormattedValue(value=value):
            return is_harmless(tree, value)
        case ast.BinOp() | ast.BoolOp() | ast.JoinedStr() | ast.Starred():
            return _all(tree, [*_operands(node)])
        case ast.List() | ast.Tuple() | ast.Set():
            return _all(tree, node.elts)
    return False


def _all(tree: PythonTree, nodes: Sequence[ast.AST | None]) -> bool:
    return all(is_harmless(tree, each) for each in nodes)


def _operands(node: ast.AST) -> Sequence[ast.AST]:
    return [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]


def _is_harmless_call(tree: PythonTree, call: ast.Call) -> bool:
    match call:
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[_, *rest]):
            return _all(tree, (value, *rest))  # of a table in the source
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _KEEPING:
            return _all(tree, (value, *call.args, *(each.value for each in call.keywords)))
    return is_named(tree.dotted(call.func), _SAFE_CALLS)


_WRAPPERS: Final = ("*.text", "text", "textwrap.dedent", "*.strip", "*.SQL", "str")


def built_from(tree: PythonTree, node: ast.AST | None) -> ast.expr | None:
    """The expression that puts a text together from values that are not harmless, if one does."""
    return _built_from(tree, node, set())


def _built_from(tree: PythonTree, node: ast.AST | None, met: set[ast.AST]) -> ast.expr | None:
    if node is None or node in met:
        return None
    met.add(node)
    match node:
        case ast.JoinedStr() | ast.BinOp(op=ast.Add()) if text_of(tree, node):
            return None if is_harmless(tree, node) else node
        case ast.BinOp(op=ast.Mod(), left=left, right=right) if text_of(tree, left):
            return None if is_harmless(tree, right) else node
        case ast.Call(func=ast.Attribute(value=value, attr="format")) if text_of(tree, value):
            return None if is_harmless(tree, node) else node
        case ast.Call(func=function, args=[first, *_]):
            if is_named(tree.dotted(function), _WRAPPERS):
                return _built_from(tree, first, met)
        case ast.Name():
            found = (_built_from(tree, each, met) for each in tree.values(node))
            return next((each for each in found if each is not None), None)
    return None


def text_of(tree: PythonTree, node: ast.AST | None) -> str:
    """The first piece of literal text in an expression, or nothing."""
    for _ in range(MAX_STEPS):
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.JoinedStr(values=[first, *_]) | ast.BinOp(left=first):
                node = first
            case ast.Call(func=ast.Attribute(value=value)):
                node = value
            case ast.Name():
                node = next(iter(tree.values(node)), None)
            case _:
                return ""
    return ""


_REQUEST: Final = re.compile(
    r"(?:.*\.)?request\.(?:args|form|values|json|files|cookies|headers|data|query_params|GET|POST"
    r"|path_params|query|match_info|rel_url|get_json)\b.*"
)


def is_from_request(tree: PythonTree, node: ast.AST | None) -> bool:
    """Whether a part of a value comes straight out of an HTTP request."""
    waiting, met = [node], set[ast.AST]()
    while waiting:
        each = waiting.pop()
        if each is None or each in met or (isinstance(each, ast.Call) and _is_clean(tree, each)):
            continue
        met.add(each)
        if isinstance(each, ast.Attribute) and _REQUEST.fullmatch(tree.dotted(each)):
            return True
        if isinstance(each, ast.Name):
            waiting += tree.values(each)
        waiting += ast.iter_child_nodes(each)
    return False


def _is_clean(tree: PythonTree, call: ast.Call) -> bool:
    names = ("*.secure_filename", "secure_filename", "os.path.basename", "int", "*.safe_join",
             "safe_join", "uuid.UUID", "*.escape", "escape", "*.url_for", "url_for")  # fmt: skip
    return is_named(tree.dotted(call.func), names)
