# What the benches' scripts have in common: they source it, and run in the root of the tree then.
# shellcheck shell=bash disable=SC2034 # they use what it sets

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
out=build/bench
mkdir -p "$out"

# What is measured has a processor of its own where there are two; the rest has the other.
measured='' rest=''
if [ "$(nproc)" -ge 2 ] && command -v taskset > /dev/null; then
  measured='taskset -c 0' rest='taskset -c 1'
fi

# A directory on a disk, which goes when the script ends.
directory=$(mktemp -d "${TMPDIR:-/tmp}/apivideo-bench.XXXXXX") || exit
trap 'rm -rf "$directory"' EXIT

# Builds bench/<name>.c with a library: compile name library flag …
compile() {
  # shellcheck disable=SC2046
  "${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 "${@:3}" $(pkg-config --cflags "$2") -o "$out/$1" "bench/$1.c" \
    $(pkg-config --libs "$2") || exit
}

# @octokit/webhooks' server, or nothing where it is not installed.
octokit=
if [ -d build/peers/node_modules/@octokit/webhooks ] && command -v node > /dev/null; then
  cp bench/octokit.mjs build/peers/ || exit # it looks for its modules beside it
  octokit=build/peers/octokit.mjs
fi
