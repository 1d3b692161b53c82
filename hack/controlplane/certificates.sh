#!/usr/bin/env bash
# Makes in DIR what a throwaway API server on loopback needs: an authority, a serving certificate,
# a key for service accounts, a cluster administrator, and admin.kubeconfig for PORT.
# usage: hack/controlplane/certificates.sh DIR PORT
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$here/../lib/common.sh"
[ $# -eq 2 ] || die "usage: certificates.sh DIR PORT"
need openssl "apt-get install openssl" "it makes the certificates of the test cluster"
all_there
mkdir -p "$1"
dir=$(cd "$1" && pwd)
port=$2
umask 077
cd "$dir"

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1" 2>/dev/null; }

# signed NAME SUBJECT EXTENSIONS
signed() {
  key "$1.key"
  openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
  printf 'basicConstraints=CA:FALSE\n%s\n' "$3" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 8)" \
    -days 2 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
  rm "$1.csr" "$1.ext"
}

key ca.key
openssl req -x509 -new -key ca.key -subj /CN=rollcall-throwaway -days 2 -out ca.crt
openssl genrsa -out sa.key 2048 2>/dev/null
signed apiserver /CN=kube-apiserver "subjectAltName=IP:127.0.0.1,DNS:localhost
extendedKeyUsage=serverAuth"
signed admin "/O=system:masters/CN=admin" extendedKeyUsage=clientAuth

data() { openssl base64 -A -in "$1"; }
cat >admin.kubeconfig <<K
apiVersion: v1
kind: Config
current-context: rollcall
contexts:
  - name: rollcall
    context: {cluster: rollcall, user: admin}
clusters:
  - name: rollcall
    cluster:
      server: https://127.0.0.1:$port
      certificate-authority-data: $(data ca.crt)
users:
  - name: admin
    user:
      client-certificate-data: $(data admin.crt)
      client-key-data: $(data admin.key)
K
