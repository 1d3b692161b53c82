#!/usr/bin/env bash
# Checks licences, sources and known vulnerabilities of dependencies, with cargo-deny: from the PATH,
# or else installed, once and in a fixed version, into the project's cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/lib/common.sh
source hack/lib/common.sh
version=0.19.9
deny=$(command -v cargo-deny || true)
if [ -z "$deny" ]; then
  deny=$ROLLCALL_CACHE/tools/cargo-deny-$version/bin/cargo-deny
  if [ ! -x "$deny" ]; then
    lock tools
    say "Installing cargo-deny $version into $ROLLCALL_CACHE/tools (once; several minutes) …"
    cargo install --locked --quiet --root "$ROLLCALL_CACHE/tools/cargo-deny-$version" cargo-deny --version "$version"
  fi
fi
"$deny" --locked check licenses bans sources
# The database of advisories comes from the network, which a build machine may not have.
if git ls-remote --exit-code https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
  "$deny" --locked check advisories
else
  say "The database of advisories can't be reached: known vulnerabilities were NOT checked."
fi
