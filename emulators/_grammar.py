"""Strict command-line grammars as data, in the manner of the library each real CLI uses.

A grammar is a table of flags, a style (which library complains, and in which words) and the names
of subcommands. Parsing never guesses: what the real program refuses is refused with its code.
"""

from __future__ import annotations

import abc

SWITCH, VALUE, OPTIONAL, MANY = "switch", "value", "optional", "many"


class Refused(Exception):
    """The real program would stop here: exit code and what it prints."""

    def __init__(self, code: int, stderr: str, stdout: str = "") -> None:
        super().__init__(stderr)
        self.code = code
        self.stderr = stderr
        self.stdout = stdout


class Flag:
    """One flag: its spellings, how many words it takes, which values it accepts."""

    __slots__ = ("arity", "choices", "key", "label", "names", "repeat")

    def __init__(
        self,
        names: str,
        arity: str = VALUE,
        *,
        choices: tuple[str, ...] = (),
        repeat: bool = False,
        label: str = "",
    ) -> None:
        self.names = names.split()
        self.key = self.names[-1].lstrip("-").replace("-", "_")
        self.arity = arity
        self.choices = choices
        self.repeat = repeat or arity == MANY
        self.label = label or self.key.upper()


def switches(names: str) -> list[Flag]:
    """Flags without a value, one per comma: ``"-v --verbose, --json"``."""
    return [Flag(one, SWITCH) for one in names.split(",")]


def values(names: str, *, repeat: bool = False) -> list[Flag]:
    """Flags with one value each, one per comma."""
    return [Flag(one, VALUE, repeat=repeat) for one in names.split(",")]


class Parsed:
    """What the command line said."""

    __slots__ = ("command", "options", "rest", "separated", "words")

    def __init__(self) -> None:
        self.options: dict[str, object] = {}
        self.words: list[str] = []
        self.command = ""
        self.rest: list[str] = []
        self.separated = False

    def has(self, key: str) -> bool:
        """Whether the switch was given (and not as ``=false``)."""
        return bool(self.options.get(key))

    def text(self, key: str, default: str = "") -> str:
        """The flag's value, the last one when it was repeated."""
        value = self.options.get(key, default)
        if isinstance(value, list):
            value = value[-1] if value else default
        return str(value) if isinstance(value, str) else default

    def texts(self, key: str) -> list[str]:
        """All values of a repeated flag."""
        value = self.options.get(key, [])
        return [str(one) for one in value] if isinstance(value, list) else [str(value)]


class Style(abc.ABC):
    """How one argument library reads words and words its complaints."""

    dash_values = True  # a flag takes the next word even when it begins with a dash
    prefixes = False  # unambiguous beginnings of long flags are accepted
    code = 1

    def value_is_flag(self, word: str) -> bool:
        """Whether ``word`` cannot be the value of the flag before it."""
        return not self.dash_values and len(word) > 1 and word.startswith("-")

    @abc.abstractmethod
    def unknown(self, grammar: Grammar, word: str) -> Refused:
        """Complain about a flag that does not exist."""

    @abc.abstractmethod
    def missing(self, grammar: Grammar, flag: Flag, spelled: str) -> Refused:
        """Complain about a flag without its value."""

    @abc.abstractmethod
    def choice(self, grammar: Grammar, flag: Flag, spelled: str, value: str) -> Refused:
        """Complain about a value that is not among the choices."""

    @abc.abstractmethod
    def extra(self, grammar: Grammar, word: str) -> Refused | None:
        """Complain about one positional word too many, or let it pass."""


class Clap(Style):
    """Rust's clap: codex, goose."""

    dash_values = False
    code = 2

    def _text(self, grammar: Grammar, message: str, tip: str = "") -> Refused:
        usage = f"{grammar.usage}\n\n" if grammar.usage else ""
        return Refused(
            self.code, f"error: {message}\n\n{tip}{usage}For more information, try '--help'.\n"
        )

    def unknown(self, grammar: Grammar, word: str) -> Refused:
        tip = f"  tip: to pass '{word}' as a value, use '-- {word}'\n\n"
        if grammar.max_words == 0:
            tip = ""
        return self._text(grammar, f"unexpected argument '{word}' found", tip)

    def missing(self, grammar: Grammar, flag: Flag, spelled: str) -> Refused:
        text = f"a value is required for '{flag.names[-1]} <{flag.label}>' but none was supplied"
        return Refused(self.code, f"error: {text}\n\nFor more information, try '--help'.\n")

    def choice(self, grammar: Grammar, flag: Flag, spelled: str, value: str) -> Refused:
        return Refused(
            self.code,
            f"error: invalid value '{value}' for '{flag.names[-1]} <{flag.label}>'\n"
            f"  [possible values: {', '.join(flag.choices)}]\n\n"
            "For more information, try '--help'.\n",
        )

    def extra(self, grammar: Grammar, word: str) -> Refused | None:
        return self._text(grammar, f"unexpected argument '{word}' found")

    def repeated(self, grammar: Grammar, flag: Flag) -> Refused:
        """Complain about a single-valued flag given twice."""
        label = f" <{flag.label}>" if flag.arity == VALUE else ""
        text = f"the argument '{flag.names[-1]}{label}' cannot be used multiple times"
        return self._text(grammar, text)


class Commander(Style):
    """commander: claude, continue, droid."""

    def unknown(self, grammar: Grammar, word: str) -> Refused:
        return Refused(self.code, f"error: unknown option '{word}'\n")

    def _spell(self, flag: Flag) -> str:
        return f"{', '.join(flag.names)} <{flag.label.lower()}>"

    def missing(self, grammar: Grammar, flag: Flag, spelled: str) -> Refused:
        return Refused(self.code, f"error: option '{self._spell(flag)}' argument missing\n")

    def choice(self, grammar: Grammar, flag: Flag, spelled: str, value: str) -> Refused:
        return Refused(
            self.code,
            f"error: option '{self._spell(flag)}' argument '{value}' is invalid. "
            f"Allowed choices are {', '.join(flag.choices)}.\n",
        )

    def extra(self, grammar: Grammar, word: str) -> Refused | None:
        return None


class Yargs(Style):
    """yargs: gemini, qwen, opencode."""

    dash_values = False

    def _text(self, grammar: Grammar, message: str) -> Refused:
        return Refused(self.code, f"{message}\n{grammar.usage}\n")

    def unknown(self, grammar: Grammar, word: str) -> Refused:
        return self._text(grammar, f"Unknown argument: {word.lstrip('-').partition('=')[0]}")

    def missing(self, grammar: Grammar, flag: Flag, spelled: str) -> Refused:
        return self._text(grammar, f"Not enough arguments following: {spelled.lstrip('-')}")

    def choice(self, grammar: Grammar, flag: Flag, spelled: str, value: str) -> Refused:
        given = ", ".join(f'"{one}"' for one in flag.choices)
        name = flag.names[-1].lstrip("-")
        head = grammar.usage.partition("\n")[0]
        return Refused(
            self.code,
            f'Invalid values:\n  Argument: {name}, Given: "{value}", Choices: {given}\n{head}\n\n',
        )

    def extra(self, grammar: Grammar, word: str) -> Refused | None:
        return None


class Argparse(Style):
    """Python's argparse: aider."""

    dash_values = False
    prefixes = True
    code = 2

    def value_is_flag(self, word: str) -> bool:
        # argparse takes a dashed word with a space in it for a value
        return super().value_is_flag(word) and " " not in word

    def _text(self, grammar: Grammar, message: str) -> Refused:
        return Refused(self.code, f"{grammar.usage}\n{grammar.name}: error: {message}\n")

    def unknown(self, grammar: Grammar, word: str) -> Refused:
        return self._text(grammar, f"unrecognized arguments: {word}")

    def missing(self, grammar: Grammar, flag: Flag, spelled: str) -> Refused:
        return self._text(grammar, f"argument {'/'.join(flag.names)}: expected one argument")

    def choice(self, grammar: Grammar, flag: Flag, spelled: str, value: str) -> Refused:
        given = ", ".join(f"'{one}'" for one in flag.choices)
        text = f"argument {'/'.join(flag.names)}: invalid choice: '{value}' (choose from {given})"
        return self._text(grammar, text)

    def extra(self, grammar: Grammar, word: str) -> Refused | None:
        return None


class Click(Style):
    """Python's click: gptme."""

    code = 2

    def _text(self, grammar: Grammar, message: str) -> Refused:
        return Refused(
            self.code,
            f"{grammar.usage}\nTry '{grammar.name} --help' for help.\n\nError: {message}\n",
        )

    def unknown(self, grammar: Grammar, word: str) -> Refused:
        return self._text(grammar, f"No such option: {word.partition('=')[0]}")

    def missing(self, grammar: Grammar, flag: Flag, spelled: str) -> Refused:
        return self._text(grammar, f"Option '{spelled}' requires an argument.")

    def choice(self, grammar: Grammar, flag: Flag, spelled: str, value: str) -> Refused:
        given = ", ".join(f"'{one}'" for one in flag.choices)
        names = " / ".join(f"'{one}'" for one in flag.names)
        return self._text(grammar, f"Invalid value for {names}: '{value}' is not one of {given}.")

    def extra(self, grammar: Grammar, word: str) -> Refused | None:
        return None


class Cobra(Style):
    """Go's cobra: crush."""

    def unknown(self, grammar: Grammar, word: str) -> Refused:
        if word.startswith("--"):
            return Refused(self.code, f"Error: unknown flag: {word.partition('=')[0]}\n")
        return Refused(self.code, f"Error: unknown shorthand flag: '{word[1]}' in {word}\n")

    def missing(self, grammar: Grammar, flag: Flag, spelled: str) -> Refused:
        if spelled.startswith("--"):
            return Refused(self.code, f"Error: flag needs an argument: {spelled}\n")
        return Refused(self.code, f"Error: flag needs an argument: '{spelled[1]}' in {spelled}\n")

    def choice(self, grammar: Grammar, flag: Flag, spelled: str, value: str) -> Refused:
        return Refused(self.code, f'Error: invalid argument "{value}" for "{spelled}" flag\n')

    def extra(self, grammar: Grammar, word: str) -> Refused | None:
        return None


class Grammar:
    """A command's flags and subcommands under one style."""

    def __init__(
        self,
        name: str,
        style: Style,
        flags: list[Flag],
        *,
        usage: str = "",
        commands: tuple[str, ...] = (),
        max_words: int | None = None,
    ) -> None:
        self.name = name
        self.style = style
        self.usage = usage
        self.commands = commands
        self.max_words = max_words
        self.flags = {spelling: flag for flag in flags for spelling in flag.names}

    def parse(self, argv: list[str]) -> Parsed:
        """Read the words up to a subcommand or the end.

        Raises:
            Refused: the real program would not accept this command line.
        """
        parsed = Parsed()
        index = 0
        while index < len(argv):
            word = argv[index]
            index += 1
            if word == "--":
                parsed.separated = True
                parsed.rest = argv[index:]
                for one in parsed.rest:
                    self._word(parsed, one)
                break
            if len(word) > 1 and word.startswith("-"):
                index = self._flag(parsed, word, argv, index)
            elif not parsed.words and word in self.commands:
                parsed.command = word
                parsed.rest = argv[index:]
                break
            else:
                self._word(parsed, word)
        if parsed.has("help"):
            raise Refused(0, "", f"{self.usage or f'Usage: {self.name} [options]'}\n")
        return parsed

    def _word(self, parsed: Parsed, word: str) -> None:
        if self.max_words is not None and len(parsed.words) >= self.max_words:
            refused = self.style.extra(self, word)
            if refused is not None:
                raise refused
        parsed.words.append(word)

    def _find(self, name: str) -> Flag | None:
        flag = self.flags.get(name)
        if flag is None and isinstance(self.style, Yargs) and name.startswith("--"):
            kebab = "".join(f"-{char.lower()}" if char.isupper() else char for char in name)
            flag = self.flags.get(kebab)
        if flag is None and self.style.prefixes and name.startswith("--") and len(name) > 2:
            found = {id(one): one for text, one in self.flags.items() if text.startswith(name)}
            if len(found) == 1:
                flag = next(iter(found.values()))
        return flag

    def _knows(self, word: str) -> bool:
        return word == "--" or word.partition("=")[0] in self.flags or word[:2] in self.flags

    def _flag(self, parsed: Parsed, word: str, argv: list[str], index: int) -> int:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            flag = self._find(name)
            if flag is None and isinstance(self.style, Yargs) and name.startswith("--no-"):
                negated = self._find("--" + name[5:])
                if negated is not None and negated.arity == SWITCH:
                    parsed.options[negated.key] = False
                    return index
            if flag is None:
                raise self.style.unknown(self, word)
            return self._take(parsed, flag, name, value if equals else None, argv, index)
        return self._cluster(parsed, word, argv, index)

    def _cluster(self, parsed: Parsed, word: str, argv: list[str], index: int) -> int:
        for position in range(1, len(word)):
            spelled = "-" + word[position]
            flag = self.flags.get(spelled)
            if flag is None:
                raise self.style.unknown(self, spelled if position > 1 else word)
            if flag.arity == SWITCH:
                index = self._take(parsed, flag, spelled, None, argv, index, alone=False)
                continue
            joined = word[position + 1 :]
            value = joined.removeprefix("=") if joined else None
            return self._take(parsed, flag, spelled, value, argv, index)
        return index

    def _take(
        self,
        parsed: Parsed,
        flag: Flag,
        spelled: str,
        joined: str | None,
        argv: list[str],
        index: int,
        *,
        alone: bool = True,
    ) -> int:
        taken: list[str] = []
        if flag.arity == SWITCH:
            on = True
            if joined is not None:
                if not isinstance(self.style, (Yargs, Cobra)):
                    raise self.style.unknown(self, f"{spelled}={joined}")
                on = joined.lower() != "false"
            elif (
                alone
                and isinstance(self.style, Yargs)
                and argv[index : index + 1]
                in (
                    ["true"],
                    ["false"],
                )
            ):
                on = argv[index] == "true"
                index += 1
            if isinstance(self.style, Clap) and flag.key in parsed.options and not flag.repeat:
                raise self.style.repeated(self, flag)
            parsed.options[flag.key] = on
            return index
        if joined is not None:
            taken.append(joined)
        elif index < len(argv) and self._is_value(flag, argv[index]):
            taken.append(argv[index])
            index += 1
        elif flag.arity != OPTIONAL:
            after = argv[index] if index < len(argv) else ""
            if isinstance(self.style, Clap) and after.startswith("-") and not self._knows(after):
                raise self.style.unknown(self, after)
            raise self.style.missing(self, flag, spelled)
        while flag.arity == MANY and index < len(argv) and not argv[index].startswith("-"):
            taken.append(argv[index])
            index += 1
        for value in taken:
            if flag.choices and value not in flag.choices:
                raise self.style.choice(self, flag, spelled, value)
        self._store(parsed, flag, taken)
        return index

    def _is_value(self, flag: Flag, word: str) -> bool:
        if flag.arity == OPTIONAL and len(word) > 1 and word.startswith("-"):
            return False
        if word == "--" and not self.style.dash_values:
            return False
        return not self.style.value_is_flag(word)

    def _store(self, parsed: Parsed, flag: Flag, taken: list[str]) -> None:
        if flag.repeat:
            kept = parsed.options.setdefault(flag.key, [])
            if isinstance(kept, list):
                kept.extend(taken)
            return
        if flag.key in parsed.options and isinstance(self.style, Clap):
            raise self.style.repeated(self, flag)
        parsed.options[flag.key] = taken[0] if taken else True
