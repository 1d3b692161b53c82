# shellcheck shell=bash
# Sourced by hack/test.sh, and by the scripts of hack/targets: servers that the system has, and programs of Debian and
# Ubuntu without becoming root and without installing them: packages are fetched and unpacked into a folder.

# postgres_programs ROOT: the folder of PostgreSQL's programs, where Debian puts it below ROOT or, where that is / , else
# that of the initdb on the PATH. Fails where there is none.
postgres_programs() {
  local root=${1%/} found
  local there=("$root"/usr/lib/postgresql/*/bin/initdb)
  found=${there[-1]}
  if [ ! -x "$found" ] && [ -z "$root" ]; then
    found=$(readlink -f "$(command -v initdb)") || return 1
  fi
  found=${found%/*}
  [ -x "$found/initdb" ] && [ -x "$found/postgres" ] && printf '%s\n' "$found"
}

# is_installed TARGET: whether the system has what its start.sh runs, where that looks for it.
is_installed() {
  case $1 in
    openldap) [ -x /usr/sbin/slapd ] && [ -e /etc/ldap/schema/core.schema ] ;;
    samba) [ -x /usr/sbin/samba ] ;;
    postgres) postgres_programs / >/dev/null ;;
    mariadb) [ -x /usr/sbin/mariadbd ] && [ -x /usr/bin/mariadb-install-db ] ;;
    *) return 1 ;;
  esac
}

# Whether packages can be fetched here.
debian_can_unpack() { command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1; }

# need_server TARGET NAME WHERE: where it has to be if it can't be fetched. Noted, and told by all_there.
need_server() {
  is_installed "$1" || debian_can_unpack ||
    missing+=("$2: the tests run it, and only on Debian or Ubuntu it is fetched for you (elsewhere: $3)")
}

# debian_unpack NAME PACKAGE… : unpacks the packages, and those they need that are not installed, into the
# cache. Prints the folder, which is to be taken for / by what runs from it.
debian_unpack() {
  local name=$1 root state package
  shift
  debian_can_unpack ||
    die "$name is not installed, and only on Debian or Ubuntu it is fetched for you: install it ($*)"
  root=$ROLLCALL_CACHE/targets/$name-debian-$(digest_of /etc/os-release)
  if [ ! -e "$root/unpacked" ]; then
    say "Fetching $name into $root …"
    rm -rf "$root"
    state=$root/apt
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    # An apt of our own: it knows what is installed, and changes nothing.
    local apt=(apt-get --quiet --quiet --yes --option "Dir::State=$state" --option "Dir::State::lists=$state/lists"
      --option Dir::State::status=/var/lib/dpkg/status --option "Dir::Cache=$state/cache"
      --option Debug::NoLocking=true --option APT::Keep-Downloaded-Packages=true --option APT::Sandbox::User=)
    "${apt[@]}" update >&2 || die "apt-get could not read the lists of packages (see above)"
    "${apt[@]}" --no-install-recommends --download-only install "$@" >&2 ||
      die "apt-get could not fetch $* (see above)"
    # One that is installed is not fetched with what it needs, so that it is asked for by name.
    (cd "$state/cache/archives" && for package in "$@"; do
      compgen -G "${package}_*.deb" >/dev/null || "${apt[@]}" download "$package" >&2 || exit 1
    done) || die "apt-get could not fetch $* (see above)"
    for package in "$state"/cache/archives/*.deb; do
      dpkg-deb --extract "$package" "$root" >&2 || die "$package could not be unpacked"
    done
    rm -rf "$state"
    touch "$root/unpacked"
  fi
  printf '%s\n' "$root"
}

# debian_libraries ROOT: where its shared libraries are, for LD_LIBRARY_PATH.
debian_libraries() {
  local dir found=
  for dir in "$1"/lib/*-linux-gnu* "$1"/usr/lib/*-linux-gnu* "$1"/usr/lib/*-linux-gnu*/samba; do
    [ ! -d "$dir" ] || found+=${found:+:}$dir
  done
  printf '%s\n' "$found"
}
