#!/usr/bin/env bash
# Runs OpenLDAP's slapd as a throwaway directory on loopback, in the foreground: dc=example,dc=org with people
# and groups, a password policy, and the account that Rollcall signs in as, which no limit and no policy
# spares.
#   SLAPD_ROOT         where slapd was unpacked; / where it is installed
#   DIR                a folder for its data; what is there already is kept
#   PORT, TLS_PORT     where it listens: for LDAP with StartTLS, and for LDAPS
#   TLS_CERT, TLS_KEY  its certificate and key, PEM
#   PASSWORD           of cn=rollcall,dc=example,dc=org
#   SIZE_LIMIT         most entries in one answer for that account, paging or not; unlimited by default
#   REFINT             0: groups do not follow entries that are renamed or deleted
#   ACCESS             rules of access that come before the others
#   MEMBEROF           0: entries do not say which groups they are in
#   AUDIT              1: notes every change in DIR/changes.ldif
# usage: hack/targets/openldap/start.sh
set -euo pipefail
# shellcheck source=hack/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../lib/common.sh"
# shellcheck source=hack/lib/debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../lib/debian.sh"

: "${DIR:?} ${PORT:?} ${TLS_PORT:?} ${TLS_CERT:?} ${TLS_KEY:?} ${PASSWORD:?}"
root=${SLAPD_ROOT%/}
slapd=$root/usr/sbin/slapd
[ -x "$slapd" ] || slapd=$(command -v slapd)
schema=$root/etc/ldap/schema modules=$root/usr/lib/ldap
LD_LIBRARY_PATH=$(debian_libraries "$root"):${LD_LIBRARY_PATH:-}
export LD_LIBRARY_PATH
mkdir -p "$DIR/data" "$DIR/config"
{
  cat <<CONF
include $schema/core.schema
include $schema/cosine.schema
include $schema/nis.schema
include $schema/inetorgperson.schema
# An attribute whose values can't be told apart: it has no rule of equality.
attributetype ( 1.3.6.1.4.1.4203.666.1.1 NAME 'looseMember' SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
objectclass ( 1.3.6.1.4.1.4203.666.2.1 NAME 'looseGroup' SUP top STRUCTURAL MUST cn MAY looseMember )
# Keys for SSH, as the schema of openssh-lpk has them.
attributetype ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey' SUP top AUXILIARY MUST ( sshPublicKey \$ uid ) )
modulepath $modules
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
moduleload unique
moduleload auditlog
pidfile $DIR/slapd.pid
argsfile $DIR/slapd.args
TLSCertificateFile $TLS_CERT
TLSCertificateKeyFile $TLS_KEY
sizelimit 500
database mdb
maxsize 1073741824
dbnosync
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw $PASSWORD
directory $DIR/data
index objectClass,entryCSN,entryUUID eq
index uid,cn,member,uniqueMember,memberUid,employeeNumber eq
${ACCESS:-}
access to attrs=userPassword by dn.exact="cn=rollcall,dc=example,dc=org" write by anonymous auth by self write by * none
access to * by dn.exact="cn=rollcall,dc=example,dc=org" write by users read by anonymous auth
limits dn.exact="cn=rollcall,dc=example,dc=org" size=${SIZE_LIMIT:-unlimited} size.pr=noEstimate
overlay ppolicy
ppolicy_default "cn=default,ou=policies,dc=example,dc=org"
ppolicy_hash_cleartext
overlay unique
unique_uri "ldap:///ou=people,dc=example,dc=org?uid?sub"
CONF
  [ "${MEMBEROF:-1}" = 0 ] || printf 'overlay memberof\nmemberof-dangling ignore\n'
  [ "${REFINT:-1}" = 0 ] || printf 'overlay refint\nrefint_attributes member uniqueMember manager\n'
  [ "${AUDIT:-0}" = 0 ] || printf 'overlay auditlog\nauditlog %s\n' "$DIR/changes.ldif"
} >"$DIR/slapd.conf"
entry() { printf 'dn: %s\n' "$1" && shift && printf '%s\n' "$@" ''; }
{
  entry dc=example,dc=org "objectClass: dcObject" "objectClass: organization" "dc: example" "o: Example"
  for unit in people groups policies gone; do
    entry "ou=$unit,dc=example,dc=org" "objectClass: organizationalUnit" "ou: $unit"
  done
  entry cn=rollcall,dc=example,dc=org "objectClass: organizationalRole" "objectClass: simpleSecurityObject" \
    "cn: rollcall" "userPassword: $PASSWORD"
  entry cn=default,ou=policies,dc=example,dc=org "objectClass: device" "objectClass: pwdPolicy" "cn: default" \
    "pwdAttribute: userPassword" "pwdLockout: TRUE" "pwdMaxFailure: 5" "pwdMinLength: 12" "pwdCheckQuality: 2"
} >"$DIR/start.ldif"
[ -e "$DIR/data/data.mdb" ] || "$slapd" -T add -f "$DIR/slapd.conf" -l "$DIR/start.ldif" >&2
exec "$slapd" -d 0 -h "ldap://127.0.0.1:$PORT/ ldaps://127.0.0.1:$TLS_PORT/" -f "$DIR/slapd.conf"
