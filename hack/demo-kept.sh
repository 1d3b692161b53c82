#!/usr/bin/env bash
# Checks `KEEP=1 make demo`: what it says about looking around and ending it is typed as it stands there.
# usage: hack/demo-kept.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/lib/common.sh
source hack/lib/common.sh

said=$(mktemp)
trap 'rm -f "$said"; [ ! -x demo/stop.sh ] || demo/stop.sh' EXIT
KEEP=1 make demo | tee "$said"

look=$(sed -n 's/^  export //p' "$said")
stop=$(sed -n 's/^To end it: //p' "$said")
[ -n "$look" ] && [ -n "$stop" ] || die "it did not say how to look around and how to end it"
eval "export $look"
for kind in employees appconnectors roletemplates; do
  [ -n "$(kubectl get "$kind" --no-headers)" ] || die "the kept demo shows no $kind"
done
mapfile -t pids < <(cat demo/*.pid demo/controlplane/*.pid)
[ ${#pids[@]} -eq 5 ] || die "five programs should be running: ${pids[*]}"
"$stop"
for pid in "${pids[@]}"; do
  ! kill -0 "$pid" 2>/dev/null || die "process $pid is still there after $stop"
done
say "A kept demo was looked at and ended; none of its ${#pids[@]} programs is left."
