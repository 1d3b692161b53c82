#!/usr/bin/env bash
# Runs MySQL as a throwaway server on loopback, in the foreground, with the user that Rollcall signs in as: one
# that may make users, give roles and see sessions, and owns the database app.
#   MYSQL_ROOT         where it was unpacked; / where it is installed
#   DIR                a folder for its data; what is there already is kept
#   PORT               where it listens
#   TLS_CERT, TLS_KEY  its certificate and key, PEM
#   PASSWORD           of the users rollcall and root
# usage: hack/targets/mysql/start.sh
set -euo pipefail
# shellcheck source=hack/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../lib/common.sh"
# shellcheck source=hack/lib/debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../lib/debian.sh"

: "${DIR:?} ${PORT:?} ${TLS_CERT:?} ${TLS_KEY:?} ${PASSWORD:?}"
root=${MYSQL_ROOT%/}
mysqld=("$root/usr/sbin/mysqld")
if [ -n "$root" ]; then
  # What was unpacked with a C library of its own is started by that library's loader.
  loader=$(debian_loader "$root")
  if [ -n "$loader" ]; then
    mysqld=("$loader" --library-path "$(debian_libraries "$root")" "${mysqld[@]}")
  else
    LD_LIBRARY_PATH=$(debian_libraries "$root"):${LD_LIBRARY_PATH:-}
    export LD_LIBRARY_PATH
  fi
fi
# What lies here is not to survive the machine, and small is quick to make.
options=(--no-defaults "--basedir=$root/usr" "--datadir=$DIR/data" --secure-file-priv=NULL --skip-log-bin
  --innodb-redo-log-capacity=33554432 --innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync
  --innodb-doublewrite=OFF)
# Only root may say who it runs as.
[ "$(id -u)" != 0 ] || options+=(--user=root)
# Two of them must not share one.
export TMPDIR=$DIR/tmp
mkdir -p "$TMPDIR"
if [ ! -e "$DIR/made" ]; then
  rm -rf "$DIR/data"
  # A statement a line.
  cat >"$DIR/first.sql" <<SQL
CREATE USER rollcall@'%' IDENTIFIED BY '$PASSWORD';
GRANT CREATE USER, PROCESS, CONNECTION_ADMIN, ROLE_ADMIN, SHOW VIEW, TRIGGER, EVENT, SHOW_ROUTINE ON *.* TO rollcall@'%';
GRANT SELECT ON mysql.user TO rollcall@'%';
GRANT SELECT ON mysql.role_edges TO rollcall@'%';
GRANT SELECT ON mysql.default_roles TO rollcall@'%';
CREATE USER root@'127.0.0.1' IDENTIFIED BY '$PASSWORD';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
ALTER USER root@localhost IDENTIFIED BY '$PASSWORD';
CREATE DATABASE app CHARACTER SET utf8mb4;
GRANT ALL ON app.* TO rollcall@'%';
CREATE DATABASE other CHARACTER SET utf8mb4;
SQL
  "${mysqld[@]}" "${options[@]}" --initialize-insecure "--init-file=$DIR/first.sql" >"$DIR/install.log" 2>&1 ||
    { cat "$DIR/install.log" >&2 && exit 1; }
  touch "$DIR/made"
fi
exec "${mysqld[@]}" "${options[@]}" "--plugin-dir=$root/usr/lib/mysql/plugin" "--socket=$DIR/socket" \
  "--pid-file=$DIR/pid" "--port=$PORT" --bind-address=127.0.0.1 "--ssl-cert=$TLS_CERT" "--ssl-key=$TLS_KEY" \
  --mysqlx=OFF --skip-name-resolve --max-connections=60
