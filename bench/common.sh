# What the benches' scripts have in common: they source it.
# shellcheck shell=bash disable=SC2034 # the others use what it sets

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
out=build/bench
mkdir -p "$out"

# What is measured has a processor of its own where there are two; the rest has the other.
measured='' rest=''
if [ "$(nproc)" -ge 2 ] && command -v taskset > /dev/null; then
  measured='taskset -c 0' rest='taskset -c 1'
fi

# Builds bench/<name>.c: compile name flag …
compile() {
  "${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 -o "$out/$1" "bench/$1.c" "${@:2}" || exit
}

