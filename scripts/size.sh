#!/bin/sh
# size.sh BINARY: its size, the limit of 48 MiB, and the code and constants of each module in KiB. The binary itself has
# no symbols, so the table comes from a build of the same source that keeps them; variables are left out, since most are
# memory and not bytes of the file.
set -eu
cd "$(dirname "$0")/.."
: "${GO:=go}"
limit=$((48 * 1024 * 1024))
bytes=$(wc -c <"$1")
full=$(mktemp)
trap 'rm -f "$full" "$full.mods"' EXIT
CGO_ENABLED=0 $GO build -trimpath -o "$full" ./cmd/leat
$GO version -m "$full" | awk '$1 == "dep" || $1 == "mod" { print $2 }' >"$full.mods"
echo "   KiB  module (code and constants; the rest of the file is tables of the runtime)"
$GO tool nm -size "$full" | awk -v mods="$full.mods" '
	BEGIN { while ((getline line <mods) > 0) module[line] = 1 }
	$3 ~ /^[tTrR]$/ {
		path = $4
		sub(/^(type:\.(eq|hash)\.|go:itab\.\*?|type:\*?)/, "", path)
		head = ""
		if (match(path, /.*\//)) { head = substr(path, 1, RLENGTH); path = substr(path, RLENGTH + 1) }
		if (match(path, /[.(\[]/)) path = substr(path, 1, RSTART - 1)
		path = head path
		gsub(/%2e/, ".", path)
		owner = "standard library and runtime"
		for (;;) {
			if (path in module) { owner = path; break }
			if (!sub(/\/[^\/]*$/, "", path)) break
		}
		sum[owner] += $2
	}
	END { for (m in sum) if (sum[m] >= 16384) printf "%6d  %s\n", sum[m] / 1024, m }' | sort -rn
tenths=$((bytes * 10 / 1024 / 1024))
echo "size: $1 has $bytes bytes, $((tenths / 10)).$((tenths % 10)) of 48 MiB"
[ "$bytes" -le "$limit" ] || { echo "size: above the limit of $limit bytes"; exit 1; }
