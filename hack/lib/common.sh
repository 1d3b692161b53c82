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

# need COMMAND DEBIAN_PACKAGE WHY: noted, and told by all_there.
missing=()
need() {
  command -v "$1" >/dev/null 2>&1 || missing+=("$1: $3 (on Debian or Ubuntu: $2)")
}

# To compile Rollcall.
need_to_build() {
  need cargo "rustup, from https://rustup.rs" "Rollcall is written in Rust"
  need cc "apt-get install gcc libc6-dev" "some crates hold C code"
}

# To run the SCIM servers that demo and tests use.
need_to_run_targets() {
  need python3 "apt-get install python3 python3-venv" "the SCIM server scim2-server is a Python program"
  ! command -v python3 >/dev/null 2>&1 || python3 -c 'import ensurepip, venv' 2>/dev/null ||
    missing+=("venv for python3: scim2-server is installed into a folder of its own (on Debian or Ubuntu: apt-get install python3-venv)")
  need node "apt-get install nodejs" "the SCIM server SCIMMY is a Node.js program"
  need npm "apt-get install npm" "it installs SCIMMY"
}

# Ends the script where something is missing, and names all of it at once.
all_there() {
  [ ${#missing[@]} -gt 0 ] || return 0
  say "error: these are missing; only they come from the system:"
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
}

# value_of NAME LINES: what stands behind NAME= in one of the lines.
value_of() {
  local value
  value=$(sed -n "s|^$1=||p" <<<"$2")
  [ -n "$value" ] || die "$1 was not told by what should have started it"
  printf '%s\n' "$value"
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
