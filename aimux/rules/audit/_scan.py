"""One file against the rules: findings, what was not looked at, and what to tell."""

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from aimux.model import Evidence, Finding, FindingState, Verified

from ._hits import Hit
from ._languages import language_of
from ._lex_braces import lex_braces
from ._lex_shell import lex_shell
from ._matchers import MAX_HITS, LineMatcher, TokenMatcher, TokenText
from ._patterns import MAX_STEPS, Steps, TooDense
from ._python import PythonMatcher
from ._python_tree import PythonTree
from ._rule import AuditRule
from ._suppressions import (
    Suppression,
    is_marked,
    line_comments,
    python_comments,
    suppressions,
)
from ._tokens import Comment, Lexed, Stream

SCANNER: Final = "rules"  # what findings of rules name as their scanner
MAX_BYTES: Final = 1_048_576  # of one file; larger ones are generated
MAX_LINE_CHARS: Final = 20_000  # of a line of code; longer ones are minified
MAX_TOKENS: Final = 400_000  # of one file
MAX_QUOTE_CHARS: Final = 400


@attrs.frozen(kw_only=True)
class Skipped:
    """A file, or a part of the work on it, that was not looked at."""

    path: str
    why: str


@attrs.frozen(kw_only=True)
class Scan:
    """What rules say about one file; `language` is empty where only general rules were asked."""

    path: str
    language: str = ""
    findings: Sequence[Finding] = ()
    skipped: Sequence[Skipped] = ()
    notes: Sequence[str] = ()  # suppressions that do not count


@attrs.frozen(kw_only=True)
class _Text:
    """A file as matchers see it."""

    path: str
    text: str
    language: str
    tree: PythonTree | None = None
    tokens: TokenText = attrs.field(factory=TokenText)
    comments: Sequence[Comment] = ()


def scan(path: str, data: bytes, rules: Sequence[AuditRule], *, max_steps: int = MAX_STEPS) -> Scan:
    """Every finding of `rules` in one file, in the order of lines.

    The path tells the language, else the first line. A file that cannot be read as its language is
    told in `skipped`, and general rules still count. Patterns take at most `max_steps` steps.
    """
    if len(data) > MAX_BYTES:
        return _skip(path, f"{len(data)} bytes, the limit is {MAX_BYTES}")
    if b"\0" in data[:8192]:
        return _skip(path, "binary")
    raw = data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    language = language_of(path, raw)
    text, why = _read(path, raw, language)
    asked = [each for each in rules if {language if not why else "", "general"} & {*each.languages}]
    skipped = [Skipped(path=path, why=why)] if why else []
    found: list[Finding] = []
    steps = Steps(max_steps)
    for rule in asked:
        try:
            found += _finding_each(rule, text, steps)
        except TooDense:
            skipped.append(Skipped(path=path, why=f"{rule.id} and rules after it: too dense"))
            break
        except RecursionError:
            skipped.append(Skipped(path=path, why=f"{rule.id}: nested too deeply"))
    found.sort(key=lambda each: (each.line, each.rule))
    comments = suppressions(text.comments) if is_marked(raw) else ()
    return Scan(
        path=path,
        language=language,
        findings=[_suppressed(each, comments) for each in found],
        skipped=skipped,
        notes=[
            f"{path}:{each.line}: aimux: ignore[{', '.join(each.rules)}] has no reason, "
            "so it does not count"
            for each in comments
            if not each.reason
        ],
    )


def _skip(path: str, why: str) -> Scan:
    return Scan(path=path, skipped=[Skipped(path=path, why=why)])


def _read(path: str, raw: str, language: str) -> tuple[_Text, str]:
    """The text as its language has it, or plain and why."""
    plain = _Text(path=path, text=raw, language=language, comments=())
    marked = is_marked(raw)
    if language == "python":
        try:
            tree = PythonTree(raw)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            where = f" in line {line}" if line else ""
            return attrs.evolve(plain, comments=line_comments(raw)), f"not Python{where}"
        except (RecursionError, MemoryError):
            return attrs.evolve(plain, comments=line_comments(raw)), "nested too deeply"
        comments = python_comments(raw) if marked else ()
        return attrs.evolve(plain, tree=tree, comments=comments), ""
    if language in {"javascript", "go", "shell"}:
        if max(map(len, raw.split("\n"))) > MAX_LINE_CHARS:
            return plain, f"a line has over {MAX_LINE_CHARS} characters: generated"
        lexed: Lexed = lex_shell(raw) if language == "shell" else lex_braces(raw, language)
        count = sum(len(each) for each in lexed.streams)
        if count > MAX_TOKENS:
            why = f"{count} tokens, the limit is {MAX_TOKENS}"
            return attrs.evolve(plain, comments=lexed.comments), why
        tokens = TokenText(
            streams=[
                Stream(each, language, is_value=bool(number) and language != "shell")
                for number, each in enumerate(lexed.streams)
            ],
            comments=lexed.comments,
            first_line=raw.partition("\n")[0],
        )
        return attrs.evolve(plain, tokens=tokens, comments=lexed.comments), ""
    return attrs.evolve(plain, comments=line_comments(raw) if marked else ()), ""


def _hits(rule: AuditRule, text: _Text, steps: Steps) -> Iterator[Hit]:
    match rule.matcher:
        case PythonMatcher() as matcher if text.tree is not None:
            yield from matcher.find(text.tree)
        case TokenMatcher() as matcher:
            yield from matcher.find(text.tokens, steps)
        case LineMatcher() as matcher:
            yield from matcher.find(text.text)


def _finding_each(rule: AuditRule, text: _Text, steps: Steps) -> Iterator[Finding]:
    lines: list[str] | None = None
    met: set[int] = set()
    for hit in _hits(rule, text, steps):
        if hit.line in met:
            continue
        met.add(hit.line)
        lines = text.text.split("\n") if lines is None else lines
        quote = "\n".join(lines[hit.line - 1 : hit.end_line]).strip()[:MAX_QUOTE_CHARS]
        place = Evidence(
            path=text.path,
            line=hit.line,
            end_line=hit.end_line,
            quote=quote,
            verified=Verified.QUOTE,
        )
        yield Finding(
            rule=rule.id,
            family=rule.family,
            category=rule.category,
            severity=rule.severity,
            path=text.path,
            line=hit.line,
            end_line=hit.end_line,
            quote=quote,
            title=rule.title,
            scenario=rule.why,
            fix=rule.fix,
            is_certain=rule.certain,
            scanners=(SCANNER,),
            evidence=(place,),
        )
        if len(met) >= MAX_HITS:
            return


def _suppressed(finding: Finding, comments: Sequence[Suppression]) -> Finding:
    for each in comments:
        if each.reason and each.covers(finding.rule, finding.line):
            return attrs.evolve(finding, state=FindingState.SUPPRESSED, reason=each.reason)
    return finding
