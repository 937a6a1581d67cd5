#!/usr/bin/env bash
# Snakemake 9.27.1 asks the disk for every input of every job that is ready each time that it chooses the next job. So its own CPU
# seconds a job grow with the number of jobs that are ready at once: the whole grows with the square of it.
# --scheduler-subsample bounds that, and its help speaks of the solver alone ("Reduces time complexity of scheduling").
# Seen: 900 independent jobs of three inputs each, two cores: several times the CPU seconds that the same jobs take with a subsample of 20.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet snakemake==9.27.1
venv/bin/snakemake --version

jobs=900
mkdir in
for number in $(seq $jobs); do touch in/$number.{a,b,c}; done
cat > Snakefile <<EOF
rule all:
    input: expand("out/{number}", number=range(1, $jobs + 1))
rule one:
    input: expand("in/{{number}}.{letter}", letter=list("abc"))
    output: touch("out/{number}")
EOF

cpu_seconds() { # of Snakemake's process; the jobs are so short that theirs is a hundredth of a second each
  rm -rf out .snakemake
  python3 - "$@" <<'EOF'
import resource, subprocess, sys
subprocess.run(["venv/bin/snakemake", "--cores", "2", "--quiet", "all", *sys.argv[1:]], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(round(used.ru_utime + used.ru_stime, 1))
EOF
}
all_ready=$(cpu_seconds)
subsample=$(cpu_seconds --scheduler-subsample 20)
echo "CPU seconds, $jobs jobs: $all_ready by default, $subsample with --scheduler-subsample 20"
python3 -c "assert $all_ready > 3 * $subsample, 'the number of ready jobs no longer matters'"
