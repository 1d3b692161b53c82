#!/usr/bin/env bash
# Prints, one a line, the arguments with which etcd or kube-apiserver serves the files that
# certificates.sh made in DIR: one place for start.sh and for the tests.
# usage: arguments.sh etcd DIR ETCD_PORT | arguments.sh kube-apiserver DIR ETCD_PORT PORT
set -euo pipefail
dir=$2 etcd=http://127.0.0.1:$3
case $1 in
  etcd)
    # Nothing here must survive a power cut.
    printf '%s\n' --data-dir="$dir/etcd" --listen-client-urls="$etcd" --advertise-client-urls="$etcd" \
      --listen-peer-urls=http://127.0.0.1:0 --unsafe-no-fsync=true --log-level=warn
    ;;
  kube-apiserver)
    # There is no controller manager to make service accounts; nothing here runs pods.
    printf '%s\n' --etcd-servers="$etcd" --bind-address=127.0.0.1 --secure-port="$4" --cert-dir="$dir" \
      --tls-cert-file="$dir/apiserver.crt" --tls-private-key-file="$dir/apiserver.key" \
      --client-ca-file="$dir/ca.crt" --authorization-mode=RBAC --disable-admission-plugins=ServiceAccount \
      --service-account-issuer="https://127.0.0.1:$4/" --service-account-key-file="$dir/sa.key" \
      --service-account-signing-key-file="$dir/sa.key" --service-cluster-ip-range=10.0.0.0/24 \
      --endpoint-reconciler-type=none
    ;;
  *)
    echo "error: no such program: $1" >&2
    exit 1
    ;;
esac
