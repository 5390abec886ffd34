"""Phrases that are typical of a bias, with what to ask back. Hints to look twice, no verdicts."""

import functools
import re
from collections.abc import Sequence
from typing import Final

import attrs

from ._fields import Json

CONTEXT: Final = 30  # characters quoted on each side of a phrase


@attrs.frozen(kw_only=True)
class Bias:
    """A bias with the phrases that betray it; a phrase matches whole words."""

    name: str
    severity: str
    question: str
    phrases: Sequence[str]


def _bias(name: str, severity: str, question: str, phrases: str) -> Bias:
    return Bias(name=name, severity=severity, question=question, phrases=tuple(phrases.split("; ")))


BIASES: Final[Sequence[Bias]] = (
    _bias("confirmation_bias", "high", "what would prove this wrong?",
          "as expected; as i expected; confirms; proves that; consistent with my; "
          "just as i thought; supports our view"),
    _bias("anchoring", "medium", "what would the figure be without the first one?",
          "initial estimate; first estimate; starting from; based on the original; "
          "compared to the initial; the first number"),
    _bias("sunk_cost", "high", "would you begin it today, with nothing spent?",
          "already invested; already spent; so far invested; too much to stop; come this far; "
          "can't waste; after all the work; years of work"),
    _bias("availability_heuristic", "medium", "how often does it happen, counted?",
          "i remember when; just happened; recently saw; last time; i heard about; in the news"),
    _bias("bandwagon", "medium", "does it fit your case, whoever else does it?",
          "everyone is; everybody; everyone uses; most people; all the big companies; "
          "industry standard; popular choice; netflix does; google does"),
    _bias("dunning_kruger", "medium", "who has done it before and found it hard?",
          "how hard can it be; it's easy; it's trivial; it's simple; simply just; "
          "anyone can; no need to research"),
    _bias("survivorship_bias", "medium", "what became of those who tried and failed?",
          "successful companies; success stories; those who succeeded; winners; it worked for"),
    _bias("framing_effect", "low", "how does it sound the other way round?",
          "only a small; only a few; as much as; up to 90%; merely; just a small"),
    _bias("appeal_to_authority", "medium", "what are the reasons behind the name?",
          "the cto said; experts say; according to experts; an authority; the vendor says; "
          "the consultant said"),
    _bias("status_quo_bias", "medium", "what does staying cost?",
          "always done it; it has always; works fine as is; why change; never change"),
    _bias("hasty_generalization", "medium", "how many cases is that from?",
          "always; never; every time; in all cases; all users; no one ever"),
    _bias("false_dichotomy", "high", "what is the third way?",
          "either we; the only alternative; only two options; no other choice; it's either; "
          "the only way; the only option"),
    _bias("appeal_to_tradition", "low", "is the reason for it still there?",
          "traditionally; historically we; the way we've always; time-tested; long-standing"),
    _bias("ad_hominem", "medium", "is it true whoever says it?",
          "they don't understand; who is he to; who are they to; incompetent; clueless"),
    _bias("slippery_slope", "medium", "which step follows from which, and how surely?",
          "before you know it; will inevitably lead; the next thing; slippery slope; ends up in"),
    _bias("planning_fallacy", "high", "how long did the last three take?",
          "should only take; will only take; just a few days; just a few weeks; a quick; "
          "in a weekend; in no time"),
    _bias("time_optimism", "medium", "what is the plan for what goes wrong?",
          "if everything goes well; best case; no delays; on schedule; we'll be done by"),
    _bias("silver_bullet", "high", "which of the causes does it touch?",
          "will solve all; solves everything; will fix everything; the solution to all; "
          "once and for all"),
    _bias("overconfidence", "medium", "what odds would you bet at?",
          "definitely; without a doubt; no doubt; certainly; guaranteed; obviously; clearly; "
          "i'm sure"),
    _bias("correlation_not_causation", "high", "what else changed at the same time?",
          "ever since; since we introduced; correlates with; after we deployed; went up after; "
          "went down after"),
    _bias("false_precision", "low", "what is the range?",
          "exactly; precisely; to the minute"),
    _bias("absolute_certainty", "medium", "what is the exception?",
          "impossible; cannot fail; can't fail; will never; 100%; zero risk; no risk"),
)  # fmt: skip


@functools.cache
def _finder(bias: Bias) -> re.Pattern[str]:
    phrases = "|".join(re.escape(each) for each in sorted(bias.phrases, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{phrases})(?!\w)", re.IGNORECASE)


def biases_in(text: str) -> list[Json]:
    """Each bias whose phrases are in a text, with what was found and where."""
    text = text.replace("\u2019", "'")
    found: list[Json] = []
    for bias in BIASES:
        hits = list(_finder(bias).finditer(text))
        if hits:
            found.append(
                {
                    "bias": bias.name,
                    "severity": bias.severity,
                    "triggers": sorted({hit.group().lower() for hit in hits}),
                    "spans": [[hit.start(), hit.end()] for hit in hits],
                    "quote": text[
                        max(0, hits[0].start() - CONTEXT) : hits[0].end() + CONTEXT
                    ].strip(),
                    "question": bias.question,
                }
            )
    return found
