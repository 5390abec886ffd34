"""Values are remembered by use, and for as long as their files stand."""

import os
import pathlib

import pytest

from aimux.files.cache import Dependencies, FileCache, Lru, facts_of


def test_what_was_used_longest_ago_goes() -> None:
    """Looking at a value uses it; putting one again does too."""
    kept = Lru[str, int](2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert [key for key in "abc" if key in kept] == ["a", "c"]
    kept.put("a", 4)
    kept.put("d", 5)

    assert [kept.get(key) for key in "abcd"] == [4, None, None, 5]
    assert repr(kept) == "<Lru: 2 of 2 kept>"


def test_facts_tell_states_apart(tmp_path: pathlib.Path) -> None:
    """A new text, a new time or a new file in its place; a directory has facts too."""
    path = tmp_path / "a"
    assert facts_of(path) is None
    path.write_text("1", encoding="utf-8")
    seen = [facts_of(path)]
    path.write_text("12", encoding="utf-8")
    seen.append(facts_of(path))
    os.utime(path, ns=(1, 1))
    seen.append(facts_of(path))
    fresh = tmp_path / "b"
    fresh.write_text("12", encoding="utf-8")
    os.utime(fresh, ns=(1, 1))
    fresh.replace(path)
    seen.append(facts_of(path))

    assert None not in seen
    assert len(set(seen)) == 4
    assert facts_of(path, is_regular=True) == facts_of(path)
    assert facts_of(tmp_path) is not None
    assert facts_of(tmp_path, is_regular=True) is None


@pytest.mark.parametrize("change", ["text", "gone", "another value"])
def test_a_value_is_made_again_when_a_file_changed(tmp_path: pathlib.Path, change: str) -> None:
    """Also one it depends on through another value; what follows the old one may be decided."""
    cache, path, made = FileCache(4), tmp_path / "a", list[str]()
    path.write_text("1", encoding="utf-8")

    def inner(own: Dependencies) -> str:
        return path.read_text(encoding="utf-8") if own.note(path) else "nothing"

    def outer(own: Dependencies) -> str:
        made.append(cache.get("inner", inner, own))
        return made[-1]

    def load() -> str:
        return cache.get("outer", outer, succeed=lambda old, new: f"{old} then {new}")

    assert [load(), load()] == ["1", "1"]
    assert made == ["1"]
    if change == "text":
        path.write_text("23", encoding="utf-8")
        assert load() == "1 then 23"
    elif change == "gone":
        path.unlink()
        assert load() == "1 then nothing"
    else:
        assert cache.get("other", outer) == "1"
        assert load() == "1"

    assert repr(cache).startswith("<FileCache: ")


def test_a_change_during_the_reading_is_noticed(tmp_path: pathlib.Path) -> None:
    """The state is that from before the reading."""
    cache, path, made = FileCache(1), tmp_path / "a", list[int]()

    def make(own: Dependencies) -> int:
        own.note(path)
        path.write_text("x" * len(made), encoding="utf-8")  # somebody writes meanwhile
        own.note(path)
        made.append(1)
        return len(made)

    path.write_text("long before", encoding="utf-8")

    assert [cache.get("a", make), cache.get("a", make)] == [1, 2]


def test_a_listing_depends_on_the_directory_and_what_is_in_it(tmp_path: pathlib.Path) -> None:
    """What is not there yet is noted too."""
    own = Dependencies()
    (tmp_path / "b").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "profile.yaml").touch()
    (tmp_path / "x.md").touch()
    (tmp_path / "x.py").touch()

    assert list(own.files_in(tmp_path, "profile.yaml")) == [tmp_path / "a" / "profile.yaml"]
    assert list(own.texts_in(tmp_path)) == [tmp_path / "x.md"]
    assert list(own.texts_in(tmp_path / "none")) == []
    assert own.states[tmp_path / "b" / "profile.yaml"] is None
    assert own.states.keys() >= {tmp_path, tmp_path / "a", tmp_path / "b", tmp_path / "x.md"}
