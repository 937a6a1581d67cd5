#!/usr/bin/env bash
# huggingface_hub 2.4: offline, snapshot_download returns a snapshot that lacks a file it was asked for, without a word.
#
# One would expect the error that a repository gives of which nothing is in the cache. The check for completeness needs a
# listing of the commit's tree in the cache; without one, as after hf_hub_download of single files, what is there is returned.
# The cache is laid out as hf_hub_download leaves it: blobs, a snapshot of links, refs/main. Exits 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet huggingface_hub==2.4.0
HF_HOME="$folder/home" HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PYTHON'
import os
import sys
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

commit = "0123456789abcdef0123456789abcdef01234567"
repository = Path(constants.HF_HUB_CACHE, "datasets--me--stories")
for inside in ("blobs", "refs", f"snapshots/{commit}"):
    (repository / inside).mkdir(parents=True)
(repository / "blobs/one").write_text("train\n")
(repository / "snapshots" / commit / "train.txt").symlink_to("../../blobs/one")
(repository / "refs/main").write_text(commit)

print("huggingface_hub", huggingface_hub.__version__)
try:
    hf_hub_download("me/stories", "test.txt", repo_type="dataset")
    sys.exit("changed: hf_hub_download found test.txt")
except LocalEntryNotFoundError:
    print("hf_hub_download of test.txt: LocalEntryNotFoundError, as expected")
try:
    place = snapshot_download("me/stories", repo_type="dataset", allow_patterns=["train.txt", "test.txt"])
except LocalEntryNotFoundError as error:
    sys.exit(f"changed: snapshot_download refuses ({error})")
print("snapshot_download of train.txt and test.txt: returns a folder with", os.listdir(place), "and no error")
if os.listdir(place) != ["train.txt"]:
    sys.exit("changed: the folder holds other files")
PYTHON
