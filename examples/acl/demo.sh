#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# The main job, from nothing to nothing: a daemon is started, a pipeline is
# declared, a recording goes in, what comes out is compared byte for byte, a
# rule is changed under traffic, everything is removed. It uses the programs
# in bin/ (make build), needs neither root nor network, leaves nothing behind
# and takes some seconds. Without terraform or tofu it uses bessctl apply.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
version=0.0.1 # under which terraform finds the provider
work=$(mktemp -d "${TMPDIR:-/tmp}/bess.XXXXXX")
log=$work/log
bessd_pid=

export BESS_ADDRESS=unix:$work/bessd.sock
export CAPTURE=$here/traffic.pcap RESULT=$work/out.pcap
export PATH=$root/bin:$PATH

# ---- output ----

step=0
step() { step=$((step + 1)); printf '\n%d. %s\n' "$step" "$*"; }
say() { printf '   %s\n' "$*"; }
indent() { sed 's/^/     /'; }
fail() { printf '\ndemo: %s\n' "$*" >&2; exit 1; }

# run SHOWN LINES COMMAND...: runs a command that must succeed, shows it and
# those lines of its output that match.
run() {
  local shown=$1 lines=$2
  shift 2
  printf '   $ %s\n' "$shown"
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    fail "'$shown' failed"
  fi
  grep -E -- "$lines" "$log" | indent || true
}

# until_true WHAT COMMAND...: waits until a command succeeds.
until_true() {
  local what=$1 i
  shift
  for ((i = 0; i < 200; i++)); do
    "$@" >"$log" 2>&1 && return
    sleep 0.05
  done
  cat "$log" >&2
  fail "waited in vain: $what"
}

# ---- the daemon ----

clean_up() {
  if [[ -n $bessd_pid ]]; then kill "$bessd_pid" 2>/dev/null && wait "$bessd_pid" || true; fi
  rm -rf "$work"
}

start_bessd() {
  printf '   $ bessd -f -skip_root_check -grpc_url %s\n' "$BESS_ADDRESS"
  bessd -f -skip_root_check -grpc_url "$BESS_ADDRESS" -i "$work/bessd.pid" >"$work/bessd.log" 2>&1 &
  bessd_pid=$!
  for ((i = 0; i < 200; i++)); do
    bessctl show version >"$log" 2>&1 && return
    kill -0 "$bessd_pid" 2>/dev/null || break
    sleep 0.05
  done
  cat "$work/bessd.log" >&2
  fail "bessd does not answer"
}

stop_bessd() {
  local status=0
  printf '   $ kill -TERM %d\n' "$bessd_pid"
  kill -TERM "$bessd_pid"
  wait "$bessd_pid" || status=$?
  bessd_pid=
  ((status == 0)) || fail "bessd ended with status $status: $(tail -3 "$work/bessd.log")"
  [[ ! -e $work/bessd.pid && ! -e $work/bessd.sock ]] || fail "bessd left files in $work"
  say "bessd has ended in order."
}

# ---- two ways to declare; each of them has the same verbs ----

tf=$(command -v terraform || command -v tofu || true)

# in_folder FOLDER COMMAND...: runs terraform in a copy of the folder.
in_folder() { (cd "$work/$1" && shift && "$@"); }

if [[ -n $tf ]]; then
  tool=$(basename "$tf")
  unset TF_DATA_DIR TF_WORKSPACE TF_PLUGIN_CACHE_DIR
  export TF_CLI_CONFIG_FILE=$work/terraformrc CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1 TF_CLI_ARGS=-no-color
  export TF_VAR_address=$BESS_ADDRESS TF_VAR_capture=$CAPTURE TF_VAR_result=$RESULT

  # prepare makes a mirror in the file system, the way to use a provider
  # without a registry.
  prepare() {
    local host dir platform
    platform=$(go env GOOS)_$(go env GOARCH)
    for host in registry.terraform.io registry.opentofu.org; do
      dir=$work/mirror/$host/bessform/bess/$version/$platform
      mkdir -p "$dir"
      cp "$root/bin/terraform-provider-bess" "$dir/terraform-provider-bess_v$version"
    done
    printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$work/mirror" >"$TF_CLI_CONFIG_FILE"
    mkdir "$work/acl" "$work/live"
    cp "$here"/*.tf "$work/acl"
    cp "$here"/live/*.tf "$work/live"
    say "The provider comes from a mirror in the file system; no registry is asked."
  }
  # declare FOLDER
  build() {
    run "$tool init" '^- Installed' in_folder "$1" "$tf" init
    run "$tool plan" '^Plan:' in_folder "$1" "$tf" plan
    run "$tool apply" '^Apply complete' in_folder "$1" "$tf" apply -auto-approve
  }
  # unchanged FOLDER
  unchanged() { run "$tool plan -detailed-exitcode" '^No changes' in_folder "$1" "$tf" plan -detailed-exitcode; }
  # change FOLDER RULES: another list, in rules.json or rules2.json
  change() {
    run "$tool apply -var rules=\"\$(cat $2.json)\"" '^Apply complete' \
      in_folder "$1" "$tf" apply -auto-approve -var "rules=$(cat "$here/$2.json")"
  }
  # remove FOLDER
  remove() { run "$tool destroy" '^Destroy complete' in_folder "$1" "$tf" destroy -auto-approve; }
else
  # prepare has nothing to do.
  prepare() {
    say "Neither terraform nor tofu is on PATH: bessctl apply does the same with YAML."
    mkdir "$work/acl" "$work/live"
    cp "$here/acl.yaml" "$work/acl"
    cp "$here"/live/*.yaml "$work/live"
  }
  files() { if [[ $1 == acl ]]; then echo acl.yaml; else echo "live.yaml rules.yaml"; fi; }
  build() {
    local files
    read -ra files <<<"$(files "$1")"
    run "bessctl validate ${files[*]}" . in_folder "$1" bessctl validate "${files[@]}"
    run "bessctl apply ${files[*]}" . in_folder "$1" bessctl apply "${files[@]}"
  }
  unchanged() {
    local files
    read -ra files <<<"$(files "$1")"
    run "bessctl diff ${files[*]}" . in_folder "$1" bessctl diff "${files[@]}"
  }
  change() { run "bessctl apply live.yaml $2.yaml" . in_folder "$1" bessctl apply live.yaml "$2.yaml"; }
  remove() { run "bessctl daemon reset --yes" . bessctl daemon reset --yes; }
fi

# ---- what is looked at ----

# numbers reads what the access list and the ports count, for check.
numbers() {
  run "bessctl -o json show module fw" '^$' bessctl -o json show module fw
  cp "$log" "$work/show"
  run "bessctl -o json show port" '^$' bessctl -o json show port
  cat "$log" >>"$work/show"
}

# A file that gives no packet has no more: the first number counts such reads.
recording_ended() { bessctl -o json show port files | tr -d ' \n' | grep -q '"in":{[^}]*"actual_hist":\[[1-9]'; }
list_counts() { bessctl -o json show module fw | grep -A3 '"name": "allowed"' | grep -q '"value": [0-9]\{6,\}'; }

nothing_left() {
  local what
  for what in module port tc worker; do
    bessctl -o json show "$what" >"$log"
    [[ $(tr -d '[:space:]' <"$log") == '[]' ]] || fail "left over: $(cat "$log")"
  done
  say "Nothing is left: no module, port, traffic class or worker."
}

# ---- the demonstration ----

main() {
  for p in bessd bessctl terraform-provider-bess; do
    [[ -x $root/bin/$p ]] || fail "bin/$p is missing; run make build"
  done
  go build -C "$root" -o "$work/check" ./examples/acl/check
  trap clean_up EXIT
  trap 'exit 130' INT TERM

  step "Start the daemon"
  start_bessd

  step "Declare the pipeline: traffic.pcap -> access list -> out.pcap"
  prepare
  build acl

  step "See where the packets went"
  until_true "the end of the recording" recording_ended
  run "bessctl show pipeline" . bessctl show pipeline
  numbers
  "$work/check" table "$work/show" "$here/expected.json" | sed 's/^/   /' || fail "not every packet is in its place"

  step "Compare with what an independent program expects"
  printf '   $ check pcap out.pcap expected.pcap\n'
  "$work/check" pcap "$RESULT" "$here/expected.pcap" | indent || fail "the result is wrong"

  step "Plan again: there is nothing to do"
  unchanged acl

  step "Remove it"
  remove acl
  nothing_left

  step "The recording over and over again, as fast as one core can; change the rules meanwhile"
  build live
  until_true "traffic" list_counts
  for rules in rules2 rules rules2; do
    change live "$rules"
    sleep 0.5
  done

  step "Stop and count: sent = received + dropped"
  run "bessctl command module rx set_burst '{burst: 0}'" '^$' bessctl command module rx set_burst '{burst: 0}'
  run "bessctl pause" '^$' bessctl pause
  numbers
  "$work/check" balance "$work/show" | sed 's/^/   /' || fail "packets were lost"

  step "Remove everything and stop"
  remove live
  nothing_left
  stop_bessd

  printf '\nAll as expected, in %d seconds. What to try next:\n\n' "$SECONDS"
  cat <<NEXT
   examples/tutorial     the first steps with BESS, as Terraform and as YAML
   bessctl explain ACL   what a class does and takes, for every class
   bessctl --help        the operator's tool
   README.md             how to do all this by hand
NEXT
}

main "$@"
