"""The check `call`: a call of a dotted name, with what stands in it and around it."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ._parameters import Parameters, RuleFault
from ._python_tree import PythonTree, is_named
from ._python_values import built_from, is_from_request, is_harmless, text_of

CALL_KEYS: Final = frozenset({
    "check", "names", "without", "without_args", "keyword", "argument", "argument_is", "begins",
    "unless_argument_calls", "context", "inside", "is_statement", "imported",
})  # fmt: skip
_PREFIX: Final = re.compile(r"(\S).*\1.|^\.[a-z]\w+$|^\w+://")
PLACES: Final = ("async", "loop")  # of `inside`


def _is_repeating(tree: PythonTree, node: ast.AST | None) -> bool:
    """A text whose letters are stripped one by one where a prefix is meant."""
    text = node.value if isinstance(node, ast.Constant) else ""
    return isinstance(text, str) and _PREFIX.search(text) is not None


KINDS: Final[Mapping[str, Callable[[PythonTree, ast.AST | None], bool]]] = {
    "dynamic": lambda tree, node: node is not None and not is_harmless(tree, node),
    "built": lambda tree, node: built_from(tree, node) is not None,
    "from_request": is_from_request,
    "prefix": _is_repeating,
}


def find_calls(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Calls of one of `names` (`*.execute`: whatever it is called on) that all else holds for.

    `without`: none of these keywords is given, nor so many arguments as `without_args` says.
    `keyword`: one of these keywords has one of these values, as they are written in source.
    `argument`: its position (0), `argument_is`: `dynamic`, `built`, `from_request` or `prefix`;
    `begins`: how the text it is built from begins; `unless_argument_calls`: it has no such call.
    `context`: found in names around it: function, target, arguments. `inside`: async or loop.
    `is_statement`: nobody takes what it returns. `imported`: only in a module that imports this.
    """
    names, context = given.words("names"), given.pattern("context")
    imported = given.words("imported")
    if imported and not any(_imports(tree, each) for each in imported):
        return
    for call in tree.all(ast.Call):
        if (
            is_named(tree.dotted(call.func), names)
            and _has_keywords(call, given)
            and _has_argument(tree, call, given)
            and _stands(tree, call, given)
            and (context is None or context.search(_around(tree, call)))
        ):
            yield call


def check_call(given: Parameters) -> None:
    """Everything about the parameters that can be told before there is a module.

    Raises:
        RuleFault: no names, or a word that is not one of those it knows.
    """
    if not given.words("names"):
        raise RuleFault("names are missing", key="names")
    for key, known in (("argument_is", tuple(KINDS)), ("inside", PLACES)):
        if given.word(key) and given.word(key) not in known:
            raise RuleFault(f"{key} is not one of {', '.join(known)}", key=key)
    given.pattern("context"), given.pattern("begins"), given.several("keyword")
    given.flag("is_statement"), given.number("argument", 0), given.number("without_args", 99)
    given.words("without"), given.words("unless_argument_calls"), given.words("imported")


def _imports(tree: PythonTree, name: str) -> bool:
    plain = (each.name for node in tree.all(ast.Import) for each in node.names)
    whole = (node.module or "" for node in tree.all(ast.ImportFrom))
    return any(f"{each}.".startswith(f"{name}.") for each in (*plain, *whole))


def _has_keywords(call: ast.Call, given: Parameters) -> bool:
    without = given.words("without")
    is_open = any(each.arg is None for each in call.keywords)  # **more: who knows
    if without and (is_open or any(each.arg in without for each in call.keywords)):
        return False
    if without and len(call.args) >= given.number("without_args", 99):
        return False
    wanted = given.several("keyword")
    if not wanted:
        return True
    named = ((each.arg or "", each.value) for each in call.keywords)
    return any(ast.unparse(value) in wanted.get(name, ()) for name, value in named)


def _has_argument(tree: PythonTree, call: ast.Call, given: Parameters) -> bool:
    kind, begins = given.word("argument_is"), given.pattern("begins")
    excuses = given.words("unless_argument_calls")
    if not (kind or begins or excuses):
        return True
    position = given.number("argument", 0)
    argument = call.args[position] if position < len(call.args) else None
    if argument is None and kind in {"", "dynamic"} and begins is None and not excuses:
        return False
    if excuses and argument is not None:
        inner = (each for each in ast.walk(argument) if isinstance(each, ast.Call))
        if any(is_named(tree.dotted(each.func), excuses) for each in inner):
            return False
    if kind and not KINDS[kind](tree, argument):
        return False
    if begins is None:
        return True
    source = built_from(tree, argument) or argument
    return begins.match(text_of(tree, source).lstrip()) is not None


def _stands(tree: PythonTree, call: ast.Call, given: Parameters) -> bool:
    if given.flag("is_statement") and not isinstance(tree.parent(call), ast.Expr):
        return False
    match given.word("inside"):
        case "async":
            return isinstance(tree.scope(call), ast.AsyncFunctionDef) and not isinstance(
                tree.parent(call), ast.Await
            )
        case "loop":
            return tree.loop(call) is not None
    return True


def _around(tree: PythonTree, call: ast.Call) -> str:
    """The names that tell what a call is for, one a line."""
    words = [each.arg or "" for each in call.keywords]
    for argument in call.args:
        for node in ast.walk(argument):
            match node:
                case ast.Name(id=word) | ast.Attribute(attr=word) | ast.Constant(value=str(word)):
                    words.append(word)
    for above in tree.above(call):
        match above:
            case ast.Assign(targets=targets):
                words += [ast.unparse(each) for each in targets]
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                words.append(ast.unparse(target))
            case ast.keyword(arg=str(word)):
                words.append(word)
            case ast.FunctionDef(name=word) | ast.AsyncFunctionDef(name=word):
                words.append(word)
                break
    return "\n".join(words)
