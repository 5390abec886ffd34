"""The laws of merging."""

from hypothesis import given, strategies as st

from aimux.config._merge import ListChange, merge, paths, without_nulls

KEYS = st.sampled_from(["a", "b", "c"])
LEAVES = st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2)


def trees(leaves: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """Maps of maps, two or three deep."""
    flat = st.dictionaries(KEYS, leaves, max_size=3)
    deep = st.dictionaries(KEYS, leaves | flat, max_size=3)
    return st.dictionaries(KEYS, leaves | deep, max_size=3)


PLAIN = trees(LEAVES)
NULLED = trees(LEAVES | st.none())


@given(NULLED)
def test_nothing_over_something_changes_nothing(tree: dict[str, object]) -> None:
    """On either side, and over itself."""
    assert merge(tree, {}) == tree
    assert merge({}, tree) == tree
    assert merge(tree, tree) == tree


def same_shape(one: object, other: object) -> bool:
    """Whether a key is a map on both sides or on neither."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(same_shape(one[key], other[key]) for key in one.keys() & other.keys())
    return isinstance(one, dict) == isinstance(other, dict)


@given(PLAIN, PLAIN, PLAIN)
def test_layers_may_be_merged_in_any_grouping(
    low: dict[str, object], middle: dict[str, object], high: dict[str, object]
) -> None:
    """Where sections are sections in every layer, as `check` makes sure."""
    if same_shape(low, middle) and same_shape(middle, high) and same_shape(low, high):
        assert merge(merge(low, middle), high) == merge(low, merge(middle, high))


def at(tree: object, path: str) -> object:
    """The value at a dotted path."""
    for word in path.split("."):
        assert isinstance(tree, dict)
        tree = tree[word]
    return tree


@given(NULLED, NULLED)
def test_whatever_the_higher_layer_says_holds(
    low: dict[str, object], high: dict[str, object]
) -> None:
    """Every leaf of it, nulls included; an empty map says nothing."""
    merged = merge(low, high)
    for path in paths(high):
        value = at(high, path)
        if value != {}:
            assert at(merged, path) == value


@given(NULLED, NULLED)
def test_keys_the_higher_layer_does_not_name_are_left_alone(
    low: dict[str, object], high: dict[str, object]
) -> None:
    """And nothing is invented."""
    merged = merge(low, high)

    assert {key: merged[key] for key in low.keys() - high.keys()} == {
        key: low[key] for key in low.keys() - high.keys()
    }
    assert merged.keys() == low.keys() | high.keys()


@given(NULLED, NULLED)
def test_merging_changes_neither_layer(low: dict[str, object], high: dict[str, object]) -> None:
    """Snapshots share them."""
    before = repr((low, high))
    merge(low, high)

    assert repr((low, high)) == before


@given(NULLED)
def test_no_null_is_left_and_nothing_else_is_lost(tree: dict[str, object]) -> None:
    """What takes effect has a value."""
    kept = without_nulls(tree)

    assert all(at(kept, path) is not None for path in paths(kept))
    assert {each for each in paths(kept) if at(kept, each) != {}} == {
        each for each in paths(tree) if at(tree, each) not in (None, {})
    }


NAMES = st.lists(st.sampled_from("abcd"), max_size=3, unique=True)
CHANGES = st.builds(lambda add, remove: ListChange(add=add, remove=remove), NAMES, NAMES)
LISTS = st.fixed_dictionaries({}, optional={"x": NAMES | CHANGES | st.none()})


@given(LISTS, LISTS, LISTS)
def test_layers_with_changed_lists_may_be_merged_in_any_grouping(
    low: dict[str, object], middle: dict[str, object], high: dict[str, object]
) -> None:
    """What a change is of may stand in any layer below it; a null between them resets that."""
    one = built(merge(merge(low, middle), high))
    other = built(merge(low, merge(middle, high)))
    if middle.get("x", ()) is not None or "x" not in low:
        assert one == other


def built(tree: dict[str, object]) -> list[object]:
    """The list in effect, where none is the default."""
    value = tree.get("x") or ()
    return value.applied(()) if isinstance(value, ListChange) else list(value)  # type: ignore[call-overload]


@given(NAMES, NAMES, NAMES)
def test_a_change_adds_at_the_end_and_once(low: list[str], add: list[str], rem: list[str]) -> None:
    """What it adds is there, what it removes only is not, and the order of the rest stays."""
    got = ListChange(add=add, remove=rem).applied(low)

    assert got[len(got) - len(add) :] == add
    assert not (set(rem) - set(add)) & set(got)
    assert got[: len(got) - len(add)] == [x for x in low if x not in add and x not in rem]


def test_changes_of_two_layers_both_count() -> None:
    """Whether they meet each other first, or the list below them."""
    low: dict[str, object] = {"x": ["a", "b", "c"]}
    middle: dict[str, object] = {"x": ListChange(add=["d", "e"], remove=["a"])}
    high: dict[str, object] = {"x": ListChange(add=["f", "a"], remove=["b", "d"])}

    assert merge(merge(low, middle), high) == {"x": ["c", "e", "f", "a"]}
    assert merge(low, merge(middle, high)) == {"x": ["c", "e", "f", "a"]}
