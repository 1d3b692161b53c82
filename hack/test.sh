#!/usr/bin/env bash
# Everything `make test` does: gets what the tests need into the project's cache, runs all of them, and
# says which real systems took part. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/lib/common.sh
source hack/lib/common.sh

# Said before anything long begins: only these come from the system.
need cargo "rustup (https://rustup.rs)" "Rollcall is written in Rust"
need cc gcc "some crates hold C code"
need openssl openssl "it makes the certificates of the test cluster"
need diff diffutils "kubectl compares with it"
need python3 "python3 python3-venv" "the SCIM server scim2-server is a Python program"
need node nodejs "the SCIM server SCIMMY is a Node.js program"
need npm npm "it installs the SCIM server SCIMMY"

say "== Test programs (kept in $ROLLCALL_CACHE)"
bin=$(hack/controlplane/build.sh)
say "control plane: $bin"
hack/targets/install.sh >&2
say "helm: $(hack/helm/install.sh)"

say "== Tests"
exercised=${CARGO_TARGET_DIR:-target}/tmp/exercised.txt
rm -f "$exercised"
status=0
cargo test --locked --no-fail-fast "$@" || status=$?

say "== Real systems exercised"
if [ -s "$exercised" ]; then
  sort "$exercised" | uniq -c | awk '{ n = $1; $1 = ""; printf " %s (%d started)\n", $0, n }' >&2
else
  say "  none"
fi
# With arguments, only some of the tests were wanted.
if [ $# -eq 0 ]; then
  for system in kube-apiserver scim2-server SCIMMY helm; do
    grep -q "^$system" "$exercised" 2>/dev/null || {
      say "error: no test exercised $system"
      status=1
    }
  done
fi
exit "$status"
