#!/usr/bin/env bash
# Everything `make test` does: gets what the tests need into the project's cache, runs all of them, and
# says which real systems took part. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/lib/common.sh
source hack/lib/common.sh
# shellcheck source=hack/lib/debian.sh
source hack/lib/debian.sh

# To the tests too, one that is empty is none.
[ -n "${CI:-}" ] || unset CI
# Samba as a domain controller runs for root alone, which CI has to be.
with_samba=
if [ "$(id -u)" = 0 ] || [ -n "${CI:-}" ]; then with_samba=1; fi

# Said before anything long begins: only these come from the system.
need_to_build
need openssl "apt-get install openssl" "it makes the certificates of the test cluster"
need diff "apt-get install diffutils" "kubectl compares with it"
need_to_run_targets
need_server openldap slapd "/usr/sbin/slapd and /etc/ldap/schema"
need_server postgres PostgreSQL "initdb and postgres in one folder, and initdb on the PATH"
need_server mariadb MariaDB "/usr/sbin/mariadbd and /usr/bin/mariadb-install-db"
need_server mysql "MySQL 8.0.21 or later" "/usr/sbin/mysqld"
[ -z "$with_samba" ] || need_server samba "Samba as a domain controller" "/usr/sbin/samba"
# The one that is fetched is for this kind of machine alone.
[ "$(uname -sm)" = "Linux x86_64" ] || [ -n "${ROLLCALL_HELM:-}" ] ||
  need helm "https://helm.sh/docs/intro/install" "the tests install the chart, with Helm 4"
all_there

say "== Test programs (kept in $ROLLCALL_CACHE)"
bin=$(hack/controlplane/build.sh)
say "control plane: $bin"
hack/targets/install.sh scim2-server scimmy oauth2-mock-server aiosmtpd openldap postgres mariadb mysql ${with_samba:+samba} >&2
say "helm: $(hack/helm/install.sh)"

say "== Tests"
# Most of them wait for servers most of the time.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc) + 1))}
exercised=${CARGO_TARGET_DIR:-target}/tmp/exercised.txt
rm -f "$exercised"
status=0
# Without arguments, what passing tests have to say is shown too: how often random inputs came upon the
# interesting cases, for one.
if [ $# -eq 0 ]; then set -- -- --show-output; else some=1; fi
cargo test --locked --no-fail-fast "$@" || status=$?

say "== Real systems exercised"
if [ -s "$exercised" ]; then
  sort "$exercised" | uniq -c | awk '{ n = $1; $1 = ""; printf " %s (%d started)\n", $0, n }' >&2
else
  say "  none"
fi
# With arguments, only some of the tests were wanted.
if [ -z "${some:-}" ]; then
  systems=(kube-apiserver scim2-server SCIMMY oauth2-mock-server aiosmtpd OpenLDAP PostgreSQL MariaDB MySQL helm)
  if [ -n "$with_samba" ]; then
    systems+=('Samba Active Directory')
  else
    say "warning: Active Directory was NOT tested, as Samba must be started by root"
  fi
  for system in "${systems[@]}"; do
    grep -q "^$system" "$exercised" 2>/dev/null || {
      say "error: no test exercised $system"
      status=1
    }
  done
fi
exit "$status"
