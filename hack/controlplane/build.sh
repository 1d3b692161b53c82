#!/usr/bin/env bash
# Finds or gets kube-apiserver, etcd and kubectl, and prints their folder. In this order:
#   1. ROLLCALL_CONTROLPLANE_BIN      a folder of yours
#   2. KUBEBUILDER_ASSETS             the folder that envtest users have
#   3. the project's cache
#   4. the envtest archive of controller-tools, its SHA-512 checked, where it can be reached
#   5. a build with Go from the modules beside this script, once: about seven minutes on two cores
# usage: hack/controlplane/build.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$here/../lib/common.sh"

# The one place that pins Kubernetes is kube/go.mod. Not every patch release has an archive: this is
# the nearest one; its checksums, as the release index of controller-tools has them, are in envtest.sha512.
version=$(sed -n 's|^require k8s.io/kubernetes ||p' "$here/kube/go.mod")
archive_version=v1.37.0
archive_base=https://github.com/kubernetes-sigs/controller-tools/releases/download

programs=(etcd kube-apiserver kubectl)

complete() {
  local program
  for program in "${programs[@]}"; do [ -x "$1/$program" ] || return 1; done
}

# Given by the user: use it, or say what is wrong with it.
given() {
  [ -n "$2" ] || return 0
  complete "$2" || die "$1 is $2, which does not hold all of: ${programs[*]}"
  echo "$2"
  exit 0
}

sha512() {
  if command -v sha512sum >/dev/null 2>&1; then sha512sum "$1"; else shasum -a 512 "$1"; fi | cut -d' ' -f1
}

from_archive() {
  local into=$1 os arch name expected actual work
  command -v curl >/dev/null 2>&1 || { say "curl is missing, so the archive can't be fetched."; return 1; }
  os=$(uname -s | tr '[:upper:]' '[:lower:]')
  case $(uname -m) in
    x86_64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) arch=$(uname -m) ;;
  esac
  name=envtest-$archive_version-$os-$arch.tar.gz
  expected=$(awk -v name="$name" '$2 == name { print $1 }' "$here/envtest.sha512")
  [ -n "$expected" ] || { say "There is no archive for $os on $arch."; return 1; }
  work=$(mktemp -d)
  say "Fetching $name (Kubernetes test binaries of controller-tools) …"
  if ! curl -fSL --connect-timeout 4 --speed-limit 10000 --speed-time 20 --progress-bar \
    -o "$work/$name" "$archive_base/envtest-$archive_version/$name"; then
    rm -rf "$work"
    say "The archive can't be reached."
    return 1
  fi
  actual=$(sha512 "$work/$name")
  if [ "$actual" != "$expected" ]; then
    rm -rf "$work"
    say "The archive's SHA-512 is $actual and should be $expected: not used."
    return 1
  fi
  tar -xzf "$work/$name" -C "$work"
  mkdir -p "$into"
  mv "$work"/controller-tools/envtest/* "$into/"
  rm -rf "$work"
}

# Shows that a long step lives: seconds, and what the compiler does.
build() {
  local module=$1 program=$2 package=$3 into=$4 began=$SECONDS pid
  shift 4
  say "Building $program with $(go env GOVERSION) (once; it stays in $into) …"
  (cd "$here/$module" && exec go build -trimpath -o "$into/$program.part" "$@" "$package") &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    (((SECONDS - began) % 30)) || say "  $program: $((SECONDS - began)) s …"
  done
  wait "$pid" || die "go could not build $program (see above); it needs access to a Go module proxy"
  mv "$into/$program.part" "$into/$program"
  say "  $program: done in $((SECONDS - began)) s"
}

from_source() {
  local into=$1 minor package=k8s.io/component-base/version
  command -v go >/dev/null 2>&1 ||
    die "neither the archive nor Go (1.26 or later) is there to get kube-apiserver, etcd and kubectl. Install Go from https://go.dev/dl/, or set ROLLCALL_CONTROLPLANE_BIN to a folder with the three"
  mkdir -p "$into"
  minor=${version#v1.}
  minor=${minor%%.*}
  # Without these, the programs say v0.0.0 and clients misjudge them.
  local flags="-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor"
  [ -x "$into/etcd" ] || build etcd etcd go.etcd.io/etcd/server/v3 "$into" "-ldflags=-s -w"
  [ -x "$into/kubectl" ] || build kube kubectl k8s.io/kubernetes/cmd/kubectl "$into" "-ldflags=$flags"
  [ -x "$into/kube-apiserver" ] || build kube kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver "$into" "-ldflags=$flags"
}

given ROLLCALL_CONTROLPLANE_BIN "${ROLLCALL_CONTROLPLANE_BIN:-}"
given KUBEBUILDER_ASSETS "${KUBEBUILDER_ASSETS:-}"

built=$ROLLCALL_CACHE/controlplane/$version
fetched=$ROLLCALL_CACHE/controlplane/envtest-$archive_version
lock controlplane
for folder in "$built" "$fetched"; do
  if complete "$folder"; then
    echo "$folder"
    exit 0
  fi
done
if from_archive "$fetched" && complete "$fetched"; then
  echo "$fetched"
else
  from_source "$built"
  echo "$built"
fi
