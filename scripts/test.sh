#!/bin/sh
# Runs the parts named as arguments, all of them without: vet fmt lint maprange test race fuzz conformance oracle e2e.
# It goes on after a part that fails, and ends with what failed and what was skipped. A part is skipped when this machine
# lacks what it needs; with LEAT_REQUIRE=all a skip is a failure.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${GO:=go}" "${FUZZTIME:=2000x}" "${LEAT_REQUIRE:=}"
export CGO_ENABLED="${CGO_ENABLED:-0}"
parts="${*:-vet fmt lint maprange test race fuzz conformance oracle e2e}"
failed="" skips=0 skipped=""

tool() { $GO tool -modfile=tools/go.mod "$@"; }

# skip NAME REASON counts a part that cannot run here.
skip() {
	skips=$((skips + 1))
	skipped="${skipped}${skipped:+, }$1: $2"
	echo "-- skipped $1: $2"
	[ "$LEAT_REQUIRE" != all ]
}

part_vet() { $GO vet -tags e2e ./... && (cd tools && $GO vet ./...); }

part_fmt() {
	bad=$(git ls-files -co --exclude-standard '*.go' | xargs $GO tool -modfile=tools/go.mod gofumpt -l) || return 1
	[ -z "$bad" ] || { printf 'not formatted (make fmt):\n%s\n' "$bad"; return 1; }
}

part_lint() { tool golangci-lint run; }

# Map order may not reach a result, in the rooms where results are computed.
part_maprange() {
	(cd tools && $GO build -o ../bin/maprange ./maprange) || return 1
	rooms=""
	for dir in pkg/sql pkg/messages internal/task internal/state; do
		if [ -d "$dir" ]; then rooms="$rooms ./$dir/..."; fi
	done
	bin/maprange $rooms # a list: no quotes
}

part_test() { $GO test -timeout 15m ./...; }

part_race() {
	command -v "${CC:-gcc}" >/dev/null || { skip race "no C compiler"; return; }
	CGO_ENABLED=1 $GO test -race -short -timeout 20m ./...
}

# Each fuzz target for FUZZTIME (inputs, or a time), beyond its seeds, which the tests run.
part_fuzz() {
	for dir in $(git grep -l --untracked '^func Fuzz' -- '*_test.go' | xargs -r -n 1 dirname | sort -u); do
		for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$dir"/*_test.go); do
			echo "fuzz $dir $target"
			$GO test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" "./$dir" >bin/fuzz.log 2>&1 || {
				# The fuzzer of Go sometimes takes its own end for a failure; a real one names its input.
				if ! grep -q 'Failing input' bin/fuzz.log && grep -q 'context deadline exceeded' bin/fuzz.log; then continue; fi
				cat bin/fuzz.log
				return 1
			}
		done
	done
}

# The cases of other systems against the floors of each suite, also with a crash after every step. They are not a part
# of this repository: they lie beside it, or nowhere.
part_conformance() {
	floors=scripts/conformance.floors ended=0
	suites=$(sed -n 's/^\([a-z-]*\)[[:space:]]*\([^ ]*\.jsonl\).*/\1 \2/p' "$floors" | sort -u)
	if [ ! -d ../shared/cases ]; then
		echo "0 passed, 0 failed, $(echo "$suites" | wc -l) skipped"
		skip conformance "no ../shared/cases"
		return
	fi
	make -s build || return 1
	echo "$suites" >bin/conformance.suites
	while read -r format file; do
		min=$(awk -v f="$format" -v p="$file" '$1 == f && $2 == p { printf " --min %s=%s", $3, $4 }' "$floors")
		for crash in "" --crash; do
			echo "$format $file $crash"
			# shellcheck disable=SC2086 # a list of flags
			bin/leat test --format "$format" "../shared/cases/$file" $crash $min >bin/conformance.log 2>&1 || ended=1
			grep -v '^FAIL' bin/conformance.log
		done
	done <bin/conformance.suites
	return $ended
}

# Nexmark and random queries against DuckDB, which needs C and C++. ORACLE_FLAGS asks for more: make oracle-long.
part_oracle() {
	command -v "${CC:-gcc}" >/dev/null && command -v "${CXX:-g++}" >/dev/null || { skip oracle "no C compiler"; return; }
	# shellcheck disable=SC2086 # a list of flags
	(export CGO_ENABLED=1 && cd oracle && $GO vet ./... &&
		$GO test -count 1 -timeout "${ORACLE_TIMEOUT:-20m}" . ${ORACLE_FLAGS:-})
}

# Tests over real processes. Those of compose need a Docker engine and are asked for by LEAT_DOCKER=1.
part_e2e() {
	[ -d e2e ] || { echo "no e2e folder"; return 0; }
	make -s build || return 1
	docker=0 ended=0
	if [ -f e2e/compose_test.go ]; then
		if ! docker info >/dev/null 2>&1; then
			skip docker "no engine answers" || ended=1
		elif ! docker compose version >/dev/null 2>&1; then
			skip docker "no docker compose" || ended=1
		else
			docker=1
		fi
	fi
	LEAT_DOCKER=$docker $GO test -tags e2e -count 1 -timeout 30m ./e2e/... || ended=1
	return $ended
}

mkdir -p bin
for part in $parts; do
	echo "== $part"
	began=$(date +%s)
	if "part_$part"; then result=ok; else result=FAILED failed="$failed $part"; fi
	echo "== $part: $result, $(($(date +%s) - began)) s"
done
[ -z "$failed" ] || echo "failed:$failed"
echo "skipped: $skips${skipped:+ ($skipped)}"
[ -z "$failed" ]
