"""Whether two short texts hold the same position, without a model.

Theory of operation. A text becomes stems, each affirmed or denied: a word that denies ("not",
"avoid", "rather than") turns what follows it up to the end of its clause. Two texts are apart if
one denies what the other affirms, if they name different things (products, numbers), or if one
affirms a word and the other its opposite. Else they are alike if enough of what the shorter one
says stands in the longer one. Doubt keeps them apart: two groups that are one cost a reader a
second look, one group that is two hides a disagreement.
"""

import re
from collections.abc import Sequence
from typing import Final

import attrs

ENOUGH: Final = 0.5  # of the weight of the shorter text
_NAME_WEIGHT: Final = 3.0  # names and numbers carry a position, words around them do not
_MAX_CHARS: Final = 2_000  # a position is a sentence or two
_TOKEN: Final = re.compile(r"[^\W_][\w.+#/-]*(?:'[a-z]+)?|[,.;:!?()\n]", re.IGNORECASE)
_WRAP: Final = re.compile(r"(?<!\n)\n(?!\s*(?:\n|[-*#\d]))")  # inside a sentence
_CLAUSE_ENDS: Final = frozenset(".,;:!?()\n")
_TURNS_BACK: Final = frozenset({"but", "and", "instead", "use", "because", "since", "so", "then"})
_DENYING_WORDS: Final = (
    "not no never without avoid cannot neither nor against reject refuse skip drop stop forbid "
    "unnecessary don't doesn't isn't won't shouldn't can't aren't didn't wouldn't couldn't "
    "mustn't dont nobody nothing hardly instead-of rather-than over "
)
_DENYING: Final = frozenset(_DENYING_WORDS.split())
_SILENT_WORDS: Final = (
    "a an the this that these those it its we you i they our your their is are be was were been "
    "being to of in on for with as by at from into and or but if then so because since than too "
    "very more most less just only also should would could can may might must will shall do does "
    "did done have has had use using used go choose pick prefer take adopt recommend recommended "
    "option answer position approach solution way best better good think believe here there which "
    "what when where while both each one any some all please let's lets make instead rather "
    "simply clearly strongly definitely probably still yet "
)
_SILENT: Final = frozenset(_SILENT_WORDS.split())
_SAME: Final = {
    "postgresql": "postgres", "db": "database", "js": "javascript", "ts": "typescript",
    "k8s": "kubernetes", "repo": "repository", "auth": "authentication", "config": "configuration",
    "async": "asynchronous", "sync": "synchronous", "mutex": "lock", "env": "environment",
    "py": "python", "golang": "go", "keep": "retain", "delete": "remove", "raise": "increase",
    "lower": "decrease", "reduce": "decrease", "grow": "increase", "deny": "forbid",
    "microservice": "services", "monolith": "monolith", "turn": "switch", "enable": "enable",
}  # fmt: skip
_OPPOSITE: Final = (
    ("synchronous", "asynchronous"), ("increase", "decrease"), ("enable", "disable"),
    ("retain", "remove"), ("retain", "split"), ("add", "remove"), ("allow", "forbid"),
    ("accept", "reject"),
    ("before", "after"), ("monolith", "services"), ("sql", "nosql"), ("safe", "unsafe"),
    ("vertical", "horizontal"), ("optimistic", "pessimistic"), ("client", "server"),
    ("yes", "no"), ("true", "false"), ("correct", "wrong"), ("correct", "incorrect"),
    ("first", "last"),
    ("push", "pull"), ("always", "never"), ("public", "private"), ("on", "off"),
    ("merge", "rebase"), ("approve", "reject"), ("sufficient", "insufficient"),
)  # fmt: skip
_ENDINGS: Final = ("ations", "ation", "ings", "ing", "edly", "ed", "ies", "es", "s", "ly")


@attrs.frozen
class Stance:
    """What a text affirms and denies, by stem, with the weight of each stem."""

    affirmed: frozenset[str]
    denied: frozenset[str]
    names: frozenset[str]

    def weight(self, stems: frozenset[str]) -> float:
        """How much these stems say."""
        return sum(_NAME_WEIGHT if stem in self.names else 1.0 for stem in stems)


def read_stance(text: str) -> Stance:
    """A short text as a stance; of a longer one its beginning."""
    text = text[:_MAX_CHARS].replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    text = _WRAP.sub(" ", text)
    text = re.sub(r"\b(instead|rather) (of|than)\b", r"\1-\2", text, flags=re.IGNORECASE)
    affirmed: set[str] = set()
    denied: set[str] = set()
    names: set[str] = set()
    is_denied = is_open = False  # open: a word that denies has met nothing to deny yet
    is_first = True
    for found in _TOKEN.finditer(text):
        word = found[0].rstrip(".-/")
        folded = word.casefold()
        if not word or found[0] in _CLAUSE_ENDS:
            if is_open:
                affirmed.add("no")
            is_open = False
            is_denied, is_first = False, found[0] in ".!?\n" or is_first
            continue
        if folded in _DENYING:
            is_denied = is_open = not is_denied
        elif folded in _TURNS_BACK:
            is_denied = is_denied and folded in {"use", "and"}
        if folded not in _DENYING and folded not in _SILENT:
            stem = _stem(folded)
            (denied if is_denied else affirmed).add(stem)
            is_open = False
            if any(sign.isdigit() for sign in word) or _is_name(word, is_first=is_first):
                names.add(stem)
        is_first = False
    if is_open:
        affirmed.add("no")
    if not affirmed and not denied:
        affirmed = {text.strip().casefold()}
    return Stance(frozenset(affirmed - denied), frozenset(denied), frozenset(names))


def are_alike(first: Stance, second: Stance) -> bool:
    """Whether both hold the same position."""
    is_crossed = first.affirmed & second.denied or second.affirmed & first.denied
    if is_crossed and not first.denied & second.denied:  # who denies the same may say it otherwise
        return False
    if _numbers(first) != _numbers(second) and _numbers(first) and _numbers(second):
        return False
    if any(_apart(first, second, *pair) for pair in _OPPOSITE):
        return False
    ours, theirs = first.affirmed | first.denied, second.affirmed | second.denied
    names = first.names | second.names
    named = (first.names & ours, second.names & theirs)
    if all(named) and not named[0] & named[1]:
        return False
    both = Stance(frozenset(), frozenset(), names)
    shared = both.weight(ours & theirs)
    least = min(both.weight(ours), both.weight(theirs))
    return least > 0 and shared / least >= ENOUGH


def group_alike(texts: Sequence[str]) -> list[list[int]]:
    """The indexes of the texts in groups, the largest first; all members of one are alike."""
    stances = [read_stance(text) for text in texts]
    groups: list[list[int]] = []
    for index, stance in enumerate(stances):
        for group in groups:
            if all(are_alike(stance, stances[each]) for each in group):
                group.append(index)
                break
        else:
            groups.append([index])
    return sorted(groups, key=lambda group: (-len(group), group[0]))


def _stem(word: str) -> str:
    word = word.removesuffix("'s")
    word = _SAME.get(word, word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word.removesuffix(ending)
            break
    word = word.rstrip("e") or word
    return word[:-1] + "i" if word.endswith("y") else word


def _is_name(word: str, *, is_first: bool) -> bool:
    """A word that is written as a name is: inside a sentence with a capital, or with signs."""
    if any(sign in "+#/_" for sign in word) or "." in word.strip("."):
        return True
    return word[0].isupper() and (not is_first or not word[1:].islower())


def _numbers(stance: Stance) -> frozenset[str]:
    return frozenset(
        name for name in stance.names & stance.affirmed if name.replace(".", "").isdigit()
    )


def _apart(first: Stance, second: Stance, one: str, other: str) -> bool:
    one, other = _stem(one), _stem(other)
    has = [(one in each.affirmed, other in each.affirmed) for each in (first, second)]
    return has in ([(True, False), (False, True)], [(False, True), (True, False)])
