"""Write snippets of Python with a request for each, as pairs: ``python examples/gate/snippets.py``."""

import itertools
import json
from pathlib import Path

NAMES, NUMBERS, VERBS = ("a", "b", "rows", "total", "name"), (1, 2, 10, 256), ("sum", "len", "max", "sorted")
FORMS = (
    ("add {n} to {x}", "{x} = {x} + {n}"),
    ("call {f} on {x}", "{x} = {f}({x})"),
    ("square the numbers below {n} into {x}", "{x} = [i ** 2 for i in range({n})]"),
    ("print {x} if it is above {n}", "if {x} > {n}: print({x})"),
    ("name {x} in a dictionary with {n}", "{x} = {{'{x}': {n}}}"),
    ("a function that calls {f} on {x}", "def get({x}): return {f}({x})[{n}:]"),
    ("raise {x} by {n} in a loop", "for i in range({n}): {x} += i"),
)

pairs = []
for (request, snippet), x, n, f in itertools.product(FORMS, NAMES, NUMBERS, VERBS):
    pairs.append({"prompt": request.format(x=x, n=n, f=f) + ": ", "completion": snippet.format(x=x, n=n, f=f)})
unique = list({json.dumps(pair): None for pair in pairs})
Path(__file__).with_name("snippets.jsonl").write_text("\n".join(unique) + "\n")
print(f"{len(unique)} pairs")
