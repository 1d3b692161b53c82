#!/usr/bin/env bash
# Breaks the program on purpose, in one place after another, and lets simulated companies live with it until they
# notice. Prints the table of docs/simulation.md, and fails where one thing was not noticed.
# usage: hack/break.sh [WHAT…] (SEEDS, DAYS: how many companies, and for how long, at most)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/lib/common.sh
source hack/lib/common.sh
seeds=${SEEDS:-8}
export DAYS=${DAYS:-40}
patch=$PWD/tests/simulation/breaks.patch

# A copy and a target folder of its own: nothing that is built from it may be taken for the program.
copy=$PWD/target/broken/source
rm -rf "$copy"
mkdir -p "$copy"
git ls-files -z | xargs -0 cp --parents --target-directory "$copy"
patch --quiet --strip 1 --directory "$copy" <"$patch"
# As `make simulate` builds it: most of the time goes into companies that live, and not into the compiler.
say "Building what can be broken …"
export CARGO_TARGET_DIR=$PWD/target/broken/built
built=$(cd "$copy" && cargo test --release --locked --test simulation --no-run 2>&1) || die "$built"
simulation=$(sed -n 's/^ *Executable .*(\(.*\))$/\1/p' <<<"$built")

[ $# -gt 0 ] || mapfile -t broken < <(sed -n 's/^+    "\(.*\)",$/\1/p' "$patch")
[ $# -eq 0 ] || broken=("$@")
missed=0
printf '| broken | noticed as | seed | day |\n|---|---|---|---|\n'
for what in "${broken[@]}"; do
  told="not noticed in $seeds seeds | |"
  for seed in $(seq "$seeds"); do
    said=$(BROKEN=$what SEED=$seed SEEDS=1 PATIENCE=0 "$simulation" --nocapture a_simulated_company 2>&1 || true)
    found=$(sed -n 's/^seed [0-9]*, day \([0-9]*\): Finding { invariant: \([A-Za-z]*\),.*/\2 \1/p' <<<"$said" | head -n 1)
    if [ -n "$found" ]; then
      told="\`${found% *}\` | $seed | ${found#* }"
      break
    fi
  done
  [ -n "$found" ] || missed=$((missed + 1))
  printf '| %s | %s |\n' "$what" "$told"
done
[ "$missed" -eq 0 ] || die "$missed were not noticed"
