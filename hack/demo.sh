#!/usr/bin/env bash
# Tells the story of a small company on real programs: a Kubernetes control plane, two SCIM servers, and
# the operator, all on loopback. Everything it starts ends with it.
#   KEEP=1  leave it running, and say how to look around and how to end it
# usage: make demo
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/lib/common.sh
source hack/lib/common.sh
# shellcheck source=hack/lib/story.sh
source hack/lib/story.sh

dir=$PWD/demo
namespace=people
rollcall=${CARGO_TARGET_DIR:-target}/debug/rollcall

need_to_build
need openssl "apt-get install openssl" "it makes the certificates of the demo cluster"
need curl "apt-get install curl" "it asks the applications what they hold"
need_to_run_targets
all_there
# Only what is started here is spoken to.
unset KUBECONFIG BIN
[ ! -e "$dir/stop.sh" ] || "$dir/stop.sh"

trap finish EXIT
trap 'exit 130' INT TERM

step "Getting ready: the operator, a Kubernetes control plane, two applications"
say "Building the operator (a few minutes the first time) …"
cargo build --locked --bin rollcall
programs=$(hack/targets/install.sh scim2-server scimmy)
directory_program=$(value_of scim2-server "$programs")
chat_program=$(value_of scimmy "$programs")
rm -rf "$dir"
mkdir -p "$dir"
write_stop "$dir"
say "Starting a control plane …"
started=$(hack/controlplane/start.sh "$dir/controlplane")
KUBECONFIG=$(value_of KUBECONFIG "$started")
BIN=$(value_of BIN "$started")
export KUBECONFIG KUBECACHEDIR=$dir/kubectl-cache
PATH=$BIN:$PATH

start_applications
kubectl create namespace "$namespace" >/dev/null
kubectl config set-context --current --namespace="$namespace" >/dev/null
"$rollcall" crds | kubectl apply --server-side --filename - >/dev/null
kubectl wait --for=condition=Established crd --all --timeout=60s >/dev/null
credential directory "$directory_token" "$directory_host"
credential chat "$chat_token" "$chat_host"
note "a control plane ($(kubectl version -o json | field serverVersion gitVersion)), a directory (scim2-server) and a chat (SCIMMY), each empty"

step "Join: a company is declared, and the operator makes it so"
start_operator
company | kubectl apply --filename - | tail -n 3
note "… and so on: $(company | grep -c '^kind:') manifests, in any order"
settled
show kubectl get employees
show kubectl get appconnectors
show kubectl get roletemplates
note "The directory itself, asked with curl:"
users directory
note "Two people are called Maria Garcia, one name is Greek, one Chinese. Mary Shelley has not started; Edsger Dijkstra is on leave."

step "Rogue: someone makes an account by hand, past all of this"
scim directory POST Users '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"mallory","active":true}' >/dev/null
note "'mallory' is in the directory now. Nobody declared such a person."
kubectl wait --for=jsonpath='{.status.orphans}'=1 appconnector/directory --timeout=120s >/dev/null
show kubectl get appconnectors
show kubectl get appconnector directory --output 'jsonpath={.status.orphanedAccounts}{"\n"}'
is_in directory mallory || die "somebody touched mallory"
note "Reported, not touched: it is not ours."

step "Transfer: Hypatia goes from Marketing to Support"
note "Groups before:"
groups directory upatia.theonos
change employee/hypatia-theonos '{"spec":{"department":"Support","jobTitle":"Support Writer","managerRef":{"name":"maria-garcia"}}}'
note "Groups after; what she holds in both is never dropped in between:"
groups directory upatia.theonos
holds directory upatia.theonos "staff, support"
show kubectl get employee hypatia-theonos --output 'jsonpath={range .status.accounts[*]}{.connector}{": "}{.entitlements[*].name}{"\n"}{end}'

step "Leave: yesterday was Alan's last day"
note "Groups before:"
groups directory alan.turing
change employee/alan-turing "{\"spec\":{\"endDate\":\"$(days_from_now -1)\"}}"
kubectl wait --for=condition=AccessRevoked employee/alan-turing --timeout=120s
show kubectl get employee alan-turing
show kubectl get employee alan-turing --output 'jsonpath={.status.conditions[?(@.type=="AccessRevoked")].message}{"\n"}'
note "Proof, from the applications themselves:"
proof directory alan.turing
proof chat alan.turing@example.com
for where in "directory alan.turing" "chat alan.turing@example.com"; do
  # shellcheck disable=SC2086 # two words
  is_out $where || die "alan.turing is not out of ${where% *}"
done

step "Crash: sixty people join, and the operator is killed without warning in the middle"
crowd 60 | kubectl apply --filename - >/dev/null &
applying=$!
for _ in $(seq 600); do
  [ "$(count directory 'person.')" -lt 15 ] || break
  sleep 0.05
done
kill -KILL "$(cat "$dir/rollcall.pid")"
note "Killed (SIGKILL) with $(count directory 'person.') of 60 accounts made. Started again:"
start_operator
wait "$applying"
settled
note "$(count directory 'person.') accounts in the directory for the 60, $(doubled directory) user names there twice."
[ "$(count directory 'person.') $(doubled directory)" = "60 0" ] || die "that should be 60 accounts, each of them once"

step "What is so now"
show kubectl get employees --output wide | grep --invert-match '^person-'
show kubectl get appconnectors
note "… and the sixty, each with 2/2 accounts. Nobody of them was made twice, nobody else was touched."
