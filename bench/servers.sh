#!/usr/bin/env bash
# The way to a PostgreSQL server, side by side in one run: Spar as a user has it (a cluster of three servers,
# commits waiting for a mirror), pgbouncer (transaction pooling) and HAProxy in front of the same primary, and the
# primary itself. pgbench, 16 clients, rounds alternating; medians and ratios to going there directly.
#   bench/servers.sh [ROUNDS [SECONDS]]      (5, 3)
# A part of it: MODES="simple extended prepared", SCRIPTS="select-only tpcb-like", WAYS="direct spar pgbouncer haproxy".
set -euo pipefail
cd "$(dirname "$0")/.."

build=$(realpath "${SPAR_BUILD:-build/release}")
rounds=${1:-5}
seconds=${2:-3}
clients=16
all=(direct spar pgbouncer)
command -v haproxy >/dev/null && all+=(haproxy)
read -ra ways <<<"${WAYS:-${all[*]}}"
read -ra modes <<<"${MODES:-simple extended prepared}"
read -ra scripts <<<"${SCRIPTS:-select-only tpcb-like}"

fail() {
  if [ -e "${place:-}/db/spar.toml" ]; then  # a failover, perhaps
    "$build/spar" events --config "$place/db/spar.toml" 2>&1 | tail -n 25 >&2
  fi
  printf '%s\n' "bench: $*" >&2
  exit 1
}
[ -x "$build/spar" ] || fail "$build/spar is missing (./dev bench builds it)"
command -v pgbouncer >/dev/null || fail "pgbouncer is missing (./dev bench installs it)"

scratch=$(mktemp -d "$build/bench-XXXXXX")
pids=()
clean_up() {
  local pid
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  wait || true
  rm -rf "$scratch" "$place"
}
place=$(mktemp -d)  # where the servers' own user gets to
chmod 755 "$place"
trap clean_up EXIT
trap 'exit 130' INT TERM

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
psql_at() { psql -X -q -At "host=127.0.0.1 port=$1 user=postgres dbname=postgres" -c "$2"; }
wait_for() {
  local tries
  for tries in $(seq 300); do
    psql_at "$1" 'select 1' >/dev/null 2>&1 && return
    sleep 0.1
  done
  fail "$2 did not start"
}
status() { "$build/spar" status --config "$place/db/spar.toml" --json; }
whole() {
  status | python3 -c 'import json, sys
c = json.load(sys.stdin)["clusters"][0]
sys.exit(not (c["protected"] and all(x["health"] == "ok" for x in c["copies"])))'
}

port_spar=$(free_port)
"$build/spar" init "$place/db" --engine postgres --listen "127.0.0.1:$port_spar" >/dev/null
"$build/spar" serve "$place/db/spar.toml" >"$scratch/spar.log" 2>&1 &
pids+=($!)
until whole 2>/dev/null; do sleep 0.2; done
port_direct=$(status | python3 -c 'import json, sys
print(*[x["address"].split(":")[1] for x in json.load(sys.stdin)["clusters"][0]["copies"] if x["role"] == "primary"])')

port_pgbouncer=$(free_port)
printf '"postgres" ""\n' >"$place/users"
cat >"$place/pgbouncer.ini" <<INI
[databases]
postgres = host=127.0.0.1 port=$port_direct dbname=postgres user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port_pgbouncer
unix_socket_dir =
auth_type = any
auth_file = $place/users
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
$(pgbouncer --version | head -1 | awk '{ split($2, v, "."); if (v[1] > 1 || v[2] >= 21) print "max_prepared_statements = 100" }')
INI
if [ "$(id -u)" = 0 ]; then
  setpriv --reuid=postgres --regid=postgres --clear-groups pgbouncer "$place/pgbouncer.ini" >"$scratch/pgbouncer.log" 2>&1 &
else
  pgbouncer "$place/pgbouncer.ini" >"$scratch/pgbouncer.log" 2>&1 &
fi
pids+=($!)
wait_for "$port_pgbouncer" pgbouncer

if command -v haproxy >/dev/null; then
  port_haproxy=$(free_port)
  cat >"$place/haproxy.cfg" <<CFG
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen postgres
  bind 127.0.0.1:$port_haproxy
  server primary 127.0.0.1:$port_direct
CFG
  haproxy -f "$place/haproxy.cfg" >"$scratch/haproxy.log" 2>&1 &
  pids+=($!)
  wait_for "$port_haproxy" HAProxy
fi

# Through Spar, which waits for the mirror as everybody does then.
pgbench -h 127.0.0.1 -p "$port_spar" -U postgres -i -s 10 -q postgres >"$scratch/load.log" 2>&1 ||
  { cat "$scratch/load.log" >&2; fail "pgbench -i failed"; }

# tps and p99 (ms) of one run
run() {
  local way=$1 port=port_$1 out log
  shift
  log="$scratch/log"
  rm -f "$log".*
  out=$(pgbench -h 127.0.0.1 -p "${!port}" -U postgres -n -c "$clients" -j 2 -T "$seconds" -l \
    --log-prefix="$log" "$@" postgres 2>&1) || { printf '%s\n' "$out" >&2; fail "pgbench failed by way of $way"; }
  local p99
  p99=$(cat "$log".* | awk '{ print $3 }' | sort -n | awk '{ v[NR] = $1 } END { print v[int(NR * 0.99)] / 1000 }')
  printf '%s %s\n' "$(printf '%s\n' "$out" | sed -n 's/^tps = \([0-9.]*\).*/\1/p')" "$p99"
}
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

printf 'load average before: %s; %s cores; %s clients\n' "$(cut -d' ' -f1-3 /proc/loadavg)" "$(nproc)" "$clients"
printf '%-28s %-10s %10s %8s %9s %8s\n' "medians of $rounds rounds" way tps ratio 'p99 ms' ratio
for mode in "${modes[@]}"; do
  for script in "${scripts[@]}"; do
    # Before 1.21 pgbouncer cannot prepare statements in transaction pooling. Each way goes first in its turn.
    for round in $(seq "$rounds"); do
      for turn in $(seq "${#ways[@]}"); do
        way=${ways[(turn + round) % ${#ways[@]}]}
        [ "$way $mode" != "pgbouncer prepared" ] || grep -q max_prepared "$place/pgbouncer.ini" || continue
        run "$way" -M "$mode" -b "$script" >>"$scratch/$mode.$script.$way"
      done
    done
    first="$scratch/$mode.$script.${ways[0]}"  # what the others are compared with
    direct_tps=$(awk '{ print $1 }' "$first" | median)
    direct_p99=$(awk '{ print $2 }' "$first" | median)
    for way in "${ways[@]}"; do
      [ -e "$scratch/$mode.$script.$way" ] || continue
      awk -v name="$script, $mode" -v way="$way" -v t="$(awk '{ print $1 }' "$scratch/$mode.$script.$way" | median)" \
        -v p="$(awk '{ print $2 }' "$scratch/$mode.$script.$way" | median)" -v dt="$direct_tps" -v dp="$direct_p99" \
        'BEGIN { printf "%-28s %-10s %10.0f %8.2f %9.2f %8.2f\n", name, way, t, t / dt, p, p / dp }'
    done
  done
done
