"""Conversation memory on disk: one JSON file per session, in the real CLI's data directory."""

from __future__ import annotations

import json
import os
import time


def home() -> str:
    """The user's home as the real CLIs see it."""
    return os.environ.get("HOME") or os.environ.get("USERPROFILE") or os.path.expanduser("~")


def new_uuid() -> str:
    """A random UUID (version 4 layout)."""
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_uuid7() -> str:
    """A UUID that begins with the time (version 7 layout)."""
    text = f"{time.time_ns() // 1_000_000:012x}"
    tail = new_uuid()[15:]
    return f"{text[:8]}-{text[8:12]}-7{tail}"


def is_uuid(text: str) -> bool:
    """Whether the text has the shape of a UUID."""
    parts = text.split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12] and all(
        char in "0123456789abcdefABCDEF" for char in "".join(parts)
    )


def slug(path: str) -> str:
    """A directory name for a path, as claude and others build it."""
    return "".join(char if char.isalnum() else "-" for char in path)


class Session:
    """The user prompts of one conversation and what it has used so far."""

    def __init__(self, folder: str, ident: str) -> None:
        self.folder = folder
        self.ident = ident
        self.cwd = os.getcwd()
        self.title = ""
        self.prompts: list[str] = []
        self.answers: list[str] = []
        self.usage = [0, 0]
        self.updated = 0.0

    @property
    def path(self) -> str:
        """Where it is kept."""
        return os.path.join(self.folder, f"{self.ident}.json")

    def begin(self, prompt: str) -> list[str]:
        """Keep the prompt and return the earlier ones."""
        earlier = list(self.prompts)
        self.prompts.append(prompt)
        self.title = self.title or " ".join(prompt.split())[:80]
        self.save()
        return earlier

    def finish(self, answer: str, usage: tuple[int, int]) -> None:
        """Keep the answer and add up the usage."""
        self.answers.append(answer)
        self.usage = [self.usage[0] + usage[0], self.usage[1] + usage[1]]
        self.save()

    def save(self) -> None:
        """Write it whole, or not at all."""
        os.makedirs(self.folder, exist_ok=True)
        self.updated = time.time()
        kept = {
            "id": self.ident,
            "cwd": self.cwd,
            "title": self.title,
            "prompts": self.prompts,
            "answers": self.answers,
            "usage": self.usage,
            "updated": self.updated,
        }
        scratch = f"{self.path}.{os.getpid()}"
        with open(scratch, "w", encoding="utf-8", errors="surrogatepass") as file:
            json.dump(kept, file)
        os.replace(scratch, self.path)

    def fork(self, ident: str) -> Session:
        """A new session with this one's memory."""
        other = Session(self.folder, ident)
        other.prompts = list(self.prompts)
        other.answers = list(self.answers)
        other.title = self.title
        return other


def load(folder: str, ident: str) -> Session | None:
    """The session with this id, if it is kept there."""
    if not ident or "/" in ident or "\\" in ident:
        return None
    session = Session(folder, ident)
    try:
        with open(session.path, encoding="utf-8", errors="surrogatepass") as file:
            kept = json.load(file)
    except (OSError, ValueError):
        return None
    session.cwd = kept["cwd"]
    session.title = kept["title"]
    session.prompts = kept["prompts"]
    session.answers = kept["answers"]
    session.usage = kept["usage"]
    session.updated = kept["updated"]
    return session


def all_in(folder: str, cwd: str | None = None) -> list[Session]:
    """All sessions kept in a folder, oldest first; of one working directory when given."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = [load(folder, name[:-5]) for name in names if name.endswith(".json")]
    kept = [one for one in found if one is not None and (cwd is None or one.cwd == cwd)]
    return sorted(kept, key=lambda one: one.updated)


def latest(folder: str, cwd: str | None = None) -> Session | None:
    """The session used last."""
    kept = all_in(folder, cwd)
    return kept[-1] if kept else None
