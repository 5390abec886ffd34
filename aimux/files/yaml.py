"""YAML files as plain values with line numbers, parsed once and remembered by file facts.

A file is told by modification time, size and inode: while they stand, a read costs one `stat` in
this process, and one small JSON file in the next one. The YAML library is imported only to parse.
What is read is safe: no tags, no dates, no objects, no repeated keys, bounded size and depth. The
bounds hold before and while it is parsed, which costs a second for 64 KiB.

A file that somebody else named may be anything: a pipe, a device, a link to what is not theirs.
Only regular files are opened, and with `within` only those that lie in that directory.
"""

import contextlib
import functools
import hashlib
import math
import os
import pathlib
import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs
import orjson

from aimux import __version__
from aimux.errors import ConfigInvalid
from aimux.files.cache import Facts, Lru, facts_of
from aimux.files.private import make_private
from aimux.files.reading import TooLarge, is_within, lacking, read_regular

if TYPE_CHECKING:
    from ruamel.yaml import YAML
    from ruamel.yaml.composer import Composer
    from ruamel.yaml.scanner import Scanner

MAX_BYTES: Final = 1_048_576  # of one text with front matter
MAX_YAML_BYTES: Final = 65_536  # of one file or front matter; the largest of ours has 12 KiB
MAX_NODES: Final = 10_000  # also after aliases are followed, so that they cannot multiply
MAX_DEPTH: Final = 40
MAX_KEY_CHARS: Final = 200  # each key is part of the path of all that stands below it
MAX_KEPT: Final = 1_024  # parsed files kept in memory: a few projects of every client
MAX_INT: Final = 2**63  # what JSON on disk holds

_SPENT: Final = "not read: with the files before it too much, or too much YAML"
_TOO_MANY: Final = "too many or too deeply nested values"


class YamlFault(ConfigInvalid):
    """A file cannot be read as YAML; `line` counts from 1, 0 where there is none."""

    def __init__(self, message: str, *, path: str, line: int = 0) -> None:
        where = f"{path}:{line}" if line else path
        super().__init__(f"{message} @ {where}", data={"problems": [f"{message} @ {where}"]})
        self.what = message
        self.path = path
        self.line = line


@attrs.frozen(kw_only=True)
class Document:
    """What a file says.

    `lines` maps dotted key paths to lines, `body` is what follows front matter and `body_line` the
    line it begins at, `yaml_bytes` the size of what was parsed.
    """

    path: str
    data: object = None
    lines: Mapping[str, int] = attrs.field(factory=dict)
    body: str = ""
    body_line: int = 1
    yaml_bytes: int = 0

    def line(self, path: str) -> int:
        """The line of a key, or of the nearest key above it; 0 where nothing is known."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path.rpartition(".")[0]
        return 0


@attrs.define
class Budget:
    """What files of one origin may still cost together: bytes to read, bytes of YAML to parse."""

    read_bytes: int
    yaml_bytes: int


class _BudgetFault(YamlFault):
    """It is the sum of files that is too much; this one may be fine at another time."""


class YamlReader:
    """Reads files through both caches. Without `cache_dir` only this process remembers.

    Threads may share one: a race costs a second parse, nothing else.
    """

    def __init__(self, cache_dir: pathlib.Path | None = None) -> None:
        self._cache_dir = cache_dir
        self._kept: Lru[tuple[str, bool], tuple[Facts, Document | YamlFault]] = Lru(MAX_KEPT)

    def __repr__(self) -> str:
        return f"<YamlReader: {len(self._kept)} files kept>"

    def read(
        self,
        path: pathlib.Path,
        *,
        has_front: bool = False,
        within: pathlib.Path | None = None,
        budget: Budget | None = None,
    ) -> Document:
        """The document; with `has_front` the YAML between `---` lines, and the text after it.

        It must lie in the directory `within`, and `budget` pays for it.

        Raises:
            YamlFault: it is missing, not UTF-8, too large, not YAML, or leads elsewhere.
        """
        if within is not None and not is_within(path, within):
            raise YamlFault(f"leads out of {within}, so it is not read", path=str(path))
        now = facts_of(path, is_regular=True)
        if now is None:
            raise YamlFault(lacking(path), path=str(path))
        if budget is not None and (now[1] > budget.read_bytes or not budget.yaml_bytes):
            raise _BudgetFault(_SPENT, path=str(path))
        parsed = min(now[1], MAX_YAML_BYTES)  # what a file with a fault has cost
        try:
            document = self._known((str(path), has_front), now, budget)
            parsed = document.yaml_bytes
        finally:
            if budget is not None:
                budget.read_bytes -= now[1]
                budget.yaml_bytes = max(0, budget.yaml_bytes - parsed)
        return document

    def _known(self, key: tuple[str, bool], now: Facts, budget: Budget | None) -> Document:
        kept = self._kept.get(key)
        if kept is not None and kept[0] == now:
            if isinstance(kept[1], YamlFault):
                raise YamlFault(kept[1].what, path=kept[1].path, line=kept[1].line)
            return kept[1]
        try:
            document = self._from_disk(key, now) or self._parse(key, now, budget)
        except _BudgetFault:
            raise
        except YamlFault as fault:
            self._kept.put(key, (now, fault))
            raise
        self._kept.put(key, (now, document))
        return document

    def _parse(self, key: tuple[str, bool], now: Facts, budget: Budget | None) -> Document:
        path, has_front = key
        limit = MAX_BYTES if has_front else MAX_YAML_BYTES
        try:
            data = read_regular(pathlib.Path(path), limit)
            text = data.decode("utf-8-sig")
        except TooLarge as error:
            raise YamlFault(f"{now[1]} bytes, the limit is {limit}", path=path) from error
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise YamlFault(f"cannot be read: {why}", path=path) from error
        document = parse(text, path=path, has_front=has_front, budget=budget)
        self._to_disk(key, now, document)
        return document

    def _cache_path(self, key: tuple[str, bool]) -> pathlib.Path | None:
        if self._cache_dir is None:
            return None
        name = hashlib.sha256(os.fsencode(f"{key[0]}\0{key[1]}")).hexdigest()[:32]
        return self._cache_dir / f"{name}.json"

    def _from_disk(self, key: tuple[str, bool], now: Facts) -> Document | None:
        cached = self._cache_path(key)
        if cached is None:
            return None
        try:
            kept = orjson.loads(cached.read_bytes())
            if kept["head"] != [__version__, *key, *now]:
                return None
            return Document(
                path=key[0],
                data=kept["data"],
                lines=kept["lines"],
                body=kept["body"],
                body_line=kept["body_line"],
                yaml_bytes=kept["yaml_bytes"],
            )
        except (OSError, ValueError, LookupError, TypeError):
            return None  # missing, torn or foreign: the file itself is the truth

    def _to_disk(self, key: tuple[str, bool], now: Facts, document: Document) -> None:
        cached = self._cache_path(key)
        if cached is None:
            return
        # a cache that is read-only, or a path that is not UTF-8, costs time and nothing else
        with contextlib.suppress(OSError, TypeError):
            packed = orjson.dumps(
                {
                    "head": [__version__, *key, *now],
                    "data": document.data,
                    "lines": document.lines,
                    "body": document.body,
                    "body_line": document.body_line,
                    "yaml_bytes": document.yaml_bytes,
                }
            )
            make_private(cached.parent)
            # 0600: it may hold a token
            handle, name = tempfile.mkstemp(dir=cached.parent, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(packed)
                pathlib.Path(name).replace(cached)
            except OSError:
                pathlib.Path(name).unlink(missing_ok=True)
                raise


def parse(
    text: str, *, path: str, has_front: bool = False, budget: Budget | None = None
) -> Document:
    """The document in a text that was read from `path`.

    Raises:
        YamlFault: it is not YAML, uses what a settings file has no use for, or is too much.
    """
    body, body_line = "", 1
    skipped = 0
    if has_front:
        lines = text.splitlines(keepends=True)
        if not lines or lines[0].rstrip() != "---":
            return Document(path=path, body=text)
        end = next((at for at, each in enumerate(lines[1:], 1) if each.rstrip() == "---"), 0)
        if not end:
            raise YamlFault("front matter is not closed by ---", path=path, line=1)
        text, body, skipped = "".join(lines[1:end]), "".join(lines[end + 1 :]), 1
        body_line = end + 2
    size = len(text.encode(errors="replace"))
    if size > MAX_YAML_BYTES:
        raise YamlFault(f"{size} bytes of YAML, the limit is {MAX_YAML_BYTES}", path=path, line=1)
    if budget is not None and size > budget.yaml_bytes:
        raise _BudgetFault(_SPENT, path=path)
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # 50 ms: only where a file is new

    try:
        root = _loader().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 + skipped if mark is not None else 0
        raise YamlFault(error.problem or "not YAML", path=path, line=line) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise YamlFault(f"not YAML: {str(error)[:200]}", path=path) from error
    walk = _Walk(path, skipped)
    data = walk.value(root, "", 0) if root is not None else None
    return Document(
        path=path, data=data, lines=walk.lines, body=body, body_line=body_line, yaml_bytes=size
    )


def _loader() -> "YAML":
    """A safe loader that gives up while it parses, not when it has parsed all."""
    from ruamel.yaml import YAML

    loader = YAML(typ="safe", pure=True)
    loader.Composer, loader.Scanner = _bounded()
    return loader


@functools.cache
def _bounded() -> "tuple[type[Composer], type[Scanner]]":
    from ruamel.yaml.composer import Composer, ComposerError
    from ruamel.yaml.scanner import Scanner, ScannerError

    class BoundedComposer(Composer):
        """Counts what it makes."""

        def __init__(self, loader: object = None) -> None:
            super().__init__(loader=loader)
            self.warn_double_anchors = False
            self._made = self._above = 0

        def compose_node(self, parent: object, index: object) -> object:
            self._made += 1
            self._above += 1
            if self._made > MAX_NODES or self._above > MAX_DEPTH + 1:
                mark = self.parser.peek_event().start_mark
                raise ComposerError(problem=_TOO_MANY, problem_mark=mark)
            node = super().compose_node(parent, index)
            self._above -= 1
            return node

    class BoundedScanner(Scanner):
        """Looks ahead a thousand characters, and at each for every bracket that is open."""

        def fetch_flow_collection_start(self, *args: object, **more: object) -> None:
            if len(self.flow_context) >= MAX_DEPTH:
                raise ScannerError(problem=_TOO_MANY, problem_mark=self.reader.get_mark())
            super().fetch_flow_collection_start(*args, **more)  # type: ignore[arg-type]  # passed on

    return BoundedComposer, BoundedScanner


class _Walk:
    """Plain values out of parsed nodes."""

    def __init__(self, path: str, skipped: int) -> None:
        self.path = path
        self.lines: dict[str, int] = {}
        self._skipped = skipped
        self._count = 0

    def value(self, node: object, at: str, depth: int) -> object:
        self._count += 1
        line = node.start_mark.line + 1 + self._skipped  # type: ignore[attr-defined]  # untyped library
        if at:
            self.lines.setdefault(at, line)
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            raise YamlFault(_TOO_MANY, path=self.path, line=line)
        tag, value = node.tag.rpartition(":")[2], node.value  # type: ignore[attr-defined]  # untyped library
        match tag:
            case "map":
                return self._map(value, at, depth)
            case "seq":
                return [
                    self.value(each, f"{at}.{number}" if at else str(number), depth + 1)
                    for number, each in enumerate(value)
                ]
            case "null":
                return None
            case "bool":
                return value.lower() == "true"
            case "int" | "float":
                return _number(tag, value)
            case "str" | "timestamp":  # a version like 2025-01-01 stays what it looks like
                return value
        raise YamlFault(f"tag {node.tag} is not allowed", path=self.path, line=line)  # type: ignore[attr-defined]  # untyped library

    def _map(self, pairs: list[tuple[object, object]], at: str, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        for key_node, value_node in pairs:
            key = key_node.value  # type: ignore[attr-defined]  # untyped library
            line = key_node.start_mark.line + 1 + self._skipped  # type: ignore[attr-defined]  # untyped library
            if not isinstance(key, str):
                raise YamlFault("a key must be a word", path=self.path, line=line)
            if len(key) > MAX_KEY_CHARS:
                raise YamlFault("a key is too long", path=self.path, line=line)
            if key in found:
                raise YamlFault(f"{key} is given twice", path=self.path, line=line)
            below = f"{at}.{key}" if at else key
            self.lines[below] = line
            found[key] = self.value(value_node, below, depth + 1)
        return found


def _number(tag: str, text: str) -> object:
    plain = text.replace("_", "")
    try:
        if tag == "int":
            number = int(plain, 0) if plain.lstrip("+-")[:2].lower() in {"0x", "0o"} else int(plain)
            return number if -MAX_INT <= number < MAX_INT else text
        real = float(plain)
    except ValueError:  # .inf and .nan: no setting means them, the type check will say so
        return text
    return real if math.isfinite(real) else text
