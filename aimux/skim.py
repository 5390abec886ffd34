"""What a JSON text says at its top, found without reading it all.

For a text that is broken, too deep or too long.

Theory of operation. A skimmer goes over the bytes once, in pieces of any size, and knows how deep
it is, whether it is inside a string, and the key whose value comes next. Only what stands at the
top is looked at: the members of an object or of the objects of a batch, and where it is wanted the
members of their `params`. Everything deeper is a count of brackets. It never recurses and never
looks at a byte twice; what it keeps has a limit with a name. It is tolerant: what is no JSON is
passed over, so whoever needs to know that a text is valid parses it.

The standard library only: the shim uses it, too.
"""

import re
from collections.abc import Collection
from itertools import islice
from typing import Final

MAX_TOKEN_BYTES: Final = 4_096  # of a key or a value; a longer one is passed over
MAX_MESSAGES: Final = 4_096  # of a batch; the others are passed over
MAX_DEPTH: Final = 100_000  # below it the rest is not looked at
MAX_STEPS: Final = 200_000  # tokens at its top, and a quarter of those deeper: half a second
BLOCK_BYTES: Final = 16_384  # whose brackets are counted at once
WALKED_TOKENS: Final = 64  # one by one before blocks are counted
STRIDE_TOKENS: Final = 1_024  # one by one where a block may lead back to the top
REDUCED_TIMES: Final = 16  # pairs of brackets taken away inside out

# enough to answer a message: who asks, and whether it is a request or a response
ENVELOPE: Final = frozenset({"id", "method", "result", "error"})
_KINDS: Final = ENVELOPE - {"id"}

_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NEAR: Final = re.compile(_STRING + rb'|["{}\[\]:,]|[^\s"{}\[\]:,]++', re.DOTALL)
_FAR: Final = re.compile(_STRING + rb'|["{}\[\]]', re.DOTALL)
_WHOLE: Final = re.compile(_STRING, re.DOTALL)
_REST: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)  # of a string
_QUOTE, _COLON, _COMMA, _BACKSLASH = b'":,\\'
_OPENING, _CLOSING = frozenset(b"{["), frozenset(b"}]")
_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_OTHERS: Final = bytes(set(range(256)) - set(b"{}[]"))
_BROKEN: Final = b"!"  # makes any text invalid


class Skimmer:
    """Finds the members named in `wanted` (`id`, or `params.uri`) of the messages of one text.

    `messages` holds a value as it was written, and of an object or array its bracket.
    """

    __slots__ = (
        "_carry", "_depth", "_in_string", "_inner_key", "_is_value", "_key", "_limit", "_steps",
        "_wanted", "_with_params", "is_batch", "is_over", "messages",
    )  # fmt: skip

    def __init__(self, wanted: Collection[str] = ENVELOPE) -> None:
        self.messages: list[dict[str, bytes]] = []
        self.is_batch = False
        self.is_over = False  # nothing more is to be found
        self._wanted = wanted
        self._with_params = any(name.startswith("params.") for name in wanted)
        self._steps = 0
        self._depth = 0
        self._limit = 1  # the depth of the members of messages
        self._in_string = False  # in one that does not matter
        self._is_value = False  # what comes next is the value of the key
        self._key = self._inner_key = ""
        self._carry = b""  # a token whose end has not come

    def __repr__(self) -> str:
        doing = "over" if self.is_over else f"{self._depth} deep"
        return f"<Skimmer: {doing}, {len(self.messages)} messages>"

    def feed(self, data: bytes) -> None:
        """Go over the next piece."""
        if self.is_over:
            return
        if self._carry:
            data, self._carry = self._carry + data, b""
        at = self._end_string(data, 0) if self._in_string else 0
        while at < len(data) and not self.is_over:
            near = self._near_limit()
            at = self._near(data, at) if self._depth <= near else self._far(data, at, near)

    def _near_limit(self) -> int:
        """How deep a token still matters."""
        return self._limit + (self._with_params and self._key == "params")

    def _end_string(self, data: bytes, at: int) -> int:
        """Where the string ends whose inside begins at `at`; the end of the piece if not in it."""
        found = _REST.match(data, at)
        assert found is not None  # it may be empty
        end = found.end()
        self._in_string = end >= len(data) or data[end] != _QUOTE
        if self._in_string:
            self._carry = data[end:]  # nothing, or a backslash whose letter comes next
            return len(data)
        return end + 1

    def _far(self, data: bytes, at: int, near: int) -> int:
        """Count brackets until a token matters; returns where.

        What is short is walked through, what is long is counted in blocks.
        """
        at = self._walk(data, at, near, WALKED_TOKENS)
        while at < len(data) and self._depth > near and not self.is_over:
            self.is_over = self._depth > MAX_DEPTH
            block = data[at : at + BLOCK_BYTES]
            bare = _WHOLE.sub(b"", block)
            head, quote, cut = bare.partition(b'"')  # a string that goes on after the block
            length = len(block) - (len(cut) + 1 if quote else 0)
            brackets = head.translate(_SQUARE, _OTHERS)
            for _ in range(REDUCED_TIMES):
                size = len(brackets)
                brackets = brackets.replace(b"[]", b"")
                if len(brackets) == size:
                    break
            closing = brackets.count(b"]")
            if length and self._depth - closing > near:
                self._depth += len(brackets) - 2 * closing
                at += length
            else:
                at = self._walk(data, at, near, STRIDE_TOKENS if length else 1)
        return at

    def _walk(self, data: bytes, at: int, near: int, count: int) -> int:
        """Take so many tokens, but none that matters; returns where."""
        depth, left = self._depth, count
        end = len(data)
        for found in islice(_FAR.finditer(data, at), count):
            begin, end = found.span()
            char = data[begin]
            if char in _OPENING:
                depth += 1
            elif char in _CLOSING:
                depth -= 1
                if depth <= near:
                    break
            elif end - begin == 1:  # a string that goes on in the next piece
                end = self._end_string(data, begin + 1)
                break
            left -= 1
        else:
            end = end if left == 0 else len(data)
        self._depth = depth
        self._count_steps(1 + (count - left) // 4)
        return end

    def _count_steps(self, count: int) -> None:
        self._steps += count
        self.is_over |= self._steps > MAX_STEPS

    def _near(self, data: bytes, at: int) -> int:
        """Take note of tokens until they do not matter; returns where."""
        for found in _NEAR.finditer(data, at):
            token = found[0]
            char = token[0]
            self._count_steps(1)
            if char == _COLON:
                self._is_value = True
            elif char == _COMMA:
                self._is_value = False
                if self._depth == self._limit:
                    self._key = ""
            elif char in _OPENING:
                self._open(token)
                return found.end()
            elif char in _CLOSING:
                self._is_value = False
                self._depth -= 1
                self.is_over = self._depth <= 0
                return found.end()
            elif token == b'"' or (char != _QUOTE and found.end() == len(data)):
                return self._break(data, found.start())
            else:
                self._take(token)
            if self.is_over:
                break
        return len(data)

    def _break(self, data: bytes, begin: int) -> int:
        """A token that may go on in the next piece: it is waited for unless it is too long."""
        if self._depth == 0:  # neither an object nor an array
            self.is_over = True
            return len(data)
        if len(data) - begin <= MAX_TOKEN_BYTES:
            self._carry = data[begin:]
            return len(data)
        is_string = data[begin] == _QUOTE
        self._take(b"")
        return self._end_string(data, begin + 1) if is_string else len(data)

    def _open(self, bracket: bytes) -> None:
        if self._is_value:
            self._take(bracket)
        self._depth += 1
        if self._depth == 1:
            self.is_batch = bracket == b"["
            self._limit = 1 + self.is_batch
        if self._depth == self._limit:
            self._key = ""
            if len(self.messages) < MAX_MESSAGES:
                self.messages.append({})
            else:
                self.is_over = True
        elif self._depth > self._limit:
            self._inner_key = ""

    def _take(self, token: bytes) -> None:
        """A key, a value, or (empty) one that is too long."""
        if self._depth == 0:  # neither an object nor an array
            self.is_over = True
        elif not self._is_value:
            name = _text_of(token)
            if self._depth > self._limit:
                self._inner_key = name
            else:
                self._key = name
        else:
            self._is_value = False
            is_inner = self._depth > self._limit
            name = f"{self._key}.{self._inner_key}" if is_inner else self._key
            if name in self._wanted and 0 < len(token) <= MAX_TOKEN_BYTES and self.messages:
                self.messages[-1][name] = token
                self._settle()

    def _settle(self) -> None:
        """What stands in no batch and is only to be answered is known as soon as it can be."""
        known = self.messages[-1]
        if self._wanted is ENVELOPE and not self.is_batch and "id" in known:
            self.is_over = not _KINDS.isdisjoint(known)

    def stub(self) -> bytes:
        """A short text that is not valid, after which a skimmer is where this one is.

        The rest of a long text may follow it.
        """
        if not self._depth and not self.messages:
            return self._carry
        texts = [b",".join([b'"%s":%s' % (name.encode(), _shown(value))
                            for name, value in each.items() if "." not in name])
                 for each in self.messages]  # fmt: skip
        text = b"[" * self.is_batch + _BROKEN.join([b"{%s}" % each for each in texts])
        if self.messages and self._depth >= self._limit:
            text = text[:-1] + b"," * bool(texts[-1])  # the last one is open
        text += _BROKEN
        if self._depth == self._limit and (self._key or self._is_value):
            key = self._key if self._key in self._wanted else ""
            text += b'"%s"' % key.encode() + b":" * self._is_value
        text += b"[" * (self._depth - self._limit)
        return text + b'"' * self._in_string + self._carry


def skim(data: bytes, wanted: Collection[str] = ENVELOPE) -> Skimmer:
    """What a whole text says at its top."""
    found = Skimmer(wanted)
    found.feed(data)
    return found


def _shown(value: bytes) -> bytes:
    return {b"{": b"{}", b"[": b"[]"}.get(value, value)


def _text_of(token: bytes) -> str:
    """A key without its quotes; nothing, if it is not one."""
    if token[:1] != b'"':
        return ""
    if b"\\" not in token:
        return token[1:-1].decode(errors="replace")
    import json  # rarely needed, and not on the path to the first answer

    try:
        return str(json.loads(token))
    except ValueError:
        return ""
