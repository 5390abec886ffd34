"""How programs die in what runs them: the one line that tells why, among hundreds that tell where.

The table is in the order in which kinds are tried; of a kind the first line counts. What is sure
(no memory, no library, no version chosen) outweighs all else that was said: the program is gone.
A crash (a panic, an uncaught exception) is only as telling as its line, which may speak of a limit
or a refused key.

The class is that of a CLI that does not run as it should (usage: the next CLI is asked), except
where another one would fare no better on this machine or with this task (fatal).
"""
# ruff: noqa: RUF001  # other alphabets are the point

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from aimux.model import FailureClass

CRASHED: Final = "cli_crashed"
_MAX_LINE_CHARS: Final = 400  # looked at and shown
_CRASH_SIGNALS: Final = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGABRT", "SIGSYS")
_CRASH_EXITS: Final = (  # of a shell (128 + signal), of Windows
    *(132, 133, 134, 135, 136, 139),
    *(0xC0000005, 0xC000001D, 0xC00000FD, 0xC0000135, 0xC0000139, 0xC0000142, 0xC0000409),
)


# What the system says in the language of its user: the C library and shells are translated.
_RUNTIMES: Final = r"(?:node|nodejs|python[\d.]*|deno|bun|java|ruby|dotnet)"
_NOT_FOUND: Final = (
    r"(?:command |executable file )?not found|(?:Befehl|Kommando) nicht gefunden"
    r"|commande introuvable|orden no encontrada|comando não encontrado|comando non trovato"
    r"|команда не найдена|未找到命令|コマンドが見つかりません|명령어를 찾을 수 없"
)
_NO_SPACE: Final = (
    r"kein Speicherplatz mehr verfügbar|Aucun espace disponible sur|No queda espacio en el disp"
    r"|Não há espaço disponível n|Spazio esaurito su|е осталось свободного места|设备上没有空间"
    r"|[設裝][備置]上[沒已]|空き領域がありません|남은 공간이 없"
)
_SEGMENT: Final = (
    r"\bSpeicherzugriffsfehler\b|\bErreur de segmentation\b|\bViolación de segmento\b"
    r"|\bFalha de segmentação\b|\bErrore di segmentazione\b|\bОшибка сегментирования\b"
    r"|段错误|記憶體區段錯誤|세그[먼멘]테이션 (?:오류|결함)"
)


@attrs.frozen
class Death:
    """Why a program died, in its own line."""

    failure_class: FailureClass
    code: str
    line: str
    is_sure: bool


@attrs.frozen
class _Kind:
    """One way to die: any of the patterns, in a line; their case counts."""

    code: str
    failure_class: FailureClass
    patterns: tuple[str, ...]

    def found(self, lines: Sequence[str]) -> str:
        """The first line of this kind, else an empty string."""
        search = _any_of(self.patterns).search
        return next((line for line in lines if search(line)), "")


_SURE: Final = (
    _Kind(
        "out_of_memory",
        FailureClass.FATAL,
        (
            r"JavaScript heap out of memory",
            r"[Ff]atal process out of memory|Fatal JavaScript (?:OOM|invalid size)",
            r"Array buffer allocation failed",
            r"^fatal error: (?:runtime: )?(?:out of memory|cannot allocate memory)",  # Go
            r"^memory allocation of \d+ bytes failed",  # Rust
            r"\bstd::bad_alloc\b|^MemoryError\b|\bOutOfMemoryError\b",  # C++, Python, Java
            r"\bOut of memory: Killed process|\boom-kill|\bCannot allocate memory\b|\bENOMEM\b",
        ),
    ),
    _Kind(
        "no_runtime_version",
        FailureClass.USAGE,
        (
            # asdf, mise
            r"[Nn]o (?:preset )?version (?:is )?(?:set|installed) for (?:command|shim)\b",
            r"^No version is set for \S+; please|Perhaps you have to reshim",
            r"^(?:mise|asdf|rtx)\b.{0,20}(?:ERROR|not installed|not found|No version)",
            r"^N/A: version .{1,60} is not (?:yet )?installed|You need to run `nvm install",
            r"^(?:error: )?Requested version .{1,60} is not currently installed",  # fnm
            r"Can't find an installed Node version matching",
            r"^Volta error: |^Node is not available",
            r"^\w+env: version .{1,60} is not installed|^\w+env: \S+: command not found",
            r"rustup could not choose a version of|toolchain '.{1,60}' is not installed",
            r"^error: No interpreter found for ",  # uv
        ),
    ),
    _Kind(
        "runtime_missing",
        FailureClass.USAGE,
        (
            # env and shells, in any language: what is in quotes, or a path, is what they lack
            r"^(?:/usr/bin/)?env: (?:\S{1,60}: No such file|[‘„«\"'][^:]{1,60}: \S)",
            r"^env: can't execute '",  # BusyBox
            rf"\bbad interpreter: |: \S+ ?\d+: \S*/{_RUNTIMES}: \S",
            rf"\b{_RUNTIMES}\"? ?: (?:{_NOT_FOUND})|\bspawn {_RUNTIMES} ENOENT\b",
            r"\bcannot execute: required file not found",
            r"^'(?:node|python|py|bun|deno|java)' is not recognized as an internal",
            r"^You must install (?:or update )?\.NET|Unable to locate a Java Runtime",
        ),
    ),
    _Kind(
        "library_missing",
        FailureClass.USAGE,
        (
            r"\berror while loading shared libraries: |cannot open shared object file",  # glibc
            r"\bversion `\S+' not found \(required by|\bsymbol lookup error: |\bundefined symbol: ",
            r"^Error loading shared library |^Error relocating \S+: ",  # musl
            r"^dyld(?:\[\d+\])?: |\bLibrary not loaded: ",  # macOS
            r"\bDLL load failed|\S+\.dll was not found",  # Windows
            r"\b[Ee]xec format error|cannot execute binary file|Bad CPU type in executable",
            r"\bcannot allocate memory in static TLS block",
        ),
    ),
    _Kind(
        "runtime_too_old",
        FailureClass.USAGE,
        (
            r"\b(?:requires?|needs?) (?:Node(?:\.js)?|Python|Java|Bun)(?: version)? ?(?:>=|v?\d)",
            r"\bUnsupported engine\b|\bERR_REQUIRE_ESM\b|\bERR_UNKNOWN_BUILTIN_MODULE\b",
            r"\bNode\.js (?:version )?v?\d[\d.]* is (?:not supported|too old|unsupported)",
            r"\bNo such built-in module: |\bUnsupportedClassVersionError\b",
            r"^SyntaxError: invalid syntax|^SyntaxError: Unexpected (?:token|identifier)(?!.*JSON)",
            r"^ReferenceError: (?:fetch|File|structuredClone|ReadableStream|CustomEvent) is not",
            r"\b(?:requires|needs) a different Python",
        ),
    ),
    _Kind(
        "runtime_options",
        FailureClass.USAGE,
        (r"^\S*node(?:\.exe)?: (?:bad option: |\S+ is not allowed in NODE_OPTIONS)",),
    ),
    _Kind(
        "cli_incomplete",
        FailureClass.USAGE,
        (
            r"\bCannot find (?:module|package) ['\"@]|\bERR_MODULE_NOT_FOUND\b",
            r"\bCannot find native binding\b|^error: Module not found \"",  # npm, Deno
            r"^ModuleNotFoundError: |^ImportError: |\bPackageNotFoundError: ",
            r"\bDistributionNotFound\b|Could not find or load main class",
            r"\bcannot load such file -- |^Can't locate \S+ in @INC",  # Ruby, Perl
            r"\bcould not determine executable to run",  # npx
        ),
    ),
    _Kind(
        "cpu_unsupported",
        FailureClass.USAGE,
        (
            r"\b[Ii]llegal (?:hardware )?instruction\b",
            r"CPU (?:lacks|does not support) (?:AVX|x86-64)",
        ),
    ),
    _Kind(
        "disk_full",
        FailureClass.FATAL,
        (
            r"\bENOSPC\b|\bNo space left on device\b|database or disk is full",
            r"\bEDQUOT\b|\bDisk quota exceeded\b",
            _NO_SPACE,
        ),
    ),
    _Kind(
        "too_many_processes",
        FailureClass.FATAL,
        (
            r"\bfork: .{0,20}(?:Resource temporarily unavailable|EAGAIN)|\bspawn \S+ EAGAIN\b",
            r"\bcan't start new thread|^BlockingIOError: \[Errno 11\]",  # Python
            r"\bfailed to create new OS thread|\bfailed to spawn thread\b",  # Go, Rust
            r"\bpthread_create\b.{0,40}(?:Resource temporarily unavailable|EAGAIN)",
        ),
    ),
    _Kind(
        "too_many_files",
        FailureClass.FATAL,
        (
            r"\bEMFILE\b|\bENFILE\b|\b[Tt]oo many open files\b",
            r"System limit for number of file watchers reached",
        ),
    ),
    _Kind(
        "home_unwritable",
        FailureClass.USAGE,
        (
            r"\b(?:EACCES|EPERM|EROFS): .{0,60}(?:mkdir|open|scandir|copyfile) '",
            r"^PermissionError: \[Errno 13\]|^OSError: \[Errno 30\]",
            r"\bmkdir \S+: (?:permission denied|read-only file system)",
        ),
    ),
    _Kind(
        CRASHED,
        FailureClass.USAGE,
        (
            r"\b[Ss]egmentation fault\b|\b[Bb]us error\b|\((?:core dumped|core généré)\)",
            r"\(Speicherabzug geschrieben\)|（?核心已(?:转储|轉儲)|" + _SEGMENT,
            r"\b[Tt]race/breakpoint trap\b|^SIGSEGV: |^# Fatal error in |Bun has crashed",
            r"^Fatal Python error: |^fatal runtime error: |^terminate called after throwing",
            r"^fatal error: (?:all goroutines|stack overflow|concurrent map|unexpected signal)",
            r"\bMaximum call stack size exceeded",
        ),
    ),
)
_ALL_SURE: Final = tuple(pattern for kind in _SURE for pattern in kind.patterns)
_PANIC: Final = (
    r"^panic: ",
    r'^Exception in thread "',
    r"^Unhandled exception\b",
)  # Go, Java, .NET
_RUST_PANIC: Final = (r"^thread '[^']*'(?: \(\d+\))? panicked at ",)
_TRACEBACK: Final = "Traceback (most recent call last):"
_RAISED: Final = (  # the last line of a traceback, also inside a group
    r"^[|+\s]*(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt|Group|Timeout|Exceeded)\b(?::|\s*$)",
)
_UNCAUGHT: Final = (
    r"^(?:[Uu]ncaught\w*:? |\[?Unhandled\w*(?: \w+)?\]?:? )?\w*(?:Error|Exception)(?: \[\w+\])?: ",
)
_NODE: Final = (r"^Node\.js v\d", r"\bnode:internal/", r"^Bun v\d", r"\btriggerUncaughtException\b")
_STACK: Final = (
    r"^at (?:async |new |file:|\S+ ?\(|\S+:\d+)|^File \"|^#\d+ |^\.\.\. \d+ more",
    r"^\d+: +(?:0x)?[0-9a-fA-F]{2,}\b|^\d+: \S+::",  # Node and Rust
    r"^\S+\.go:\d+",
)
_FRAMES: Final = (
    *_STACK,
    r"^<--- |^-----|^\[\d+:(?:0x)?[0-9a-fA-F]+\]|^Emitted 'error' event|^(?:Node\.js|Bun) v\d",
    r"^goroutine \d+|^created by |^exit status \d+|^\[signal |^r\w\w +0x",  # Go
    r"^(?:\w+[./])*[\w.*()]+\([^)]*\)$",
    r"^note: (?:run with|[Ss]ome details)|^stack backtrace:",
    r"^(?:nodejs|node|python|bun|ruby) v?\d+(?:\.\d+)+$",  # what a shim offers
    r"^[~^| ]+$|^During handling of|^The above exception|ERR! A complete log",
)


def find_death(text: str) -> Death | None:
    """Why the program died whose last words `text` holds, or None if it says nothing like that."""
    lines = [line.strip()[:_MAX_LINE_CHARS] for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    sure = _any_of(_ALL_SURE).search
    told = [line for line in lines if sure(line)]
    for kind in _SURE if told else ():
        line = kind.found(told)
        if line:
            return Death(kind.failure_class, kind.code, line, is_sure=True)
    line = next(_crashes(lines), "")
    if not line:
        return None
    return Death(FailureClass.USAGE, CRASHED, line[:_MAX_LINE_CHARS], is_sure=False)


def by_exit(exit_code: int | None, signal: str) -> bool:
    """Whether a program that said nothing was ended by a fault of its own."""
    return signal in _CRASH_SIGNALS or exit_code in _CRASH_EXITS


def is_frame(line: str) -> bool:
    """Whether a line tells where something happened, not what."""
    return _any_of(_FRAMES).search(line.strip()[:_MAX_LINE_CHARS]) is not None


def without_stack(text: str) -> str:
    """`text` without the lines of a call stack: names of functions are no words of an error."""
    if not any(each in text for each in ("at ", "File ", ": 0x", "::", ".go:", "#", "... ")):
        return text
    lines = text.split("\n")
    return "\n".join(
        line for line in lines if not _any_of(_STACK).search(line[:_MAX_LINE_CHARS].strip())
    )


def _crashes(lines: Sequence[str]) -> Iterator[str]:
    for at, line in enumerate(lines):
        if _any_of(_PANIC).search(line):
            yield line
        elif _any_of(_RUST_PANIC).search(line):  # the message stands on a line of its own today
            more = lines[at + 1] if line.endswith(":") and at + 1 < len(lines) else ""
            yield f"{line} {more}".strip()
    begun = [at for at, line in enumerate(lines) if line.endswith(_TRACEBACK)]
    if begun:
        raised = [line for line in lines[begun[-1] :] if _any_of(_RAISED).search(line)]
        yield from (each.lstrip("|+ ") for each in raised[-1:])
    if any(_any_of(_NODE).search(line) for line in lines):
        yield from (line for line in lines if _any_of(_UNCAUGHT).search(line))


@functools.cache
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Compiled when it is needed: this package is imported at start-up."""
    return re.compile("|".join(patterns))
