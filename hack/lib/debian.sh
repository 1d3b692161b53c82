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
    # MariaDB calls a program by that name as well.
    mysql) [ -x /usr/sbin/mysqld ] && ! /usr/sbin/mysqld --version 2>/dev/null | grep -q MariaDB ;;
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

# debian_unpack_sid NAME PACKAGE… : the same of Debian sid, for what no release of Debian has; with all they need, the C
# library included, as that of the system may be older (see debian_loader). What is in sid changes from day to day: so no
# version is named anywhere, and what was unpacked once is kept. Only one that is whole is.
debian_unpack_sid() {
  local name=$1 root state attempt package
  shift
  root=$ROLLCALL_CACHE/targets/$name-sid-$(digest_of <(printf '%s\n' "$@"))
  if [ ! -e "$root/unpacked" ]; then
    say "Fetching $name from Debian sid into $root …"
    for attempt in 1 2 3; do
      rm -rf "$root"
      # A mirror may be between two states.
      [ "$attempt" = 1 ] || sleep $((attempt * 10))
      ! debian_fetch_sid "$root/apt" "$@" || break
    done
    state=$root/apt
    [ -e "$state/fetched" ] || die "$* could not be fetched from Debian sid (see above), three times.
  No release of Debian has MySQL, and sid is in motion: wait for some hours and try again. If it stays so, or this
  machine does not reach a mirror that has sid, install MySQL 8.0.21 or later (/usr/sbin/mysqld)."
    for package in "$state"/cache/archives/*.deb; do
      dpkg-deb --extract "$package" "$root" >&2 || die "$package could not be unpacked"
    done
    rm -rf "$state"
    touch "$root/unpacked"
  fi
  printf '%s\n' "$root"
}

# debian_fetch_sid STATE PACKAGE… : by an apt of our own, for which nothing is installed, from the mirror of the system.
debian_fetch_sid() {
  local state=$1 mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg
  shift
  # shellcheck disable=SC2016 # apt puts values there
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    awk -v release="$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")" '$2 == release { print $1; exit }')
  [ -n "$mirror" ] || { say "error: the sources of apt name no mirror of this release of Debian" && return 1; }
  [ -e "$keys" ] || { say "error: there is no $keys: install debian-archive-keyring" && return 1; }
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/none"
  : >"$state/status"
  printf 'deb [signed-by=%s] %s sid main\n' "$keys" "$mirror" >"$state/sid.list"
  local apt=(apt-get --quiet --quiet --yes --option "Dir::State=$state" --option "Dir::State::lists=$state/lists"
    --option "Dir::State::status=$state/status" --option "Dir::Cache=$state/cache"
    --option "Dir::Etc::SourceList=$state/sid.list" --option "Dir::Etc::SourceParts=$state/none"
    --option "Dir::Etc::Preferences=$state/none/none" --option "Dir::Etc::PreferencesParts=$state/none"
    --option APT::Default-Release= --option Acquire::Languages=none
    --option Debug::NoLocking=true --option APT::Keep-Downloaded-Packages=true --option APT::Sandbox::User=)
  "${apt[@]}" update >&2 && "${apt[@]}" --no-install-recommends --download-only install "$@" >&2 &&
    touch "$state/fetched"
}

# debian_loader ROOT: the program that loads others with the C library that was unpacked there, if one was.
debian_loader() {
  local loaders=("$1"/usr/lib/*-linux-gnu*/ld-linux*.so.*)
  [ ! -x "${loaders[0]}" ] || printf '%s\n' "${loaders[0]}"
}

# debian_libraries ROOT: where its shared libraries are, for LD_LIBRARY_PATH.
debian_libraries() {
  local dir found=
  for dir in "$1"/lib/*-linux-gnu* "$1"/usr/lib/*-linux-gnu* "$1"/usr/lib/*-linux-gnu*/samba; do
    [ ! -d "$dir" ] || found+=${found:+:}$dir
  done
  printf '%s\n' "$found"
}
