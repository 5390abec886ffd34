"""A template and values become a prompt, within limits that no template can widen.

The language is the part of jinja2 that prints, chooses, goes through given lists and includes
parts. It has no arithmetic, no calls, no assignments, no macros and no attributes of Python: what
is left ends, and what it may print is counted. Values are data: they are never read as a template.
"""

import contextlib
import json
import re
import time
import traceback
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from aimux.errors import SetupFault
from aimux.files.cache import Lru

from ._files import Part, Skill
from ._graph import includes_of

if TYPE_CHECKING:  # 60 ms: only where a prompt is rendered
    import jinja2
    from jinja2 import nodes

NODES: Final = frozenset(
    {
        "Template", "Output", "TemplateData", "Name", "Getattr", "Getitem", "Const", "List",
        "If", "For", "Compare", "Operand", "And", "Or", "Not", "CondExpr", "Filter", "Test",
        "Include",
    }
)  # fmt: skip
TESTS: Final = frozenset({"defined"})
MAX_LOOPS: Final = 3  # one in another
MAX_NODES: Final = 20_000


# compiled texts by name, place and text: they are the same for every environment made here
_COMPILED: Final[Lru[tuple[str, str, str], types.CodeType]] = Lru(64)


class TemplateFault(SetupFault):
    """A template of a skill cannot be read or filled in; says file, line and what is wrong."""

    default_code = "template"


@attrs.frozen(kw_only=True)
class RenderLimits:
    """What one prompt may cost."""

    chars: int = 524_288  # of the prompt: a long argument stands in each of its calls
    steps: int = 20_000  # rounds of loops, values printed, filters and parts
    work_chars: int = 4_194_304  # of all that was printed or made on the way
    time_s: float = 2.0  # of the processor: a machine that is busy is not the template's fault


DEFAULT: Final = RenderLimits()


def render_skill(
    skill: Skill,
    parts: Mapping[str, Part],
    values: Mapping[str, object],
    limits: RenderLimits = DEFAULT,
) -> str:
    """The prompt of a skill. Computes: call it in a thread where a loop runs.

    Raises:
        TemplateFault: the template has a fault, or costs more than `limits`.
    """
    if not skill.is_template:
        return skill.text
    return _Rendering(skill, parts, limits).text(values)


def check_template(skill: Skill, parts: Mapping[str, Part]) -> None:
    """Return if the template and its parts can be read.

    Raises:
        TemplateFault: one cannot.
    """
    if skill.is_template:
        _Rendering(skill, parts, DEFAULT).check()


class _SpentError(Exception):
    """A template costs too much."""


class _ValueFault(Exception):
    """A template does with a value what cannot be done."""


class _Rendering:
    """One template on its way, and what it has cost so far."""

    def __init__(self, skill: Skill, parts: Mapping[str, Part], limits: RenderLimits) -> None:
        self._skill = skill
        self._limits = limits
        self._texts: dict[str, Skill | Part] = {**parts, "": skill}
        self._steps = self._work = 0
        self._end = 0.0
        self._environment = self._make()

    def check(self) -> None:
        todo = [""]
        seen = set(todo)
        while todo:
            name = todo.pop()
            with self._faults_told():
                self._environment.get_template(name)
            more = {part for part, _ in includes_of(self._texts[name]) if part} - seen
            seen |= more
            todo += sorted(more)

    def text(self, values: Mapping[str, object]) -> str:
        with self._faults_told():
            return self._printed(values)

    def _printed(self, values: Mapping[str, object]) -> str:
        self._end = time.thread_time() + self._limits.time_s
        pieces: list[str] = []
        chars = 0
        for piece in self._environment.get_template("").generate(dict(values)):
            chars += len(piece)
            if chars > self._limits.chars:
                raise _SpentError(f"prints over {self._limits.chars} characters")
            self.spend(len(piece))
            pieces.append(piece)
        return _tidy("".join(pieces))

    def spend(self, chars: int = 0) -> None:
        """Count a step, and characters that it made."""
        limits = self._limits
        self._steps += 1
        self._work += chars
        if self._steps > limits.steps:
            raise _SpentError(f"takes over {limits.steps} steps")
        if self._work > limits.work_chars:
            raise _SpentError(f"makes over {limits.work_chars} characters on the way")
        if self._end and time.thread_time() > self._end:
            raise _SpentError(f"takes over {limits.time_s:g} seconds of processor time")

    # ------------------------------------------------------------------ the sandbox

    def _make(self) -> "jinja2.Environment":
        import jinja2
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        rendering = self

        class Environment(ImmutableSandboxedEnvironment):
            """Knows the values it is given and nothing of Python."""

            def get_template(self, name: object, *args: object, **more: object) -> jinja2.Template:
                rendering.spend()
                return super().get_template(name, *args, **more)  # type: ignore[arg-type]  # passed on

            def getattr(self, obj: object, attribute: str) -> object:
                if isinstance(obj, jinja2.Undefined):
                    return obj  # what is missing first is told
                if isinstance(obj, jinja2.runtime.LoopContext):
                    if attribute in {"index", "first", "last"}:
                        return getattr(obj, attribute)
                elif isinstance(obj, Mapping) and attribute in obj:
                    return obj[attribute]
                return self.undefined(obj=obj, name=attribute)

            def getitem(self, obj: object, argument: object) -> object:
                if isinstance(obj, list) and isinstance(argument, int) and argument < len(obj):
                    return obj[argument]
                if isinstance(argument, str):
                    return self.getattr(obj, argument)
                return self.undefined(obj=obj, name=str(argument))

        environment = Environment(
            loader=_loader(self._texts),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            keep_trailing_newline=True,
            lstrip_blocks=True,
            optimized=False,  # nothing is computed before it is counted
            finalize=self._printable,
            autoescape=False,  # Markdown, not HTML
        )
        environment.globals.clear()
        environment.filters = {name: self._counted(each) for name, each in FILTERS.items()}
        environment.filters["_each"] = self._each
        environment.tests = {name: environment.tests[name] for name in TESTS}
        return environment

    def _printable(self, value: object) -> str:
        if isinstance(value, str):
            self.spend(len(value))
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.spend()
            return str(value)
        from jinja2 import Undefined

        if isinstance(value, Undefined):
            return str(value)  # raises, with the name
        raise _ValueFault(
            f"a {_KINDS.get(type(value), 'value')} cannot be printed: name a part of it"
        )

    def _each(self, value: object) -> Iterator[object]:
        if not isinstance(value, list | tuple):
            from jinja2 import Undefined

            if isinstance(value, Undefined):
                str(value)  # raises, with the name
            raise _ValueFault("only a list can be gone through")
        for each in value:
            self.spend()
            yield each

    def _counted(self, make: Callable[..., object]) -> Callable[..., object]:
        def counted(*values: object) -> object:
            made = make(*values)
            self.spend(len(made) if isinstance(made, str) else 0)
            return made

        return counted

    # ------------------------------------------------------------------ what went wrong

    @contextlib.contextmanager
    def _faults_told(self) -> Iterator[None]:
        import jinja2

        try:
            yield
        except jinja2.TemplateSyntaxError as error:
            raise self._fault(error.name or "", error.lineno, error.message or "") from error
        except (jinja2.TemplateError, _SpentError, _ValueFault) as error:
            raise self._fault(*self._at(error), str(error)) from error
        except (RecursionError, SyntaxError, MemoryError, OverflowError) as error:
            raise self._fault("", 0, "is nested too deeply") from error
        except (TypeError, ValueError, LookupError) as error:  # 1 < "a", an empty list's first
            raise self._fault(*self._at(error), f"cannot be computed: {error}") from error

    def _at(self, error: Exception) -> tuple[str, int]:
        """The text and its line that an error is from, innermost first."""
        by_origin = {text.origin: name for name, text in self._texts.items()}
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if frame.filename in by_origin:
                return by_origin[frame.filename], frame.lineno or 0
        return "", 0

    def _fault(self, name: str, line: int, what: str) -> TemplateFault:
        text = self._texts.get(name, self._skill)
        where = f"{text.origin}:{text.first_line + line - 1}" if line else text.origin
        return TemplateFault(
            f"skill {self._skill.id}: {what} @ {where}",
            hint="mend that file; aimux skills lists what is wrong with each",
            data={"where": where},
        )


def _loader(texts: Mapping[str, Skill | Part]) -> "jinja2.BaseLoader":
    import jinja2

    class Loader(jinja2.BaseLoader):
        """Gives the texts it knows, once they are looked through."""

        def load(
            self,
            environment: jinja2.Environment,
            name: str,
            globals: object = None,  # noqa: A002  # its name there
        ) -> jinja2.Template:
            del globals
            text = texts.get(name)
            if text is None:
                raise jinja2.TemplateNotFound(name)
            key = (name, text.origin, text.text)
            code = _COMPILED.get(key)
            if code is None:
                tree = environment.parse(f"{text.text}\n", name, text.origin)
                _check(tree, name)
                code = environment.compile(tree, name, text.origin)
                _COMPILED.put(key, code)
            return environment.template_class.from_code(environment, code, {})

    return Loader()


def _check(tree: "nodes.Template", name: str) -> None:
    """Refuse what is not of the language, and have every loop counted."""
    from jinja2 import TemplateSyntaxError, nodes

    todo: list[tuple[nodes.Node, int]] = [(tree, 0)]
    count = 0
    while todo:
        node, loops = todo.pop()
        count += 1
        kind = type(node).__name__
        line = node.lineno or 1
        if count > MAX_NODES:
            raise TemplateSyntaxError(f"over {MAX_NODES} tags and words", line, name)
        if kind not in NODES:
            said = _UNSAID.get(kind, kind.lower())
            raise TemplateSyntaxError(f"{said} is not for templates of skills", line, name)
        if isinstance(node, nodes.Filter):
            if node.node is None or node.kwargs or node.name not in FILTERS:
                known = ", ".join(FILTERS)
                raise TemplateSyntaxError(f"no filter {node.name}: there are {known}", line, name)
        elif isinstance(node, nodes.Test) and node.name not in TESTS:
            raise TemplateSyntaxError(f"no test {node.name}: there is defined", line, name)
        elif isinstance(node, nodes.Include):
            if not isinstance(node.template, nodes.Const) or node.ignore_missing:
                said = 'include wants a name in quotes: {% include "name" %}'
                raise TemplateSyntaxError(said, line, name)
        elif isinstance(node, nodes.For):
            loops += 1
            if node.recursive or loops > MAX_LOOPS:
                raise TemplateSyntaxError(f"over {MAX_LOOPS} loops in another", line, name)
        todo += [(below, loops) for below in node.iter_child_nodes()]
        if isinstance(node, nodes.For):
            node.iter = nodes.Filter(
                node.iter, "_each", [], [], None, None, lineno=line, environment=tree.environment
            )


_UNSAID: Final = {
    "Call": "a call", "Assign": "set", "AssignBlock": "set", "FilterBlock": "a filter block",
    "Concat": "joining by ~", "Slice": "a slice", "Add": "arithmetic", "Mul": "arithmetic",
    "Sub": "arithmetic", "Div": "arithmetic", "Pow": "arithmetic", "Mod": "arithmetic",
    "Dict": "a table",
}  # fmt: skip
_BLANK: Final = re.compile(r"\n{3,}")


def _tidy(text: str) -> str:
    """Without the empty lines that tags leave behind."""
    return _BLANK.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip()


_KINDS: Final[Mapping[type, str]] = {
    dict: "table", list: "list", tuple: "list", bool: "yes or no", type(None): "nothing",
}  # fmt: skip


# ------------------------------------------------------------------------------- filters


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _inside(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)[1:-1]


def _quoted(value: object) -> str:
    return "\n".join(f"> {line}".rstrip() for line in str(value).splitlines())


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _join(value: Sequence[object], between: object = ", ") -> str:
    said = [str(each) for each in value]
    if sum(map(len, said)) + len(said) * len(str(between)) > DEFAULT.chars:
        raise _SpentError(f"joins over {DEFAULT.chars} characters")
    return str(between).join(said)


def _length(value: Sequence[object]) -> int:
    return len(value)


def _default(value: object, instead: object) -> object:
    return value or instead


def _first(value: Sequence[object]) -> object:
    return value[0]


FILTERS: Final[Mapping[str, Callable[..., object]]] = {
    "json": _json,  # a value as JSON
    "inside": _inside,  # a text as it stands inside the quotes of a JSON text
    "quoted": _quoted,  # lines of a Markdown quote
    "cell": _cell,  # one line, fit for a table
    "join": _join,
    "length": _length,
    "default": _default,
    "first": _first,
}
