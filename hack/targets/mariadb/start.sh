#!/usr/bin/env bash
# Runs MariaDB as a throwaway server on loopback, in the foreground, with the user that Rollcall signs in as: one
# that may make users and see their sessions, and owns the database app.
#   MARIADB_ROOT       where it was unpacked; / where it is installed
#   DIR                a folder for its data; what is there already is kept
#   PORT               where it listens
#   TLS_CERT, TLS_KEY  its certificate and key, PEM
#   PASSWORD           of the users rollcall and root
# usage: hack/targets/mariadb/start.sh
set -euo pipefail
# shellcheck source=hack/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../lib/common.sh"
# shellcheck source=hack/lib/debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../lib/debian.sh"

: "${DIR:?} ${PORT:?} ${TLS_CERT:?} ${TLS_KEY:?} ${PASSWORD:?}"
root=${MARIADB_ROOT%/}
LD_LIBRARY_PATH=$(debian_libraries "$root/"):${LD_LIBRARY_PATH:-}
export LD_LIBRARY_PATH
options=(--no-defaults "--basedir=$root/usr" "--datadir=$DIR/data")
# Only root may say who it runs as.
[ "$(id -u)" != 0 ] || options+=(--user=root)
# Two of them must not share one.
export TMPDIR=$DIR/tmp
mkdir -p "$TMPDIR"
if [ ! -e "$DIR/first.sql" ]; then
  "$root/usr/bin/mariadb-install-db" "${options[@]}" --auth-root-authentication-method=normal --skip-test-db \
    --skip-name-resolve >"$DIR/install.log" 2>&1 || { cat "$DIR/install.log" >&2 && exit 1; }
  cat >"$DIR/first.sql" <<SQL
CREATE USER IF NOT EXISTS rollcall@'%' IDENTIFIED BY '$PASSWORD';
GRANT CREATE USER, PROCESS, CONNECTION ADMIN, SHOW VIEW, TRIGGER ON *.* TO rollcall@'%';
GRANT SELECT, UPDATE ON mysql.* TO rollcall@'%';
CREATE USER IF NOT EXISTS root@'127.0.0.1' IDENTIFIED BY '$PASSWORD';
ALTER USER root@'127.0.0.1' IDENTIFIED BY '$PASSWORD';
ALTER USER root@localhost IDENTIFIED BY '$PASSWORD';
CREATE DATABASE IF NOT EXISTS app CHARACTER SET utf8mb4;
GRANT ALL ON app.* TO rollcall@'%';
CREATE DATABASE IF NOT EXISTS other CHARACTER SET utf8mb4;
SQL
fi
exec "$root/usr/sbin/mariadbd" "${options[@]}" "--plugin-dir=$root/usr/lib/mysql/plugin" "--socket=$DIR/socket" \
  "--pid-file=$DIR/pid" "--port=$PORT" --bind-address=127.0.0.1 "--ssl-cert=$TLS_CERT" "--ssl-key=$TLS_KEY" \
  "--init-file=$DIR/first.sql" --skip-name-resolve --innodb-flush-log-at-trx-commit=0 --max-connections=60
