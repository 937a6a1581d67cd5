#!/usr/bin/env bash
# DVC 3.67 (dvc-data 3.18): `dvc add` fails in a folder whose path has a brace.
#
# One would expect the name of a folder to change nothing. DVC builds the text of a progress bar from the path of its cache, and then calls
# `format` on it (`QueryingProgress` in dvc_data/hashfile/_progress.py), so that "{b}" is taken for a field. It ends with "unexpected error -
# 'b'", before anything is recorded. `heirloom` doubles the braces for DVC (`heirloom.lineage.dvc_program`). Exits 1 if the behaviour has
# changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet dvc==3.67.1
export PATH="$folder/venv/bin:$PATH" DVC_SITE_CACHE_DIR="$folder/site" DVC_NO_ANALYTICS=1
dvc --version

for name in "ab" "a{b}"; do
  mkdir -p "$folder/$name/rows"
  cd "$folder/$name"
  git init --quiet
  dvc init --quiet
  dvc config core.check_update false
  echo "row" > rows/1.txt
  code=0
  output=$(dvc add rows 2>&1) || code=$?
  echo "dvc add in a folder $name: exit status $code; $(printf '%s' "$output" | grep -m 1 ERROR || true)"
  case "$name:$code" in
    "ab:0"|"a{b}:255") ;;
    *) echo "changed"; exit 1 ;;
  esac
done
