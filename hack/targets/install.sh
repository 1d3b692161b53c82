#!/usr/bin/env bash
# Installs the real applications, the token endpoint and the mail server that tests and demo run against into the project's own cache.
# Prints, one a line, NAME=PATH for each. Needs Python, Node.js and, for what the system does not have, apt-get and
# dpkg-deb; installs no system package.
# usage: hack/targets/install.sh [scim2-server] [scimmy] [oauth2-mock-server] [aiosmtpd] [openldap] [samba] [postgres]
#        [mariadb] [mysql]
#        (all when none is named)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$here/../lib/common.sh"
# shellcheck source=hack/lib/debian.sh
source "$here/../lib/debian.sh"

install_scim2_server() {
  need python3 "apt-get install python3 python3-venv" "the SCIM server scim2-server is a Python program"
  all_there
  local requirements=$here/scim2-server/requirements.txt dir
  dir=$ROLLCALL_CACHE/targets/scim2-server-$(digest_of "$requirements")
  if [ ! -e "$dir/installed" ]; then
    say "Installing scim2-server into $dir …"
    rm -rf "$dir"
    python3 -m venv "$dir" >&2 ||
      die "python3 can't make a virtual environment. On Debian or Ubuntu: sudo apt-get install python3-venv"
    "$dir/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2 ||
      die "pip could not install scim2-server (see above); it needs access to a Python package index"
    touch "$dir/installed"
  fi
  echo "scim2-server=$dir/bin/scim2-server"
}

# The Python that has it; its server is hack/targets/aiosmtpd/server.py.
install_aiosmtpd() {
  need python3 "apt-get install python3 python3-venv" "the mail server aiosmtpd is a Python program"
  all_there
  local requirements=$here/aiosmtpd/requirements.txt dir
  dir=$ROLLCALL_CACHE/targets/aiosmtpd-$(digest_of "$requirements")
  if [ ! -e "$dir/installed" ]; then
    say "Installing aiosmtpd into $dir …"
    rm -rf "$dir"
    python3 -m venv "$dir" >&2 ||
      die "python3 can't make a virtual environment. On Debian or Ubuntu: sudo apt-get install python3-venv"
    "$dir/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$requirements" >&2 ||
      die "pip could not install aiosmtpd (see above); it needs access to a Python package index"
    touch "$dir/installed"
  fi
  echo "aiosmtpd=$dir/bin/python"
}

# usage: install_node NAME WHAT
install_node() {
  local name=$1 what=$2 dir
  need node "apt-get install nodejs" "$what is a Node.js program"
  need npm "apt-get install npm" "it installs $what"
  all_there
  dir=$ROLLCALL_CACHE/targets/$name-$(digest_of "$here/$name"/{package.json,package-lock.json,server.mjs})
  if [ ! -e "$dir/installed" ]; then
    say "Installing $what into $dir …"
    rm -rf "$dir"
    mkdir -p "$dir"
    cp "$here/$name"/{package.json,package-lock.json,server.mjs} "$dir/"
    (cd "$dir" && npm ci --silent --no-audit --no-fund >&2) ||
      die "npm could not install $what (see above); it needs access to a Node.js package registry"
    touch "$dir/installed"
  fi
  echo "$name=$dir/server.mjs"
}

# The folder that is to be taken for / : slapd is installed, or it was unpacked there.
install_openldap() {
  local root=/
  is_installed openldap || root=$(debian_unpack openldap slapd)
  echo "openldap=$root"
}

# The same of Samba.
install_samba() {
  local root=/
  is_installed samba || root=$(debian_unpack samba samba-ad-dc samba-ad-provision samba-dsdb-modules)
  echo "samba=$root"
}

# The same of PostgreSQL.
install_postgres() {
  local root=/
  is_installed postgres || root=$(debian_unpack postgres postgresql)
  echo "postgres=$root"
}

# The same of MariaDB.
install_mariadb() {
  local root=/
  is_installed mariadb || root=$(debian_unpack mariadb mariadb-server-core mariadb-server mariadb-client)
  echo "mariadb=$root"
}

# The same of MySQL, which Ubuntu has, and of Debian sid alone.
install_mysql() {
  local root=/
  if ! is_installed mysql; then
    if grep -q '^ID\(_LIKE\)\?=.*ubuntu' /etc/os-release 2>/dev/null; then
      root=$(debian_unpack mysql default-mysql-server-core)
    else
      root=$(debian_unpack_sid mysql mysql-server-core)
    fi
  fi
  echo "mysql=$root"
}

lock targets
[ $# -gt 0 ] || set -- scim2-server scimmy oauth2-mock-server aiosmtpd openldap samba postgres mariadb mysql
for target in "$@"; do
  case $target in
    scim2-server) install_scim2_server ;;
    scimmy) install_node scimmy "the SCIM server SCIMMY" ;;
    oauth2-mock-server) install_node oauth2-mock-server "the token endpoint oauth2-mock-server" ;;
    aiosmtpd) install_aiosmtpd ;;
    openldap) install_openldap ;;
    samba) install_samba ;;
    postgres) install_postgres ;;
    mariadb) install_mariadb ;;
    mysql) install_mysql ;;
    *) die "no such target: $target (there are scim2-server, scimmy, oauth2-mock-server, aiosmtpd, openldap, samba, postgres, mariadb and mysql)" ;;
  esac
done
