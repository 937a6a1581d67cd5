#!/usr/bin/env bash
# DVC 3.67: `dvc push` and `dvc status --cloud` do not see that a remote has lost a file of a tracked folder.
#
# One would expect the push to send the file again. DVC looks for the folder's listing (the .dir object) on the remote, and where
# that is there it takes all files of the folder for there, too; asking for the file by its path changes nothing. Only when
# the listing is gone from the remote as well is the file sent. Exits 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet dvc==3.67.1
export PATH="$folder/venv/bin:$PATH" DVC_SITE_CACHE_DIR="$folder/site" DVC_NO_ANALYTICS=1

mkdir -p "$folder/project/rows"
cd "$folder/project"
git init --quiet
dvc init --quiet
dvc config core.check_update false
dvc remote add --quiet --default store "$folder/store"
for number in 1 2 3; do echo "row $number" > "rows/$number.txt"; done
dvc add --quiet rows
dvc push --quiet
dvc --version

md5=$(md5sum rows/2.txt | cut -c1-32)
object="$folder/store/files/md5/${md5:0:2}/${md5:2}"
rm -f "$object"
for command in "push" "push rows/2.txt" "status --cloud"; do
  said=$(dvc $command)
  echo "dvc $command, one object of the remote removed: $said"
  case "$said" in
    "Everything is up to date."|"Cache and remote 'store' are in sync.") ;;
    *) echo "changed: the loss is seen"; exit 1 ;;
  esac
  [ ! -e "$object" ] || { echo "changed: the object was sent"; exit 1; }
done
rm -f "$folder"/store/files/md5/*/*.dir
echo "dvc push, the listing removed, too: $(dvc push)"
[ -e "$object" ] || { echo "changed: the object was not sent"; exit 1; }
