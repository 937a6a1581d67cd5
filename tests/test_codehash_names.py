"""What is the same code and what is other code: one made-up package before and after an edit."""

from __future__ import annotations

from pathlib import Path

import pytest

from heirloom import codehash
from heirloom.codehash import canonical, modules, scopes

Files = dict[str, str]

RUN = "from heirloom import b\nfrom heirloom.b import helper, LIMIT\ndef run(x):\n    return helper(x) + b.other(LIMIT)\n"
OFFERED = "LIMIT = 3\ndef helper(x):\n    return x + 1\ndef other(x):\n    return x - 1\n"
BOTH = {"a.py": RUN, "b.py": OFFERED}

LOCAL = """
import numpy as np
from numpy import linalg
def run(x, *rest, key=1, **more):
    total = np.zeros(3) + linalg.norm(x)
    for step in rest:
        with open(step) as file:
            total += [part * len(line) for line in file if (part := len(line))]
    def inner(y):
        nonlocal total
        total = y + key
        return total
    try:
        match x:
            case [head, *tail]:
                return inner(head), tail
            case {"a": value, **others}:
                return value, others
    except ValueError as error:
        return error, {k: v for k, v in more.items()}, lambda z: z + total
"""
RENAMED = """
import numpy
import numpy.linalg as la
def run(x, *rest, key=1, **more):
    s = numpy.zeros(3) + la.norm(x)
    for i in rest:
        with open(i) as f:
            s += [m * len(n) for n in f if (m := len(n))]
    def within(y):
        nonlocal s
        s = y + key
        return s
    try:
        match x:
            case [a, *b]:
                return within(a), b
            case {"a": c, **d}:
                return c, d
    except ValueError as e:
        return e, {a: b for a, b in more.items()}, lambda z: z + s
"""

SAME: dict[str, tuple[Files, Files]] = {
    "a function moved to another module": (
        BOTH,
        {
            "a.py": RUN.replace("from heirloom.b import helper, LIMIT", "from heirloom.b import LIMIT\nfrom heirloom.c.d import helper"),
            "b.py": OFFERED.replace("def helper(x):\n    return x + 1\n", ""),
            "c/d.py": "def helper(x):\n    return x + 1\n",
        },
    ),
    "a function moved, and offered where it was": (
        BOTH,
        {"a.py": RUN, "b.py": "from heirloom.c import helper\nLIMIT = 3\ndef other(x):\n    return x - 1\n", "c.py": OFFERED},
    ),
    "a function, a constant and a module renamed": (
        BOTH,
        {
            "a.py": "from heirloom import z\nfrom heirloom.z import more as m, MOST\ndef run(x):\n    return m(x) + z.less(MOST)\n",
            "z.py": "MOST = 3\ndef less(x):\n    return x - 1\ndef more(x):\n    return x + 1\n",
        },
    ),
    "dotted chains for imported names": (
        BOTH,
        {
            "a.py": "import heirloom.p\nimport heirloom.p.b as z\ndef run(x):\n"
            "    from heirloom import p\n    return heirloom.p.b.helper(x) + z.other(p.b.LIMIT)\n",
            "p/__init__.py": "from .b import other\n",
            "p/b.py": OFFERED,
        },
    ),
    "local names, and names of imports": ({"a.py": LOCAL}, {"a.py": RENAMED}),
    "a recursive function renamed": (
        {"a.py": "def run(n):\n    return n and run(n - 1)\n"},
        {"a.py": "from heirloom.b import f as run\n", "b.py": "def f(n):\n    return n and f(n - 1)\n"},
    ),
    "mutually recursive functions renamed, one of them moved": (
        {"a.py": "def run(n):\n    return n and odd(n - 1)\ndef odd(n):\n    return n or run(n - 1)\n"},
        {
            "a.py": "from heirloom import b\ndef run(n):\n    return n and b.f(n - 1)\n",
            "b.py": "def f(n):\n    from heirloom.a import run\n    return n or run(n - 1)\n",
        },
    ),
    "a new entry of a registry of modules": (
        {
            "a.py": "from heirloom.b import ALL\ndef run(x):\n    return ALL[x]\n",
            "b.py": "ALL = {'c': 'heirloom.c'}\n",
            "c.py": "",
            "d.py": "",
        },
        {
            "a.py": "from heirloom.b import ALL\ndef run(x):\n    return ALL[x]\n",
            "b.py": "ALL = {'c': 'heirloom.c', 'd': 'heirloom.d'}\n",
            "c.py": "",
            "d.py": "",
        },
    ),
}

OTHER: dict[str, tuple[str, str]] = {
    "a parameter renamed": ("def run(x):\n    return x\n", "def run(y):\n    return y\n"),
    "a parameter of a lambda renamed": ("run = lambda x: x\n", "run = lambda y: y\n"),
    "two local names exchanged": (
        "def run(x, y):\n    a, b = x, y\n    return a - b\n",
        "def run(x, y):\n    a, b = x, y\n    return b - a\n",
    ),
    "two functions exchanged": (
        "def f():\n    return 1\ndef g():\n    return 2\ndef run():\n    return f() - g()\n",
        "def f():\n    return 1\ndef g():\n    return 2\ndef run():\n    return g() - f()\n",
    ),
    "two constants of one statement exchanged": (
        "A, B = 1, 2\ndef run():\n    return A\n",
        "A, B = 1, 2\ndef run():\n    return B\n",
    ),
    "one object for two equal ones": (
        "A = []\nB = []\ndef put(x):\n    A.append(x)\ndef run(x):\n    put(x)\n    return A\n",
        "A = []\nB = []\ndef put(x):\n    A.append(x)\ndef run(x):\n    put(x)\n    return B\n",
    ),
    "a changed step of a recursion": (
        "def run(n):\n    return n and run(n - 1)\n",
        "def run(n):\n    return n and run(n - 2)\n",
    ),
    "a changed part of a mutual recursion": (
        "def run(n):\n    return n and odd(n - 1)\ndef odd(n):\n    return n or run(n - 1)\n",
        "def run(n):\n    return n and odd(n - 1)\ndef odd(n):\n    return n or run(n - 2)\n",
    ),
    "another function of the recursion called": (
        "def run(n):\n    return n and odd(n - 1)\ndef odd(n):\n    return n or run(n - 1)\n",
        "def run(n):\n    return n and odd(n - 1)\ndef odd(n):\n    return n or odd(n - 1)\n",
    ),
    "a field renamed": ("class run:\n    a: int = 1\n", "class run:\n    b: int = 1\n"),
    "a class renamed": (
        "class A(Exception): ...\ndef run():\n    raise A\n",
        "class B(Exception): ...\ndef run():\n    raise B\n",
    ),
    "a method renamed": ("class run:\n    def a(self): ...\n", "class run:\n    def b(self): ...\n"),
    "a keyword renamed": ("def run(f):\n    return f(a=1)\n", "def run(f):\n    return f(b=1)\n"),
    "a function renamed whose name is read": (
        "def f(): ...\ndef told(g):\n    return g.__name__\ndef run():\n    return told(f)\n",
        "def e(): ...\ndef told(g):\n    return g.__name__\ndef run():\n    return told(e)\n",
    ),
    "an inner function renamed whose name is read": (
        "def told(g):\n    return g.__name__\ndef run():\n    def f(): ...\n    return told(f)\n",
        "def told(g):\n    return g.__name__\ndef run():\n    def e(): ...\n    return told(e)\n",
    ),
    "what is named like a parameter of a default": (
        "def f():\n    return 1\ndef run(key=lambda f: f):\n    return f()\n",
        "def f():\n    return 2\ndef run(key=lambda f: f):\n    return f()\n",
    ),
    "what a target of a comprehension is found by": (
        "A = 1\ndef run(x):\n    return [0 for x[A] in x]\n",
        "A = 2\ndef run(x):\n    return [0 for x[A] in x]\n",
    ),
    "a command renamed": (
        "import typer\napp = typer.Typer()\n@app.command()\ndef f(): ...\ndef run():\n    app()\n",
        "import typer\napp = typer.Typer()\n@app.command()\ndef g(): ...\ndef run():\n    app()\n",
    ),
    "a local name renamed that is read as text": (
        "def run():\n    a = 1\n    return locals()\n",
        "def run():\n    b = 1\n    return locals()\n",
    ),
    "a local name renamed that a frame is queried with": (
        "def run(frame):\n    a = 1\n    return frame.query('x > @a')\n",
        "def run(frame):\n    b = 1\n    return frame.query('x > @a')\n",
    ),
    "a local name renamed that is printed": (
        "def run():\n    a = 1\n    return f'{a=}'\n",
        "def run():\n    b = 1\n    return f'{b=}'\n",
    ),
    "a definition in place of a builtin": (
        "def run(x):\n    return len(x)\n",
        "def len(x):\n    return 0\ndef run(x):\n    return len(x)\n",
    ),
    "a global name assigned": (
        "A = 1\ndef run():\n    A = 2\n",
        "A = 1\ndef run():\n    global A\n    A = 2\n",
    ),
    "what a function changes as a global name": (
        "A = 1\ndef run():\n    global A\n    A += 1\n",
        "A = 2\ndef run():\n    global A\n    A += 1\n",
    ),
    "what a module does in a loop": (
        "A = {}\nfor x in range(3):\n    A[x] = x\ndef run():\n    return A\n",
        "A = {}\nfor x in range(3):\n    A[x] = -x\ndef run():\n    return A\n",
    ),
    "what is handed to a decorator of the package": (
        "A = []\ndef note(f):\n    A.append(f)\n@note\ndef f():\n    return 1\ndef run():\n    return A\n",
        "A = []\ndef note(f):\n    A.append(f)\n@note\ndef f():\n    return 2\ndef run():\n    return A\n",
    ),
    "what runs where no type checker reads": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    A = 1\nelse:\n    A = 2\ndef run():\n    return A\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    A = 1\nelse:\n    A = 3\ndef run():\n    return A\n",
    ),
    "an empty slot of a mapping": ("run = {None: {}}\n", "run = {**{}}\n"),
    "a field that has the name of what it is made of": (
        "a = 1\nclass run:\n    a = a\n",
        "a = 2\nclass run:\n    a = a\n",
    ),
}

USES: dict[str, str] = {
    "a dotted chain": "from heirloom import p\ndef run():\n    return p.q.deep.f()\n",
    "a plain import": "import heirloom.p.q.deep\ndef run():\n    return heirloom.p.q.deep.f()\n",
    "a plain import under another name": "import heirloom.p.q.deep as d\ndef run():\n    return d.f()\n",
    "an import in the function": "def run():\n    import heirloom.p.q.deep as d\n    return d.f()\n",
    "a relative import": "from .p.q import deep\ndef run():\n    return deep.f()\n",
    "a star import": "from heirloom.p.q.deep import *\ndef run():\n    return f()\n",
    "a re-export": "from heirloom import p\ndef run():\n    return p.offered()\n",
    "a re-exported module": "from heirloom import p\ndef run():\n    return p.module.f()\n",
    "a module in a variable": "from heirloom import p\ndef run():\n    m = p.q.deep\n    return m.f()\n",
    "a module in a mapping": "from heirloom.p.q import deep\nALL = {'d': deep}\ndef run(x):\n    return ALL[x].f()\n",
    "a module asked for a name": "from heirloom.p.q import deep\ndef run(name):\n    return getattr(deep, name)()\n",
    "a first choice of two": "try:\n    from heirloom.p.q.deep import f\nexcept ImportError:\n    from heirloom.p.q.more import f\n"
    "def run():\n    return f()\n",
    "a name bound anew": "from heirloom.p.q.deep import f\nf = print(f)\ndef run():\n    return f\n",
    "a name that a function and a module share": "from heirloom.p.q.deep import f\ndef run():\n    return f\n",
    "a base class": "from heirloom import p\nclass run(p.q.deep.C): ...\n",
    "an annotation": "from heirloom import p\nclass run:\n    p: p.q.deep.C\n",
}


def written(folder: Path, files: Files) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def hash_of(folder: Path, files: Files, monkeypatch: pytest.MonkeyPatch) -> str:
    written(folder, files)
    monkeypatch.setattr(modules, "ROOT", folder)
    monkeypatch.chdir(folder)
    forget()
    computed = codehash.digest("heirloom.a:run")
    forget()
    return computed


def forget() -> None:
    for function in (modules.exists, modules.contents, modules.resolve, canonical.pieces, scopes.module_names):
        function.cache_clear()
    codehash._package_hash.cache_clear()


@pytest.mark.parametrize("case", SAME)
def test_an_edit_that_changes_no_meaning_reruns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    code_before, code_after = SAME[case]
    assert hash_of(tmp_path / "before", code_before, monkeypatch) == hash_of(tmp_path / "after", code_after, monkeypatch)


@pytest.mark.parametrize("case", OTHER)
def test_an_edit_that_changes_the_meaning_reruns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    code_before, code_after = OTHER[case]
    assert hash_of(tmp_path / "before", {"a.py": code_before}, monkeypatch) != hash_of(
        tmp_path / "after", {"a.py": code_after}, monkeypatch
    )


@pytest.mark.parametrize("case", USES)
def test_a_definition_is_seen_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    files = {
        "a.py": USES[case],
        "p/__init__.py": "from heirloom.p.q.deep import f as offered\nfrom heirloom.p.q import deep as module\n",
        "p/q/deep/__init__.py": "from heirloom.p.q.deep.f import f\nclass C:\n    x = 1\n",
        "p/q/deep/f.py": "def f():\n    return 1\n",
        "p/q/more.py": "def f():\n    return 2\n",
    }
    code_before = hash_of(tmp_path / "before", files, monkeypatch)
    files["p/q/deep/f.py"] = "def f():\n    return 3\n"
    files["p/q/deep/__init__.py"] = "from heirloom.p.q.deep.f import f\nclass C:\n    x = 3\n"
    assert code_before != hash_of(tmp_path / "after", files, monkeypatch)
