# shellcheck shell=bash
# shellcheck disable=SC2154 # dir, namespace and rollcall are hack/demo.sh's
# Sourced by hack/demo.sh: how it starts things, changes them, and shows what became of them.

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi

chapter=0
step() {
  chapter=$((chapter + 1))
  printf '\n%s== %d. %s%s\n' "$bold" "$chapter" "$*" "$plain"
}
note() { printf '%s\n' "$*"; }
# A command as one would type it.
command_line() {
  local word line='$'
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=,-]*) line+=" '$word'" ;;
      *) line+=" $word" ;;
    esac
  done
  printf '%s%s%s\n' "$dim" "$line" "$plain"
}
# Shows a command, and what it says.
show() {
  command_line "$@"
  "$@"
}

# Reads a value from JSON: field KEY… <json
field() { python3 -c 'import json, sys; value = json.load(sys.stdin)
for key in sys.argv[1:]: value = value[key]
print(value if isinstance(value, str) else json.dumps(value))' "$@"; }

# A date so many days from now.
days_from_now() { python3 -c 'import datetime, sys
print(datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=int(sys.argv[1])))' "$1"; }

write_stop() {
  cat >"$1/stop.sh" <<'S'
#!/usr/bin/env bash
# Ends the demo: the operator, the applications, the control plane.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
for name in rollcall directory chat; do
  [ ! -e "$name.pid" ] || kill "$(cat "$name.pid")" 2>/dev/null
done
for name in rollcall directory chat; do
  [ -e "$name.pid" ] || continue
  for _ in $(seq 150); do
    kill -0 "$(cat "$name.pid")" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$(cat "$name.pid")" 2>/dev/null
  rm -f "$name.pid"
done
[ ! -x controlplane/stop.sh ] || controlplane/stop.sh
rm -f stop.sh
exit 0
S
  chmod +x "$1/stop.sh"
}

finish() {
  local status=$?
  trap - EXIT INT TERM
  if [ "$status" -ne 0 ] && [ "$status" -ne 130 ] && [ -e "$dir/rollcall.log" ]; then
    say ""
    say "The demo did not come to its end. Last words of the operator ($dir/rollcall.log):"
    tail -n 15 "$dir/rollcall.log" >&2
  fi
  if [ "${KEEP:-}" = 1 ] && [ "$status" -eq 0 ]; then
    note ""
    note "Still running. To look around:"
    note "  export KUBECONFIG=$dir/controlplane/admin.kubeconfig PATH=$BIN:\$PATH"
    note "  kubectl get rollcall"
    note "The applications: $directory_url (token $directory_token) and $chat_url (token $chat_token)"
    note "To end it: $dir/stop.sh"
  elif [ -x "$dir/stop.sh" ]; then
    "$dir/stop.sh"
    note ""
    note "Everything has ended; logs are in $dir. KEEP=1 make demo leaves it running."
  fi
  exit "$status"
}

# start NAME COMMAND…: in the background, away from a Ctrl-C that is for the demo.
detach=$(command -v setsid || true)
start() {
  local name=$1
  shift
  ${detach:+$detach} "$@" </dev/null >>"$dir/$name.log" 2>&1 &
  echo $! >"$dir/$name.pid"
  # Its end is not for the shell to comment on.
  disown
}

# answers NAME URL: waits until something answers there, whatever it says.
answers() {
  for _ in $(seq 150); do
    ! curl --silent --output /dev/null "$2" || return 0
    kill -0 "$(cat "$dir/$1.pid")" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 20 "$dir/$1.log" >&2
  die "$1 did not come up: its last words are above"
}

start_applications() {
  directory_token=$(openssl rand -hex 16) chat_token=$(openssl rand -hex 16)
  directory_host=127.0.0.1:$(free_port) chat_host=127.0.0.1:$(free_port)
  directory_url=http://$directory_host/v2 chat_url=http://$chat_host/scim/v2
  start directory "$directory_program" --port "${directory_host#*:}" --bearer-token "$directory_token"
  start chat env PORT="${chat_host#*:}" TOKEN="$chat_token" REQUEST_LOG="$dir/chat-requests.jsonl" node "$chat_program"
  answers directory "$directory_url/Users"
  answers chat "$chat_url/Users"
}

start_operator() {
  local listen
  listen=127.0.0.1:$(free_port)
  start rollcall "$rollcall" run --installation demo --namespace "$namespace" \
    --listen "$listen" --kubeconfig "$KUBECONFIG"
  for _ in $(seq 150); do
    ! curl --silent --fail --output /dev/null "http://$listen/readyz" || return 0
    kill -0 "$(cat "$dir/rollcall.pid")" 2>/dev/null || break
    sleep 0.2
  done
  die "the operator did not become ready"
}

# credential NAME TOKEN HOST: a Secret that Rollcall may read, and send to that host alone.
credential() {
  kubectl create secret generic "$1" --from-literal=token="$2" >/dev/null
  kubectl label secret "$1" rollcall.dev/credential=true >/dev/null
  kubectl annotate secret "$1" rollcall.dev/hosts="$3" >/dev/null
}

# The examples, with the addresses of this demo, and listings often enough to watch.
company() {
  local file
  for file in examples/company/people/*.yaml examples/company/roles.yaml examples/company/connectors.yaml; do
    echo ---
    sed -e "s|https://directory.example.com/scim/v2|$directory_url|" -e "s|https://chat.example.com/scim/v2|$chat_url|" \
      -e 's|^  entitlements: {missing: Create}|&\n  sync: {interval: 5s}|' "$file"
  done
}

# So many people who start today.
crowd() {
  local i
  for i in $(seq "$1"); do
    printf -- '---\napiVersion: rollcall.dev/v1alpha1\nkind: Employee\nmetadata: {name: person-%d}\nspec:\n  employeeId: P-%d\n  name: {given: Person, family: Number%d}\n  email: person.number%d@example.com\n  department: Support\n  jobTitle: Support Engineer\n  startDate: %s\n' \
      "$i" "$i" "$i" "$i" "$(days_from_now -2)"
  done
}

# Waits until everyone is as declared, and says how far it is.
settled() {
  local now said='' began=$SECONDS
  while now=$(ready) && [ "${now% of *}" != "${now#* of }" ]; do
    [ $((SECONDS - began)) -lt 180 ] || { kubectl get employees --output wide; die "not everyone became Ready"; }
    [ "$now" = "$said" ] || note "  … $now are ready"
    said=$now
    sleep 1
  done
}
ready() {
  kubectl get employees --no-headers | awk '$3 == "True" { n++ } END { print n + 0 " of " NR }'
}

# change OBJECT PATCH: edits an object, and waits until the operator has carried that out.
change() {
  local generation
  show kubectl patch "$1" --type merge --patch "$2"
  generation=$(kubectl get "$1" --output 'jsonpath={.metadata.generation}')
  kubectl wait --for=jsonpath='{.status.observedGeneration}'="$generation" "$1" --timeout=120s >/dev/null
  kubectl wait --for=condition=Ready "$1" --timeout=120s >/dev/null
}

# scim APPLICATION METHOD PATH [BODY]: asks an application itself.
scim() {
  local url=$1_url token=$1_token
  curl --silent --show-error --fail-with-body --request "$2" --header "Authorization: Bearer ${!token}" \
    --header 'Content-Type: application/scim+json' ${4:+--data "$4"} "${!url}/$3"
}

# Each lists from the application, by python3 as not everyone has jq.
users() {
  scim "$1" GET 'Users?count=200' | python3 -c 'import json, sys
for user in sorted(json.load(sys.stdin)["Resources"], key=lambda u: u["userName"]):
    print("  %-42s %-10s %s" % (user["userName"], {True: "active", False: "disabled"}.get(user.get("active"), "?"), user.get("displayName", "")))'
}
user_id() {
  scim "$1" GET 'Users?count=200' | python3 -c 'import json, sys
found = [u["id"] for u in json.load(sys.stdin)["Resources"] if u["userName"].lower() == sys.argv[1]]
print(found[0]) if found else sys.exit("error: there is no user " + sys.argv[1])' "$2"
}
groups() {
  local id
  id=$(user_id "$1" "$2")
  scim "$1" GET 'Groups?count=200' | python3 -c 'import json, sys
found = [g["displayName"] for g in json.load(sys.stdin)["Resources"] if any(m["value"] == sys.argv[2] for m in g.get("members") or [])]
print("  %s: %s" % (sys.argv[1], ", ".join(sorted(found)) or "no groups"))' "$2" "$id"
}
# holds APPLICATION USER GROUPS: fails where the groups are others.
holds() {
  local found
  found=$(groups "$1" "$2")
  [ "$found" = "  $2: $3" ] || die "$2 should hold $3 in $1, and it says:$found"
}
is_in() {
  [ "$(scim "$1" GET "Users/$(user_id "$1" "$2")" | field active)" = true ]
}
is_out() {
  [ "$(scim "$1" GET "Users/$(user_id "$1" "$2")" | field active)" = false ] &&
    [ "$(groups "$1" "$2")" = "  $2: no groups" ]
}
proof() {
  local id
  id=$(user_id "$1" "$2")
  note "  $1: GET /Users/$id says active: $(scim "$1" GET "Users/$id" | field active)"
  groups "$1" "$2"
}
count() {
  scim "$1" GET 'Users?count=200' | python3 -c 'import json, sys
print(sum(u["userName"].startswith(sys.argv[1]) for u in json.load(sys.stdin)["Resources"]))' "$2"
}
doubled() {
  scim "$1" GET 'Users?count=200' | python3 -c 'import json, sys
names = [u["userName"].lower() for u in json.load(sys.stdin)["Resources"]]
print(len(names) - len(set(names)))'
}
