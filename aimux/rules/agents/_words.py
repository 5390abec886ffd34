"""Words of tasks: those that say nothing of what a task is, and families that say the same."""

from collections.abc import Mapping
from typing import Final

_SILENT_WORDS: Final = (
    "a about after all also an and any are as at be because been before but by can could do does "
    "doing don for from get give had has have help here how i if in into is it its just let like "
    "make may me more most must my need needs no not now of on one or our out over please "
    "proactively should so some specialist expert agent agents such task tasks than that the "
    "their them then there these they thing things this those to up us use used user using very "
    "want was way we well were what when where which while who why will with work would you your "
    "new code file files project codebase every each only without ask asks something anything too "
    "assistant example context commentary"
)
SILENT: Final = frozenset(_SILENT_WORDS.split())
_FAMILIES: Final[Mapping[str, str]] = {
    "bug": (
        "bug crash traceback stacktrace exception segfault debug debugger debugging broken "
        "fail failing fails failed failure fault misbehaves hang hangs freezes deadlock wrong "
        "regression flaky"
    ),
    "test": ("test tests testing pytest jest unittest coverage spec untested"),
    "document": (
        "document documentation docs docstring docstrings readme changelog tutorial guide comments"
    ),
    "security": (
        "security secure vulnerability vulnerabilities vulnerable exploit injection xss csrf cve "
        "owasp secrets attacker threat pentest sanitize"
    ),
    "performance": (
        "performance perf slow slowly speed fast faster latency profile profiling throughput "
        "optimize optimise optimization bottleneck memory cpu benchmark"
    ),
    "review": ("review reviewer critique feedback assess"),
    "refactor": (
        "refactor refactoring cleanup tidy simplify restructure duplication duplicated extract "
        "rename legacy spaghetti dead"
    ),
    "design": ("design architect architecture architectural blueprint adr tradeoff tradeoffs"),
    "plan": ("plan planner planning roadmap breakdown milestones estimate"),
    "research": (
        "research researcher compare comparison investigate survey evaluate alternatives literature"
    ),
    "implement": ("implement implementer implementation build feature add develop"),
    "migrate": ("migrate migration migrations upgrade upgrading port porting deprecated modernize"),
    "database": (
        "database sql query queries schema postgres postgresql mysql sqlite index indexes table "
        "tables orm join"
    ),
    "deploy": (
        "deploy deployment docker kubernetes k8s helm terraform pipeline ci cd infrastructure "
        "devops container containers"
    ),
    "frontend": (
        "frontend ui ux css html react vue svelte component components browser layout "
        "accessibility responsive"
    ),
    "api": ("api rest graphql endpoint endpoints openapi swagger route routes"),
    "incident": ("incident outage postmortem oncall alert alerts sev1"),
    "analysis": ("analysis analyse analyze analysed analyzed analyst"),
    "commit": ("commit commits merge rebase branch git changelist"),
    "explain": ("explain understand explore walkthrough trace overview onboarding"),
    "data": ("data dataset pipeline etl pandas csv analytics statistics"),
    "translate": ("translate translation localize localization i18n locale locales"),
}
FAMILY: Final[Mapping[str, str]] = {
    word: f"~{name}" for name, words in _FAMILIES.items() for word in words.split()
}
