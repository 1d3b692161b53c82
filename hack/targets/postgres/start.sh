#!/usr/bin/env bash
# Runs PostgreSQL as a throwaway server on loopback, in the foreground, with the role that Rollcall signs in as:
# one that may make roles and no superuser. Root starts it as nobody, as it does not run as root.
#   POSTGRES_ROOT      where it was unpacked; / where it is installed
#   DIR                a folder for its data; what is there already is kept
#   PORT               where it listens
#   TLS_CERT, TLS_KEY  its certificate and key, PEM
#   PASSWORD           of the roles rollcall and postgres
# usage: hack/targets/postgres/start.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$here/../../lib/common.sh"
# shellcheck source=hack/lib/debian.sh
source "$here/../../lib/debian.sh"
: "${DIR:?} ${PORT:?} ${TLS_CERT:?} ${TLS_KEY:?} ${PASSWORD:?}"

root=${POSTGRES_ROOT%/}
as=()
if [ "$(id -u)" = 0 ]; then
  if [ -n "$root" ]; then
    # Nobody may not look into the cache of root.
    [ "${1:-}" = inside ] || exec unshare --mount "$0" inside
    mount -t overlay overlay -o "lowerdir=$root/usr:/usr" /usr
    root=
  fi
  as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
bin=$(postgres_programs "$root/") || die "there is no PostgreSQL in ${POSTGRES_ROOT:-/}"
LD_LIBRARY_PATH=$(debian_libraries "$root/"):${LD_LIBRARY_PATH:-}
export LD_LIBRARY_PATH
mkdir -p "$DIR"
if [ ! -e "$DIR/data" ]; then
  printf '%s\n' "$PASSWORD" >"$DIR/password"
  cp "$TLS_CERT" "$DIR/cert.pem"
  install -m 600 "$TLS_KEY" "$DIR/key.pem"
  [ ${#as[@]} -eq 0 ] || chown -R 65534:65534 "$DIR"
  "${as[@]}" "$bin/initdb" --pgdata="$DIR/data" --username=postgres --auth=scram-sha-256 \
    --pwfile="$DIR/password" --encoding=UTF8 --locale=C --no-sync >"$DIR/initdb.log" 2>&1 ||
    { cat "$DIR/initdb.log" >&2 && exit 1; }
  cat >>"$DIR/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
ssl = on
ssl_cert_file = '$DIR/cert.pem'
ssl_key_file = '$DIR/key.pem'
max_connections = 60
fsync = off
CONF
  # Before anybody can connect: the server in single-user mode.
  "${as[@]}" "$bin/postgres" --single -D "$DIR/data" postgres >"$DIR/roles.log" 2>&1 <<SQL
CREATE ROLE rollcall LOGIN CREATEROLE PASSWORD '$PASSWORD';
GRANT pg_signal_backend TO rollcall;
GRANT CREATE ON DATABASE postgres TO rollcall;
CREATE DATABASE app OWNER rollcall;
CREATE DATABASE other;
SQL
fi
# Where the folders above may not be looked into, its own may.
chmod 755 "$DIR"
exec "${as[@]}" "$bin/postgres" -D "$DIR/data" -p "$PORT"
