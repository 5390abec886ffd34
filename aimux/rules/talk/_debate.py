"""What a debate is made of: speeches, what they attack and concede, and the judge's copy of them.

What a side attacks it has to quote; the quote is looked up in what the other side said. What it
says of files is looked up in the tree. What is found nowhere is struck from the copy that the judge
gets, sentence by sentence, and kept in the record.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Evidence, SourcePlace
from aimux.rules import MIN_CHARS, find_places, shorten
from aimux.rules.panels import EVIDENCE_SCHEMA, read_places

SPEECH_CHARS: Final = 6_000  # the same for both sides
MAX_ATTACKS: Final = 8
MAX_CONCESSIONS: Final = 8
PRO: Final = "pro"
CON: Final = "con"
SIDES: Final = (PRO, CON)
OPENING: Final = "opening"
REBUTTAL: Final = "rebuttal"
CLOSING: Final = "closing"
STRUCK: Final = "[struck: not found]"
UNSAID: Final = "the other side has not said this"

_CONCESSIONS: Final[Mapping[str, object]] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"fact": {"type": "string"}, "evidence": EVIDENCE_SCHEMA},
        "required": ["fact"],
    },
}
SPEECH_SCHEMA: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "minLength": 1},
        "evidence": EVIDENCE_SCHEMA,
        "concessions": _CONCESSIONS,
    },
    "required": ["text"],
}
REBUTTAL_SCHEMA: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "minLength": 1},
        "attacks": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "quote": {"type": "string", "minLength": 1},
                    "reply": {"type": "string"},
                },
                "required": ["quote", "reply"],
            },
        },
        "evidence": EVIDENCE_SCHEMA,
        "concessions": _CONCESSIONS,
    },
    "required": ["text", "attacks"],
}

_QUOTED_LINE: Final = re.compile(r"^[ \t]*>[ \t]?(.*)$", re.MULTILINE)
_PARTS: Final = re.compile(  # a fence, else a sentence or line
    r"(?P<part>^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|[^\n]+?(?:[.!?](?=\s|$)|(?=\n)|\Z))",
    re.DOTALL | re.MULTILINE,
)
_LEAD: Final = re.compile(r"[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)?")  # what makes it a list's item
_OMITTED: Final = re.compile(r"\[?(?:\.{3,}|…)\]?")
_SIGNS: Final = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014\u00a0", "''\"\"-- ", "*_`")


@attrs.frozen(kw_only=True)
class Attack:
    """What a side attacks: a quote of the other, the reply, whether the other has said so."""

    quote: str
    reply: str = ""
    is_found: bool = False


@attrs.frozen(kw_only=True)
class Concession:
    """A fact for which a side gives something up."""

    fact: str
    places: Sequence[SourcePlace] = ()
    evidence: Sequence[Evidence] = ()


@attrs.frozen(kw_only=True)
class Speech:
    """What one side said in one phase. `cited` is the evidence it lists, `told` that in its text.

    `vague` are concessions that name no fact: they concede nothing.
    """

    side: str
    phase: str
    turn: int
    text: str
    attacks: Sequence[Attack] = ()
    concessions: Sequence[Concession] = ()
    cited: Sequence[SourcePlace] = ()
    evidence: Sequence[Evidence] = ()  # of `places`, in their order
    vague: int = 0
    is_cut: bool = False
    is_prose: bool = False

    @property
    def body(self) -> str:
        """Its text, and the attacks that stand; in prose they are part of it."""
        if self.is_prose:
            return self.text
        attacks = [f"> {each.quote}\n\n{each.reply}" for each in self.attacks if each.is_found]
        return "\n\n".join([self.text, *attacks]).strip()

    @property
    def places(self) -> list[SourcePlace]:
        """Every place that it names: listed, conceded, in the text."""
        conceded = [place for each in self.concessions for place in each.places]
        return [*self.cited, *conceded, *find_places(self.body)]

    def with_evidence(self, found: Sequence[Evidence]) -> "Speech":
        """The speech with the checker's findings, which are of `places` in their order."""
        at = len(self.cited)
        concessions = []
        for each in self.concessions:
            count = len(each.places)
            concessions.append(attrs.evolve(each, evidence=list(found[at : at + count])))
            at += count
        return attrs.evolve(self, evidence=list(found), concessions=concessions)


@attrs.frozen(kw_only=True)
class Struck:
    """What the judge did not see, and why."""

    seat: str
    text: str
    why: str


def phases_of(max_turns: int) -> list[str]:
    """The phases of so many turns of both sides: opening, rebuttals, closing."""
    each = max(1, max_turns // 2)
    if each < 3:
        return [OPENING, REBUTTAL][:each]
    return [OPENING, *[REBUTTAL] * (each - 2), CLOSING]


def read_speech(
    side: str, phase: str, turn: int, data: object, content: str, others: Sequence[str] = ()
) -> Speech:
    """A side's answer; prose is a speech too, what it quotes by `>` are its attacks.

    `others` is what the other side has said so far.
    """
    if not isinstance(data, Mapping):
        text = content.strip()
        attacks = [Attack(quote=each) for each in _quoted_lines(text)] if others else []
        raw: Mapping[str, object] = {}
    else:
        text = str(data.get("text", "")).strip()
        found = data.get("attacks")
        attacks = [
            Attack(quote=str(each.get("quote", "")).strip(), reply=str(each.get("reply", "")))
            for each in (found if isinstance(found, Sequence) else ())
            if isinstance(each, Mapping)
        ]
        raw = data
    is_cut = len(text) > SPEECH_CHARS
    conceded = raw.get("concessions")
    concessions = [
        Concession(
            fact=" ".join(str(each.get("fact", "")).split()),
            places=read_places(each.get("evidence")),
        )
        for each in (conceded if isinstance(conceded, Sequence) else ())
        if isinstance(each, Mapping)
    ]
    named = [each for each in concessions if names_fact(each.fact)]
    return Speech(
        side=side,
        phase=phase,
        turn=turn,
        text=shorten(text, SPEECH_CHARS),
        attacks=[
            attrs.evolve(
                each,
                reply=shorten(each.reply.strip(), SPEECH_CHARS // 4),
                is_found=is_quoted(each.quote, others),
            )
            for each in attacks[:MAX_ATTACKS]
        ],
        concessions=named[:MAX_CONCESSIONS],
        cited=read_places(raw.get("evidence")),
        vague=len(concessions) - len(named),
        is_cut=is_cut,
        is_prose=not isinstance(data, Mapping),
    )


def names_fact(text: str) -> bool:
    """Whether a concession says what for: a clause at least, not a courtesy."""
    return len(text.split()) >= 4 and len(text.replace(" ", "")) >= MIN_CHARS


def is_quoted(quote: str, texts: Sequence[str]) -> bool:
    """Whether a quote stands in one of the texts; white space, case and marks aside.

    What was left out between two pieces has to stand between them. Less than `MIN_CHARS` is found
    by chance, and so it is not found.
    """
    pieces = [piece for each in _OMITTED.split(quote) if (piece := _folded(each))]
    if sum(len(piece.replace(" ", "")) for piece in pieces) < MIN_CHARS:
        return False
    return any(_stands_in(pieces, _folded(text)) for text in texts)


def judge_copy(speech: Speech) -> tuple[str, list[Struck]]:
    """What the judge gets of a speech, and what was struck from it."""
    struck = [
        Struck(seat=speech.side, text=each.quote, why=UNSAID)
        for each in speech.attacks
        if not each.is_found
    ]
    parts = list(_PARTS.finditer(speech.body))
    why = _why_struck(speech, [found["part"] for found in parts])
    kept: list[str] = []
    at = 0
    for number, found in enumerate(parts):
        part = found["part"]
        kept.append(speech.body[at : found.start()])
        at = found.end()
        if number not in why:
            kept.append(part)
            continue
        lead = _LEAD.match(part)
        kept.append((lead[0] if lead else "") + STRUCK)
        if why[number] != UNSAID:  # that is told with the attack
            struck.append(Struck(seat=speech.side, text=part.strip(), why=why[number]))
    lines = ["".join([*kept, speech.body[at:]]).strip()]
    listed = speech.evidence[: len(speech.cited)]
    struck += [
        Struck(seat=speech.side, text=_cited(each), why=each.why or "not found")
        for each in listed
        if not each.verified
    ]
    lines += [f"Evidence: {_cited(each)}" for each in listed if each.verified]
    lines += [f"Concedes: {each.fact}" for each in speech.concessions]
    return "\n\n".join(lines), struck


def _why_struck(speech: Speech, parts: Sequence[str]) -> dict[int, str]:
    """Why parts of a speech go, by number: they name what is not there, or quote what nobody said.

    What names a place goes with it only if the quote is its own, or stands in no such part.
    """
    folded = [_folded(part) for part in parts]
    numbers = [set(re.findall(r"\d+", part)) for part in parts]
    why: dict[int, str] = {}
    named = find_places(speech.body)
    checked = speech.evidence[len(speech.evidence) - len(named) :]
    for place, found in zip(named, checked, strict=False):
        if found.verified:
            continue
        naming = {
            at
            for at, part in enumerate(parts)
            if place.path in part and (place.line is None or str(place.line) in numbers[at])
        }
        quoting = _quoting(place.quote, folded)
        gone = quoting if naming & quoting else naming | quoting
        why |= dict.fromkeys(gone, found.why or "not found")
    for attack in speech.attacks:
        if not attack.is_found:
            why |= dict.fromkeys(_quoting(attack.quote, folded), UNSAID)
    return why


def _quoting(quote: str, folded: Sequence[str]) -> set[int]:
    """Which parts have a quote in them."""
    text = _folded(quote)
    if len(text) < MIN_CHARS:
        return set()
    return {at for at, part in enumerate(folded) if text in part}


def _stands_in(pieces: Sequence[str], text: str) -> bool:
    at = 0
    for piece in pieces:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


def _folded(text: str) -> str:
    return " ".join(text.translate(_SIGNS).casefold().split()).strip(" '\".,;:")


def _quoted_lines(text: str) -> list[str]:
    """Block quotes, each as one text."""
    quotes: list[list[str]] = []
    last = -2
    for number, line in enumerate(text.splitlines()):
        found = _QUOTED_LINE.match(line)
        if found is None:
            continue
        if number == last + 1 and quotes:
            quotes[-1].append(found[1])
        else:
            quotes.append([found[1]])
        last = number
    return [joined for each in quotes if (joined := " ".join(each).strip())]


def _cited(found: Evidence) -> str:
    return f"{found.path}:{found.line or '?'} {found.quote}".strip()
