#!/usr/bin/env bash
# Configures and builds one preset: scripts/build.sh PRESET [target...]. Programs: build/PRESET/bin, plugins: build/PRESET/plugins.
# The compiler cache is shared by all presets and clones of this user (CCACHE_DIR moves it); JOBS sets how many compilers run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ $# -lt 1 ] || [[ $1 == -* ]]; then
  echo "usage: scripts/build.sh release|asan|tsan [target...]" >&2
  exit 2
fi
preset=$1
shift
build=$root/build/$preset

# Paths of the tree count as relative, so that a second clone finds what the first has compiled.
export CCACHE_DIR=${CCACHE_DIR:-${HOME:-/var/tmp}/.cache/ccache}
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root}
export CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}
mkdir -p "$CCACHE_DIR" "$root/build"

# A gRPC source takes more than a gigabyte of memory to compile: fewer compilers than processors on a small machine.
jobs=$(nproc)
free_mib=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo 2>/dev/null || true)
by_memory=$((${free_mib:-4096} / 1400))
if [ "$by_memory" -lt 1 ]; then by_memory=1; fi
if [ "$by_memory" -lt "$jobs" ]; then jobs=$by_memory; fi

# A folder that was copied together with its build cannot be configured again in place.
cache=$build/CMakeCache.txt
if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
  echo "build.sh: $build belongs to another folder; it is made anew"
  rm -rf "$build"
fi

cd "$root"
cmake --preset "$preset" >"$build.configure.log" 2>&1 || {
  status=$?
  cat "$build.configure.log" >&2
  exit $status
}
targets=()
if [ $# -gt 0 ]; then targets=(--target "$@"); fi
exec cmake --build "$build" --parallel "${JOBS:-$jobs}" "${targets[@]}"
