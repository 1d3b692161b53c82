#!/usr/bin/env bash
# Starts a real kube-apiserver and etcd on loopback, with files in DIR, and waits until it is ready.
# It stays after this script ends; `DIR/stop.sh` ends it. Prints KUBECONFIG=… and BIN=…
# usage: hack/controlplane/start.sh DIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$here/../lib/common.sh"
[ $# -eq 1 ] || die "usage: start.sh DIR"
bin=$("$here/build.sh")
mkdir -p "$1"
dir=$(cd "$1" && pwd)
[ ! -e "$dir/apiserver.pid" ] || die "a control plane was started in $dir before: run $dir/stop.sh first"
port=$(free_port)
etcd_port=$(free_port)
"$here/certificates.sh" "$dir" "$port"

cat >"$dir/stop.sh" <<'S'
#!/usr/bin/env bash
# Stops the API server, then etcd: an API server that lost its etcd hangs.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
for name in apiserver etcd; do
  [ -e "$name.pid" ] || continue
  pid=$(cat "$name.pid")
  kill "$pid" 2>/dev/null
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null
  rm "$name.pid"
done
exit 0
S
chmod +x "$dir/stop.sh"

# In a session of its own, so that a Ctrl-C for whoever started it is not for it.
detach=$(command -v setsid || true)
background() {
  local name=$1
  shift
  ${detach:+$detach} "$@" </dev/null >"$dir/$name.log" 2>&1 &
  echo $! >"$dir/$name.pid"
}

mapfile -t arguments < <("$here/arguments.sh" etcd "$dir" "$etcd_port")
background etcd "$bin/etcd" "${arguments[@]}"
mapfile -t arguments < <("$here/arguments.sh" kube-apiserver "$dir" "$etcd_port" "$port")
background apiserver "$bin/kube-apiserver" "${arguments[@]}"

export KUBECONFIG=$dir/admin.kubeconfig
for _ in $(seq 300); do
  if [ "$("$bin/kubectl" get --raw=/readyz 2>/dev/null)" = ok ]; then
    echo "KUBECONFIG=$KUBECONFIG"
    echo "BIN=$bin"
    exit 0
  fi
  kill -0 "$(cat "$dir/apiserver.pid")" 2>/dev/null || break
  sleep 0.2
done
tail -n 20 "$dir/etcd.log" "$dir/apiserver.log" >&2
"$dir/stop.sh"
die "the API server did not become ready; its last words are above"
