#!/usr/bin/env bash
# All benchmarks, side by side in one run: commits against plain SQLite, the wire against PostgreSQL
# 15. Prints one table with the goals beside; ./dev bench builds what it needs first.
#   bench/run.sh [ROUNDS [COMMIT_SECONDS [WIRE_SECONDS]]]   medians of ROUNDS (5) rounds
set -euo pipefail
cd "$(dirname "$0")/.."

build=${SPAR_BUILD:-build/release}
postgres=${POSTGRES_BIN:-/usr/lib/postgresql/15/bin}
rounds=${1:-5}
commit_seconds=${2:-1}
wire_seconds=${3:-5}
clients=8

fail() { printf '%s\n' "bench: $*" >&2; exit 1; }
for program in "$build/spar" "$build/bench/bench_commits" "$postgres/postgres" "$postgres/initdb"; do
  [ -x "$program" ] || fail "$program is missing (./dev bench builds and installs it)"
done

# The data lies on a disk, not on a tmpfs: a commit is a flush.
build=$(realpath "$build")
scratch=$(mktemp -d "$build/bench-XXXXXX")
spar_pid='' postgres_pid=''
clean_up() {
  [ -z "$spar_pid" ] || kill -TERM "$spar_pid" 2>/dev/null || true
  [ -z "$postgres_pid" ] || kill -INT "$postgres_pid" 2>/dev/null || true
  wait || true
  rm -rf "$scratch" "${postgres_scratch:-}"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Free a moment ago.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for_sql PORT NAME LOG
wait_for_sql() {
  local tries
  for tries in $(seq 300); do
    psql_at "$1" -c 'SELECT 1' >/dev/null 2>&1 && return
    sleep 0.1
  done
  tail -n 20 "$3" >&2
  fail "$2 did not start"
}

psql_at() {
  local port=$1
  shift
  PGSSLMODE=disable psql -X -q -At -h 127.0.0.1 -p "$port" -U bench -d postgres "$@"
}

# As user postgres when we are root, which PostgreSQL refuses.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then exec setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; fi
  exec "$@"
}

start_postgres() {
  postgres_scratch=$(mktemp -d)
  [ "$(id -u)" != 0 ] || chown postgres "$postgres_scratch"
  (cd / && as_postgres "$postgres/initdb" -D "$postgres_scratch/data" --locale=C -E UTF8 -U bench \
    -A trust) >"$scratch/initdb.log" 2>&1 || { cat "$scratch/initdb.log" >&2; fail "initdb failed"; }
  postgres_port=$(free_port)
  (cd / && as_postgres "$postgres/postgres" -D "$postgres_scratch/data" -p "$postgres_port" \
    -h 127.0.0.1 -k '') >"$scratch/postgres.log" 2>&1 &
  postgres_pid=$!
  wait_for_sql "$postgres_port" PostgreSQL "$scratch/postgres.log"
}

start_spar() {
  spar_port=$(free_port)
  "$build/spar" init "$scratch/node" --copies 2 --listen "127.0.0.1:$spar_port" >/dev/null
  "$build/spar" serve "$scratch/node/spar.toml" >"$scratch/spar.log" 2>&1 &
  spar_pid=$!
  wait_for_sql "$spar_port" Spar "$scratch/spar.log"
}

# tps PORT PGBENCH_OPTION...
tps() {
  local port=$1 out
  shift
  out=$(PGSSLMODE=disable pgbench -h 127.0.0.1 -p "$port" -U bench -n -c "$clients" -j 2 \
    -T "$wire_seconds" "$@" postgres 2>&1) || { printf '%s\n' "$out" >&2; fail "pgbench failed"; }
  printf '%s\n' "$out" | sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}

load() {
  PGSSLMODE=disable pgbench -h 127.0.0.1 -p "$1" -U bench -i -s 1 -q postgres \
    >"$scratch/load.log" 2>&1 || { cat "$scratch/load.log" >&2; fail "pgbench -i failed"; }
}

median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b > 0 ? a / b : 0) }'; }

# line NAME OURS THEIRS RATIO [GOAL [at_least|at_most]]
line() {
  local goal=${5:-} verdict=''
  if [ -n "$goal" ]; then
    verdict=$(awk -v r="$4" -v g="$goal" -v kind="$6" \
      'BEGIN { met = kind == "at_least" ? r + 0 >= g + 0 : r + 0 <= g + 0
             print (met ? "met" : "NOT MET") }')
    goal="${6/_/ } $goal"
  fi
  printf '%-44s %10.0f %10.0f %7s  %-13s %s\n' "$1" "$2" "$3" "$4" "$goal" "$verdict"
}

measure_commits() {
  "$build/bench/bench_commits" "$rounds" "$commit_seconds" "$scratch" | tee "$scratch/commits"
  plain=$(awk '/^  plain SQLite/ && $NF > best { best = $NF } END { print best }' "$scratch/commits")
  at_8=$(sed -n 's/^  Spar, 8 sessions *\([0-9]*\).*/\1/p' "$scratch/commits")
  at_32=$(sed -n 's/^  Spar, 32 sessions *\([0-9]*\).*/\1/p' "$scratch/commits")
  read -r latency_plain latency_spar < <(
    sed -n 's/^commit latency.*plain \([0-9]*\), Spar \([0-9]*\).*/\1 \2/p' "$scratch/commits")
  [ -n "$at_8" ] && [ -n "$at_32" ] && [ -n "$latency_spar" ] || fail "cannot read bench_commits"
}

measure_wire() {
  local round server port
  start_postgres
  start_spar
  load "$postgres_port"
  load "$spar_port"
  psql_at "$postgres_port" -c 'VACUUM ANALYZE'
  for round in $(seq "$rounds"); do
    for server in postgres spar; do
      port=${server}_port
      tps "${!port}" -S -M prepared >>"$scratch/$server.select"
    done
  done
  for round in $(seq "$rounds"); do
    for server in postgres spar; do
      port=${server}_port
      tps "${!port}" -M prepared >>"$scratch/$server.default"
    done
  done
}

result() { median <"$scratch/$1.$2"; }

printf 'load average before: %s; %s cores\n' "$(cut -d' ' -f1-3 /proc/loadavg)" "$(nproc)"
measure_commits
measure_wire
printf '\n%-44s %10s %10s %7s  %s\n' "medians of $rounds rounds" Spar other ratio goal
line 'commits/s, 8 sessions : best plain SQLite' "$at_8" "$plain" "$(ratio "$at_8" "$plain")" \
  2.0 at_least
line 'commits/s, 32 sessions : best plain SQLite' "$at_32" "$plain" "$(ratio "$at_32" "$plain")" \
  4.0 at_least
line 'commit latency us, 1 client : plain SQLite' "$latency_spar" "$latency_plain" \
  "$(ratio "$latency_spar" "$latency_plain")" 1.5 at_most
selects=$(result spar select) their_selects=$(result postgres select)
line "point SELECTs/s, $clients clients : PostgreSQL 15" "$selects" "$their_selects" \
  "$(ratio "$selects" "$their_selects")" 1.0 at_least
scripts=$(result spar default) their_scripts=$(result postgres default)
line "pgbench script tps, $clients clients : PostgreSQL 15" "$scripts" "$their_scripts" \
  "$(ratio "$scripts" "$their_scripts")"
