"""Checks on Python, case by case: what the examples of the rules do not have."""

import pytest

from .rulebook import scanned, shipped_rules


def found(rule: str, text: str) -> list[int]:
    """The lines that a shipped rule finds."""
    result = scanned(text, shipped_rules().rules[f"python/{rule}"], language="python")
    assert list(result.skipped) == []
    return [each.line for each in result.findings]


SQL = "import db\nLIST = 'a'\ndef f(x, y=1, *z):\n    {}\n    db.execute({})\n"


@pytest.mark.parametrize(
    ("before", "argument", "is_found"),
    [
        ("pass", "f'select {x}'", True),
        ("pass", "f'select {int(x)}'", False),
        ("pass", "f'select {LIST} {len(x)}'", False),
        ("pass", "f'select {db.LIST}'", False),
        ("pass", "f'select {x.name}'", True),
        ("pass", "'select ' + x", True),
        ("pass", "'select ' + 'y'", False),
        ("pass", "'select %s' % x", True),
        ("pass", "'select %s' % LIST", False),
        ("pass", "'select %s %s' % (LIST, 'a')", False),
        ("pass", "'select {}'.format(x)", True),
        ("pass", "'select {}'.format(LIST)", False),
        ("pass", "db.text(f'select {x}')", True),
        ("pass", "db.other(f'select {x}')", False),
        ("pass", "f'{x} select'", False),  # no statement that we know
        ("pass", "x", False),
        ("pass", "f'select {x if y else LIST}'", True),
        ("pass", "f'select {(lambda: 1)}'", True),
        ("pass", "'select %s'.lower() % x", True),
        ("q = r = p = 'select '; q = r; r = q", "q", False),
        ("q = 'select ' + x", "q", True),
        ("q = 'select '; q += x", "q", False),
        ("q: str = 'select ' + x", "q", True),
        ("t = 'a' if y else 'b'", "f'select {t}'", False),
        ("t = x if y else 'b'", "f'select {t}'", True),
        ("t = {1: 'a'}[y]", "f'select {t}'", False),
        ("t = {1: 'a'}.get(y, 'b')", "f'select {t}'", False),
        ("t = ', '.join(['?'] * len(z))", "f'select {t}'", False),
        ("t = ', '.join('?' for _ in z)", "f'select {t}'", False),
        ("t = ', '.join(z)", "f'select {t}'", True),
        ("t = ' and '.join(*[('a', 'b')])", "f'select {t}'", False),
        ("t = y and 'a' or 'b'", "f'select {t}'", True),
        ("t = ('a' or 'b').strip()", "f'select {t}'", False),
        ("for t in ('a', 'b'): pass", "f'select {t}'", False),
        ("with open(x) as t: pass", "f'select {t}'", True),
        ("t, u = x", "f'select {t}'", True),
        ("(t := x)", "f'select {t}'", True),
        ("t = t + 'a'", "f'select {t}'", False),
        ("t = await_(x)", "f'select {t}'", True),
    ],
)
def test_a_statement_is_put_together_from_values_or_not(
    before: str, argument: str, is_found: bool
) -> None:
    """Names are followed in their function, and no further."""
    assert bool(found("sql-built-from-values", SQL.format(before, argument))) is is_found


def test_names_of_a_function_do_not_stand_for_those_of_another() -> None:
    """The module's do; so does the function around."""
    text = (
        "Q = 'select 1'\nquery = 'select 2'\ndef f(x):\n    query = 'select ' + x\n"
        "def g(db):\n    db.execute(query)\n    db.execute(f'select {self.table_name}')\n"
        "def h(db, x):\n    def i():\n        db.execute(f'select {x}')\n    return i\n"
    )

    assert found("sql-built-from-values", text) == [10]


@pytest.mark.parametrize(
    ("rule", "text", "lines"),
    [
        ("changed-while-iterating", "for k in d:\n    def f():\n        d.pop(k)\n", []),
        ("changed-while-iterating", "def f():\n    for k in d:\n        return d.pop(k)\n", []),
        ("changed-while-iterating", "for k in d.items():\n    d.pop(k)\n    break\n", []),
        (
            "changed-while-iterating",
            "for k in d:\n    if k:\n        d.pop(k)\n    else:\n        break\n",
            [3],
        ),
        ("changed-while-iterating", "for k in d:\n    d[k] = 1\n    e.pop(k)\n    del e[k]\n", []),
        ("changed-while-iterating", "for k in f():\n    d.pop(k)\n", []),
        ("lambda-in-loop", "for n in x:\n    d[n] = lambda: n\n", [2]),
        ("lambda-in-loop", "for n in x:\n    Thread(target=lambda: n)\n", [2]),
        ("lambda-in-loop", "for n in x:\n    sorted(y, key=lambda: n)\n", []),
        ("lambda-in-loop", "for n in x:\n    a.append((n, lambda: n))\n", [2]),
        ("lambda-in-loop", "for n in x:\n    def f():\n        a.append(lambda: n)\n", []),
        ("lambda-in-loop", "d = {n: lambda: n for n in x}\n", [1]),
        ("lambda-in-loop", "for n in x:\n    f = lambda: n\n    f()\n", []),
        ("unclosed-file", "def f():\n    a = open(x)\n    a.read()\n    json.load(a)\n", [2]),
        ("unclosed-file", "def f():\n    a = open(x)\n    a.close()\n", []),
        ("unclosed-file", "def f():\n    a = open(x)\n    return a\n", []),
        ("unclosed-file", "a = open(x)\na.read()\n", []),
        (
            "unclosed-file",
            "def f():\n    open(x)\n    json.load(open(y))\n    keep(open(z))\n",
            [2, 3],
        ),
        ("unclosed-file", "def f(s):\n    s.a = open(x)\n    return open(y)\n", []),
        ("unclosed-file", "def f():\n    for a in open(x): pass\n", [2]),
        ("unclosed-file", "def f():\n    open(x).close()\n", []),
        (
            "unguarded-lock",
            "async def f():\n    await lock.acquire()\n    g()\n    lock.release()\n",
            [2],
        ),
        ("unguarded-lock", "def f():\n    lock.acquire()\n", []),
        ("unguarded-lock", "def f():\n    table.acquire()\n    table.release()\n    g()\n", []),
        ("missing-await", "import asyncio\nasync def f():\n    asyncio.sleep(1)\n", [3]),
        ("missing-await", "@task\nasync def f(): ...\nf()\n", []),
        ("missing-await", "def f(): ...\nasync def f(): ...\nf()\n", []),
        ("jump-in-finally", "try: pass\nfinally:\n    def f():\n        return 1\n", []),
        (
            "jump-in-finally",
            "def f():\n    try: pass\n    finally:\n        if x:\n            return 1\n",
            [5],
        ),
        (
            "unreachable-handler",
            "try: pass\nexcept (OSError, A): pass\nexcept (IOError, A): pass\n",
            [3],
        ),
        ("unreachable-handler", "try: pass\nexcept BaseException: pass\nexcept: pass\n", []),
        (
            "unreachable-handler",
            "try: pass\nexcept Exception: pass\nexcept a.Cancelled: pass\n",
            [],
        ),
        ("unreachable-handler", "try: pass\nexcept Exception: pass\nexcept a.Odd: pass\n", [3]),
        ("duplicate-key", "x = {1: 2, True: 3, 'a': 1, 'a': 1, **y}\n", []),
        ("literal-identity", "x is (1, 2)\ny is -1\nz is ()\nu is True\n", [1, 2, 3]),
        ("same-on-both-sides", "f() == f()\nx == x\nx != x\n", [2]),
        ("secret-comparison", "row['signature'] == given\n", [1]),
        ("secret-comparison", "f().b().signature.encode() == given\nf() == g()\n", [1]),
        ("secret-in-source", "a: str = 'x'\npassword: str = 'k3Vq8-lake'\n", [2]),
        ("secret-in-source", "x = {'api_key': 'a81f2c99d07b4e', 1: 'a81f2c99d07b4e', **y}\n", [1]),
        ("secret-in-source", "a.secret = 'a81f2c99d07b4e'\na = b = 'c'\nf(secret=1)\n", [1]),
        ("not-implemented", "raise\nraise NotImplemented\n", [2]),
        ("silent-handler", "try: pass\nexcept (ValueError, Exception):\n    'why'\n", [2]),
        ("silent-handler", "try: pass\nexcept Exception:\n    raise\n", []),
        (
            "shell-command",
            "from subprocess import run as r\nr(x, shell=True)\nr(x, **y)\nr(x)\n",
            [2],
        ),
        ("yaml-load", "import yaml\nyaml.load(x, L)\nyaml.load(x, **y)\nyaml.load(x)\n", [4]),
        ("archive-extraction", "x.extractall()\n", []),
        ("archive-extraction", "from tarfile import open\nopen(x).extractall()\n", [2]),
        (
            "predictable-secret",
            "import random\nt: str = random.choice(x)\ntoken: str = random.choice(x)\n",
            [3],
        ),
        ("predictable-secret", "import random\nf(csrf=random.random())\n", [2]),
        ("predictable-secret", "import random\nf['token'] += random.random()\n", [2]),
        (
            "query-in-loop",
            "while x:\n    User.objects.get(a)\nelse:\n    User.objects.get(b)\n",
            [2],
        ),
        ("query-in-loop", "for x in y:\n    def f():\n        User.objects.get(a)\n", []),
        ("path-from-request", "open(int(request.args['a']))\nopen(request.args['b'])\n", [2]),
        ("path-from-request", "def f():\n    a = request.args\n    a = a\n    open(a)\n", [4]),
        ("eval", "eval()\neval(compile(x, '', 'eval'))\neval(f(x))\n", [3]),
        (
            "stripped-prefix",
            "a.lstrip('ab')\na.lstrip(b)\na.lstrip(1)\na.rstrip('0123456789')\n",
            [],
        ),
    ],
)
def test_a_rule_knows_the_case(rule: str, text: str, lines: list[int]) -> None:
    """And what only looks like it."""
    assert found(rule, text) == lines
