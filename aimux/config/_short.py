"""The short form of a profile, as users of this kind of tool write it, put into the full shape.

A short profile for a CLI we ship is laid over the shipped one: what it leaves out (dialect, modes,
resume) stays as measured, and flags that would contradict it are left out and reported.
"""

import itertools
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from aimux.model import Profile

from ._shape import Tree, field_names, nearest

KEYS: Final = frozenset({
    "prompt_flag", "prompt_flag_type", "output_format", "stdin_threshold", "headless_flags",
    "read_only_flags", "model_flag", "default_model", "reasoning", "timeout_seconds", "features",
})  # fmt: skip
FEATURES: Final = frozenset({
    "streaming", "headless", "read_only", "session_resume", "json", "jsonl", "stdin_pipe",
})  # fmt: skip
_INSIDE: Final = {
    "command": frozenset({"base", "args_template"}),
    "reasoning": frozenset({"flag", "flag_value_template", "levels"}),
    "features": FEATURES,
}
_DIRECT: Final = {  # short key -> path in the full shape
    "prompt_flag": "prompt.flag",
    "stdin_threshold": "prompt.stdin_threshold",
    "output_format": "output.format",
    "model_flag": "model.flag",
    "default_model": "model.default",
    "timeout_seconds": "timeout_s",
}
_LEVEL_WORDS: Final = ("%s", "{{.Level}}", "{{ .Level }}")

Note = Callable[[str, str, str], None]  # short key, message, suggestion


@attrs.frozen(kw_only=True)
class Translated:
    """The full shape of a short profile. `moved` says from which short key a path came."""

    tree: Tree
    moved: Mapping[str, str]


def is_short(raw: Mapping[str, object]) -> bool:
    """Whether a profile file is written in the short form."""
    if "schema_version" in raw:
        return False
    return bool(KEYS & raw.keys()) or isinstance(raw.get("command"), Mapping)


def translate(raw: Mapping[str, object], base: Tree | None, warn: Note, refuse: Note) -> Translated:
    """The full shape of `raw`, to be laid over `base` where there is one."""
    short = _Short(raw, base or {}, warn, refuse)
    short.run(is_new=base is None)
    return Translated(tree=short.tree, moved=short.moved)


class _Short:
    def __init__(self, raw: Mapping[str, object], base: Tree, warn: Note, refuse: Note) -> None:
        self.raw = raw
        self.base = base
        self.warn = warn
        self.refuse = refuse
        self.tree: Tree = {}
        self.moved: dict[str, str] = {}

    def run(self, *, is_new: bool) -> None:
        for key, value in self.raw.items():
            if key in _DIRECT:
                self.put(_DIRECT[key], value, key)
            elif key not in KEYS and not (key == "command" and isinstance(value, Mapping)):
                self._shared(key, value)
        for key, known in _INSIDE.items():
            part = self.raw.get(key)
            for word in part if isinstance(part, Mapping) else ():
                if word not in known:
                    self.refuse(f"{key}.{word}", f"unknown key {word}", nearest(word, known))
        self._command()
        self._effort()
        if is_new:
            self._new()
        else:
            self._over()

    def put(self, path: str, value: object, key: str) -> None:
        *above, last = path.split(".")
        node = self.tree
        for word in above:
            under = node.setdefault(word, {})
            assert isinstance(under, dict)
            node = under
        node[last] = value
        self.moved[path] = key

    def _shared(self, key: str, value: object) -> None:
        """A key that both forms have."""
        known = {*KEYS, *field_names(Profile)}
        if key in known:
            self.put(key, value, key)
        else:
            self.refuse(key, f"unknown key {key}", nearest(key, known))

    def _command(self) -> None:
        command = self.raw.get("command")
        if not isinstance(command, Mapping):
            return
        if "args_template" in command:
            self.warn("command.args_template", "args_template has no effect", "flags")
        words = command.get("base")
        if words is None:
            return
        if not isinstance(words, str):
            self.put("command", words, "command.base")
            return
        try:
            split = shlex.split(words)
        except ValueError as error:
            self.refuse("command.base", f"{words!r} cannot be split: {error}", "")
            return
        retired = _words(self.base, "retired")
        kept = [each for at, each in enumerate(split) if not (at and each in retired)]
        for each in split[1:]:
            if each in retired:
                self.warn("command.base", f"{each} no longer exists: {retired[each]}", "")
        self.put("command", [*kept[:1], *self._words_of(kept[1:])], "command.base")

    def _words_of(self, words: Sequence[str]) -> Iterator[str]:
        """A command's words without the flags that every run of the shipped profile has by itself:
        CLIs refuse one that comes twice.
        """
        fixed, of_modes = self._fixed(), self._of_modes()
        values = self._values()
        is_value = False
        for at, word in enumerate(words):
            name = word.partition("=")[0]
            if is_value:
                is_value = False
                continue
            if not word.startswith("-") or name not in {*fixed, *of_modes}:
                yield word
                continue
            after = words[at + 1] if at + 1 < len(words) else "-"
            is_value = "=" not in word and not after.startswith("-") and self._takes(name, after)
            given = word.partition("=")[2] or (after if is_value else "")
            if name in of_modes:
                self.warn("command.base", f"{name} is left out: the mode of a call sets it", "")
            elif given and given not in values.get(name, ()):
                self.warn("command.base", f"{name} is left out: the shipped flags have it", "")

    def _takes(self, flag: str, value: str) -> bool:
        """Whether `value` belongs to a flag of the shipped profile, or to one that excludes it."""
        values = self._values()
        groups = [_list(each) for each in _list(self.base.get("exclusive"))]
        mates = {each for group in groups if flag in group for each in group}
        return flag in values or any(value in values.get(str(mate), ()) for mate in mates)

    def _values(self) -> Mapping[str, set[str]]:
        """The flags of the shipped profile that take a value, and which it gives them."""
        found: dict[str, set[str]] = {}
        for tokens in self._shipped_lists():
            for flag, value in itertools.pairwise(map(str, tokens)):
                if flag.startswith("-") and not value.startswith("-"):
                    found.setdefault(flag, set()).add(value)
        return found

    def _shipped_lists(self) -> Iterator[Sequence[object]]:
        yield _list(self.base.get("flags"))
        yield _list(_words(self.base, "output").get("flags"))
        for mode in _words(self.base, "modes").values():
            if isinstance(mode, Mapping):
                yield _list(mode.get("flags"))

    def _fixed(self) -> Sequence[object]:
        """The flags of every run."""
        output = _list(_words(self.base, "output").get("flags"))
        return [*_list(self.base.get("flags")), *output]

    def _of_modes(self) -> set[object]:
        """What the modes set, and what excludes that; flags of every run are not among them."""
        modes = [each for each in _words(self.base, "modes").values() if isinstance(each, Mapping)]
        groups = [_list(each) for each in _list(self.base.get("exclusive"))]
        tokens = [token for mode in modes for token in _list(mode.get("flags"))]
        return {*tokens, *itertools.chain.from_iterable(groups)} - set(self._fixed())

    def _effort(self) -> None:
        part = self.raw.get("reasoning")
        if not isinstance(part, Mapping):
            if part is not None:
                self.put("effort", part, "reasoning")
            return
        flag = part.get("flag")
        retired = _words(self.base, "retired")
        if isinstance(flag, str) and flag in retired:
            self.warn("reasoning.flag", f"{flag} no longer exists: {retired[flag]}", "")
        elif flag is not None:
            self.put("effort.flag", flag, "reasoning.flag")
        template = part.get("flag_value_template")
        if isinstance(template, str):
            for word in _LEVEL_WORDS:
                template = template.replace(word, "{level}")
        if template is not None:
            self.put("effort.template", template, "reasoning.flag_value_template")
        levels = part.get("levels")
        if isinstance(levels, Sequence) and not isinstance(levels, str):
            levels = {str(each): str(each) for each in levels}
        if levels is not None:
            self.put("effort.levels", levels, "reasoning.levels")

    def _new(self) -> None:
        """A CLI we know nothing else about."""
        features = _words(self.raw, "features")
        threshold = self.raw.get("stdin_threshold")
        if features.get("stdin_pipe") is True or (isinstance(threshold, int) and threshold > 0):
            self.put("prompt.ways", ["argument", "stdin"], "stdin_threshold")
        flags = self.raw.get("headless_flags")
        if flags is not None and features.get("headless") is not False:
            self.put("flags", flags, "headless_flags")
        read_only = self.raw.get("read_only_flags")
        if read_only:
            # its own word for it: nobody has measured whether its shell obeys
            self.put("modes.read", {"flags": read_only, "strength": "soft"}, "read_only_flags")
        if features.get("streaming") is False:
            self.put("silence.streams", value=False, key="features.streaming")
        format_ = self.raw.get("output_format")
        if isinstance(format_, str) and "output" not in self.raw:
            self.put("output.dialect", "text", "output_format")
            if format_ in {"json", "jsonl"}:
                self.warn("output_format", "without output.fields the JSON is given as it is", "")

    def _over(self) -> None:
        """A CLI we ship."""
        kind, flag = self.raw.get("prompt_flag_type"), self.raw.get("prompt_flag")
        own = _words(self.base, "prompt")
        if not flag:
            self._drop("prompt", "flag")
            if kind == "positional" and own.get("flag"):
                self.warn("prompt_flag_type", "the prompt stays behind " + str(own["flag"]), "")
        elif flag != own.get("flag"):
            self.warn("prompt_flag", f"{flag} is not how this version takes a prompt", "")
            self._drop("prompt", "flag")
        if self.raw.get("output_format") not in {None, _words(self.base, "output").get("format")}:
            self.warn("output_format", "the shipped output flags and their reader stay", "")
        self._drop("output", "format")
        flags = self.raw.get("headless_flags")
        if isinstance(flags, list):
            kept = [token for group in self._kept(flags) for token in group]
            if kept:
                self.put("flags", [*_list(self.base.get("flags")), *kept], "headless_flags")
        elif flags is not None:
            self.put("flags", flags, "headless_flags")
        read_only = self.raw.get("read_only_flags")
        if read_only and isinstance(read_only, list):
            read = _words(_words(self.base, "modes"), "read")
            if list(_list(read.get("flags"))) != read_only and not self._is_alias(read_only):
                self.put("modes.read.flags", read_only, "read_only_flags")
                self.put("modes.read.strength", "soft", "read_only_flags")
                self.warn("read_only_flags", "not the measured ones: taken as a soft read mode", "")

    def _drop(self, section: str, key: str) -> None:
        part = self.tree.get(section)
        if isinstance(part, dict):
            part.pop(key, None)

    def _is_alias(self, read_only: Sequence[object]) -> bool:
        """Whether the flags say the same as the shipped read mode in its long or short spelling."""
        ours = list(_list(_words(_words(self.base, "modes"), "read").get("flags")))
        if len(ours) != len(read_only) or not ours or ours[1:] != list(read_only[1:]):
            return False
        groups = [_list(each) for each in _list(self.base.get("exclusive"))]
        return any({ours[0], read_only[0]} <= set(group) for group in groups)

    def _kept(self, flags: Sequence[object]) -> Iterator[Sequence[object]]:
        retired = _words(self.base, "retired")
        output = _list(_words(self.base, "output").get("flags"))
        fixed, of_modes = self._fixed(), self._of_modes()
        for group in _groups(flags):
            flag = group[0]
            if flag in retired:
                message = f"{flag} no longer exists: {retired[str(flag)]}"
                self.warn("headless_flags", message, "")
            elif _holds(fixed, group):
                continue
            elif flag in output:
                self.warn("headless_flags", f"{flag} is left out: the output flags are shipped", "")
            elif flag in of_modes:
                self.warn("headless_flags", f"{flag} is left out: the mode of a call sets it", "")
            else:
                yield group


def _groups(tokens: Sequence[object]) -> Iterator[list[object]]:
    """Each flag with the values behind it."""
    group: list[object] = []
    for token in tokens:
        if group and str(token).startswith("-"):
            yield group
            group = []
        group.append(token)
    if group:
        yield group


def _holds(tokens: Sequence[object], group: Sequence[object]) -> bool:
    size = len(group)
    return any(list(tokens[at : at + size]) == list(group) for at in range(len(tokens)))


def _words(tree: Mapping[str, object], key: str) -> Mapping[str, object]:
    part = tree.get(key)
    return part if isinstance(part, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
