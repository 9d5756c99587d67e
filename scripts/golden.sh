#!/bin/sh
# Rewrites golden files: runs the tests of every package that has an -update flag with it.
set -eu
cd "$(dirname "$0")/.."
: "${GO:=go}"
for dir in $(git grep -l --untracked 'flag\.Bool("update"' -- '*_test.go' | xargs -r -n 1 dirname | sort -u); do
	$GO test -count 1 "./$dir" -update
done
git status --short
