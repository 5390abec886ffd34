"""Checks on what happens in which order in a Python module: loops, coroutines, files, locks."""

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from ._parameters import Parameters
from ._python_tree import Function, PythonTree, is_named

_SHRINKING: Final = frozenset({"pop", "remove", "popitem", "clear", "discard", "add", "insert"})
_VIEWS: Final = frozenset({"items", "keys", "values"})


def changed_while_iterating(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Entries added to or taken from what a `for` walks over, unless the walk ends there."""
    for loop in tree.all(ast.For):
        walked = loop.iter
        match walked:
            case ast.Call(func=ast.Attribute(value=value, attr=attr), args=[]) if attr in _VIEWS:
                walked = value
        if not isinstance(walked, ast.Name | ast.Attribute):
            continue
        source = ast.unparse(walked)
        for line in loop.body:
            for node in ast.walk(line):
                if _changes(node, source) and not _leaves(tree, node, loop):
                    yield node


def _changes(node: ast.AST, source: str) -> bool:
    match node:
        case ast.Delete(targets=targets):
            subscripts = (each for each in targets if isinstance(each, ast.Subscript))
            return any(ast.unparse(each.value) == source for each in subscripts)
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _SHRINKING:
            return ast.unparse(value) == source
    return False


def _leaves(tree: PythonTree, node: ast.AST, loop: ast.For) -> bool:
    """Whether the loop is left in the same block, or the change is in another function."""
    below = node
    for above in tree.above(node):
        if above is loop:
            return _has_exit(loop.body, below)
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return True
        blocks = (getattr(above, name, ()) for name in ("body", "orelse", "finalbody"))
        for block in blocks:
            if isinstance(block, list) and _has_exit(block, below):
                return True
        if isinstance(above, ast.Return):
            return True
        below = above
    return True


def _has_exit(block: Sequence[ast.AST], below: ast.AST) -> bool:
    if below not in block:
        return False
    after = block[block.index(below) + 1 :]
    return any(isinstance(each, ast.Break | ast.Return | ast.Raise) for each in after)


def late_binding(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Lambdas made in a loop that read its variable, and are kept by one of `keepers`."""
    keepers, keywords = given.words("keepers"), given.words("keywords")
    for node in tree.all(ast.Lambda):
        own = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
        read = {each.id for each in ast.walk(node.body) if isinstance(each, ast.Name)} - own
        if read & _loop_names(tree, node) and _is_kept(tree, node, keepers, keywords):
            yield node


def _loop_names(tree: PythonTree, node: ast.AST) -> set[str]:
    """Variables of the loops and comprehensions around a node, up to its function."""
    names: set[str] = set()
    for above in tree.above(node):
        match above:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                break
            case ast.For(target=target):
                names |= {each.id for each in ast.walk(target) if isinstance(each, ast.Name)}
            case ast.ListComp(generators=generators) | ast.DictComp(generators=generators):
                targets = [each.target for each in generators]
                walked = [each for target in targets for each in ast.walk(target)]
                names |= {each.id for each in walked if isinstance(each, ast.Name)}
    return names


def _is_kept(
    tree: PythonTree, node: ast.AST, keepers: Sequence[str], keywords: Sequence[str]
) -> bool:
    match tree.parent(node):
        case ast.Call(func=function, args=args) if node in args:
            return is_named(tree.dotted(function), keepers)
        case ast.keyword(arg=str(name)):
            return name in keywords
        case ast.ListComp(elt=kept) | ast.DictComp(value=kept):
            return kept is node
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            return True
        case ast.Tuple() as pair:
            return _is_kept(tree, pair, keepers, keywords)
    return False


def missing_await(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Calls of the module's own coroutines, and of `names`, as a statement without `await`."""
    names = given.words("names")
    coroutines: dict[tuple[ast.AST | None, str], bool] = {}
    functions: list[Function] = [*tree.all(ast.FunctionDef), *tree.all(ast.AsyncFunctionDef)]
    for function in functions:
        key = (tree.parent(function), function.name)
        is_plain = isinstance(function, ast.AsyncFunctionDef) and not function.decorator_list
        coroutines[key] = is_plain and coroutines.get(key, True)
    for node in tree.all(ast.Expr):
        match node.value:
            case ast.Call(func=ast.Name(id=name)):
                if coroutines.get((tree.module, name)):
                    yield node
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                if coroutines.get((tree.class_of(node), name)):
                    yield node
            case ast.Call(func=called) if is_named(tree.dotted(called), names):
                yield node


def unclosed(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Calls of `names` whose result is neither closed, entered, returned nor handed on.

    `consumers`: calls that read what they are given and leave it open.
    """
    names, consumers = given.words("names"), given.words("consumers")
    for call in tree.all(ast.Call):
        if not is_named(tree.dotted(call.func), names):
            continue
        match tree.parent(call):
            case ast.Attribute(attr=attr):
                is_left = attr not in {"close", "detach"}
            case ast.For(iter=walked) | ast.comprehension(iter=walked):
                is_left = walked is call
            case ast.Call(func=function) as taker:
                is_left = taker.func is not call and is_named(tree.dotted(function), consumers)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                is_left = _is_left_open(tree, call, name, consumers)
            case ast.Expr():
                is_left = True
            case _:
                is_left = False
        if is_left:
            yield call


def _is_left_open(tree: PythonTree, call: ast.Call, name: str, consumers: Sequence[str]) -> bool:
    scope = tree.scope(call)
    if isinstance(scope, ast.Module):
        return False  # the program's own, as long as it runs
    for node in ast.walk(scope):
        if not (isinstance(node, ast.Name) and node.id == name):
            continue
        if not isinstance(node.ctx, ast.Load):
            continue
        match tree.parent(node):
            case ast.Attribute(attr="close" | "__exit__" | "shutdown" | "detach"):
                return False
            case ast.Attribute() | ast.For() | ast.comprehension() | ast.Compare():
                continue
            case ast.Call(func=function) if is_named(tree.dotted(function), consumers):
                continue
            case _:  # entered, returned, kept, or handed on: somebody else's now
                return False
    return True


def unguarded_locks(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Locks taken and given back in one function, where an error between leaves them taken."""
    names = given.pattern("names")
    for node in tree.all(ast.Expr):
        match node.value:
            case ast.Call(func=ast.Attribute(value=lock, attr="acquire")):
                source = ast.unparse(lock)
            case ast.Await(value=ast.Call(func=ast.Attribute(value=lock, attr="acquire"))):
                source = ast.unparse(lock)
            case _:
                continue
        if names is None or names.search(source):
            scope = tree.scope(node)
            given_back = [each for each in ast.walk(scope) if _releases(each, source)]
            if given_back and not any(_is_in_finally(tree, each) for each in given_back):
                yield node


def _releases(node: ast.AST, source: str) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=lock, attr="release")):
            return ast.unparse(lock) == source
    return False


def _is_in_finally(tree: PythonTree, node: ast.AST) -> bool:
    below = node
    for above in tree.above(node):
        if isinstance(above, ast.Try | ast.TryStar) and below in above.finalbody:
            return True
        below = above
    return False


def discarded(tree: PythonTree, given: Parameters) -> Iterator[ast.AST]:
    """Calls that only return something, as a statement: methods, `functions`, and by arguments.

    `methods` are called without an argument, `replacers` with two.
    """
    methods, replacers = given.words("methods"), given.words("replacers")
    functions = given.words("functions")
    for node in tree.all(ast.Expr):
        match node.value:
            case ast.Call(func=ast.Attribute(attr=attr), args=args, keywords=[]):
                if (attr in methods and not args) or (attr in replacers and len(args) >= 2):
                    yield node
            case ast.Call(func=ast.Name(id=name)) if name in functions:
                yield node
