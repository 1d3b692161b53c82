# shellcheck shell=bash
# Sourced by the scripts of hack/: where things are kept, and how they speak to people.

# Everything that is downloaded or built lives here, outside of the work tree.
ROLLCALL_CACHE=${ROLLCALL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rollcall}

# Kept off stdout, which carries results that other programs read.
say() { printf '%s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# need COMMAND DEBIAN_PACKAGE WHY
need() {
  command -v "$1" >/dev/null 2>&1 ||
    die "$1 is missing: $3. On Debian or Ubuntu: sudo apt-get install $2"
}

# Two runs at once must not install into one folder. Held until the script ends.
lock() {
  mkdir -p "$ROLLCALL_CACHE"
  if command -v flock >/dev/null 2>&1; then
    exec 9>"$ROLLCALL_CACHE/$1.lock"
    flock 9
  fi
}

# A short name for the contents of some files.
digest_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    cat "$@" | sha256sum | cut -c1-12
  else
    cat "$@" | shasum -a 256 | cut -c1-12
  fi
}

# A port of loopback on which nothing listens.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}
