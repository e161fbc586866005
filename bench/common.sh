# Common code of the benchmark scripts. They source it, and then run in the root of the tree.
# shellcheck shell=bash disable=SC2034 # the scripts use the variables

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
out=build/bench
mkdir -p "$out"

# With two processors, the measured process has its own; all others share the other one.
measured='' rest=''
if [ "$(nproc)" -ge 2 ] && command -v taskset > /dev/null; then
  measured='taskset -c 0' rest='taskset -c 1'
fi

# A temporary directory on a disk.
directory=$(mktemp -d "${TMPDIR:-/tmp}/apivideo-bench.XXXXXX") || exit
trap 'rm -rf "$directory"' EXIT

# Builds bench/<name>.c, with a library if there is one: compile name [library [flag …]]
compile() {
  local flags=() libraries=()
  if [ -n "${2:-}" ]; then
    read -ra flags <<< "$(pkg-config --cflags "$2")"
    read -ra libraries <<< "$(pkg-config --libs "$2")"
  fi
  "${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 "${@:3}" "${flags[@]}" -o "$out/$1" "bench/$1.c" "${libraries[@]}" || exit
}

# The script of @octokit/webhooks' server, or empty if it is not installed.
octokit=
if [ -d build/peers/node_modules/@octokit/webhooks ] && command -v node > /dev/null; then
  cp bench/octokit.mjs build/peers/ || exit # Node.js searches for modules in the script's directory
  octokit=build/peers/octokit.mjs
fi
