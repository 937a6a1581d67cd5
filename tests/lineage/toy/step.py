"""One job of the toy: write an artefact that depends on its path, its setting and its parents, and seal it."""

import os
import sys

from heirloom.artefacts import paths
from heirloom.artefacts.files import dumps, read_json, replacing, write_text
from heirloom.artefacts.manifest import Input, seal
from heirloom.runtime import usage

out, setting, *parents = sys.argv[1:]
if os.environ.get("TOY_FAILS_AT", "never") in out:
    sys.exit("as the test asked")
manifests = [read_json(parent.replace(".fingerprint.", ".manifest.")) for parent in parents]
inputs = [Input("parent", manifest["path"], manifest["sha256"]) for manifest in manifests]
text = f"{out} {setting} {inputs}" + "x" * 100_000
with replacing(out) as temporary:
    if out.endswith("checkpoint"):
        temporary.mkdir()
        (temporary / "model.safetensors").write_text(text)
    else:
        temporary.write_text("{}" if out.endswith("json") else text)
step = "real" if "/real/" in out else "train" if out.endswith("checkpoint") else "evaluate"
seal([out], {"slice": {"step": step, "setting": setting}, "inputs": inputs, "environment": {}})
if step == "train":
    write_text(paths.cost(step, out), dumps(usage.measure()))
