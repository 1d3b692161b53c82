#!/usr/bin/env bash
# Runs Samba as the domain controller of a throwaway Active Directory, in the foreground: EXAMPLE.TEST with
# the organizational units People, Teams and Gone, and the account that Rollcall signs in as, an account
# operator. In namespaces of its own, so that its fixed ports are nobody else's: it is reached at the sockets
# DIR/ldap.sock and DIR/ldaps.sock. Needs to be root.
#   SAMBA_ROOT         where Samba was unpacked; / where it is installed
#   DIR                an empty folder for its data
#   TLS_CERT, TLS_KEY  its certificate and key, PEM
#   PASSWORD           of CN=rollcall,CN=Users,DC=example,DC=test and of Administrator
# usage: hack/targets/samba/start.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$here/../../lib/common.sh"
# shellcheck source=hack/lib/debian.sh
source "$here/../../lib/debian.sh"
: "${DIR:?} ${TLS_CERT:?} ${TLS_KEY:?} ${PASSWORD:?}"

if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || die "Samba as a domain controller needs root"
  exec unshare --mount --net "$0" inside
fi

root=${SAMBA_ROOT%/}
if [ -n "$root" ]; then
  # It looks for its parts where its package puts them.
  mount -t overlay overlay -o "lowerdir=$root/usr:/usr" /usr
fi
# What it says of itself there is for itself: another may run beside it.
mkdir -p /run/samba
mount -t tmpfs tmpfs /run/samba
# Loopback is down in a new namespace, and not everybody has iproute2.
/usr/bin/python3 - <<'P'
import fcntl, socket, struct

SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))
P
mkdir -p "$DIR"
install -m 600 "$TLS_KEY" "$DIR/key.pem"
say "Making a domain …"
samba-tool domain provision --realm=EXAMPLE.TEST --domain=EXAMPLE --server-role=dc --dns-backend=NONE \
  --adminpass="$PASSWORD" --targetdir="$DIR/dc" --host-name=dc1 --host-ip=127.0.0.1 \
  --option="interfaces=lo" --option="bind interfaces only=yes" --option="server services=ldap" \
  --option="dcerpc endpoint servers=-spoolss" --option="vfs objects=" \
  --option="tls certfile=$TLS_CERT" --option="tls keyfile=$DIR/key.pem" --option="tls cafile=" \
  >"$DIR/provision.log" 2>&1 || { cat "$DIR/provision.log" >&2 && exit 1; }
tool() { samba-tool "$@" --configfile="$DIR/dc/etc/smb.conf" >&2; }
for unit in People Teams Gone; do
  tool ou create "OU=$unit"
done
tool user create rollcall "$PASSWORD"
tool group addmembers "Account Operators" rollcall
/usr/bin/python3 "$here/forward.py" "$DIR/ldap.sock" 389 "$DIR/ldaps.sock" 636 &
exec samba --interactive --model=single --configfile="$DIR/dc/etc/smb.conf" --debuglevel=1
