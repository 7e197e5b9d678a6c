#!/usr/bin/env bash
# The laws of the house, before each commit: about ten seconds. Those that read objects, plugins and headers need a build and use
# build/dev when it is there. What the laws are: tests/house/README.md.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${1:-$root/build/dev}
failed=0
law() {
  python3 -B "$root/tests/house/$1" --root "$root" "${@:2}" || failed=1
}
law includes_test.py
law words_test.py
law sizes_test.py
if [ -f "$build/compile_commands.json" ]; then
  law dead_files_test.py --build "$build"
  law object_symbols_test.py --build "$build"
  law plugin_binary_test.py --build "$build"
  law headers_test.py --build "$build"
else
  law dead_files_test.py
  echo "not read, for want of a build in $build: objects (3, 5), plugins (6), headers alone (9)"
fi
exit $failed
