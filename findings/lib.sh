# Common part of the findings: sourced, never run. Makes a temporary folder, goes there, and removes it at the end.
set -u
folder=$(mktemp -d "${TMPDIR:-/tmp}/finding.XXXXXX") || exit 2
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2

cannot_try() { echo "cannot be tried: $*" >&2; exit 2; }

# same SEEN WANTED: prints what was seen; exit 1 with both when it is not what this finding says.
same() {
  printf '%s\n' "$1"
  if [ "$1" != "$2" ]; then
    printf 'changed; this finding was:\n%s\n' "$2" >&2
    exit 1
  fi
  echo "still so"
}

python_with() {  # python_with PACKAGE==VERSION...: a virtual environment in ./venv
  python3 -m venv venv >/dev/null 2>&1 || cannot_try "python3 -m venv"
  venv/bin/pip --quiet --disable-pip-version-check install "$@" >pip.log 2>&1 || cannot_try "pip install $*: $(tail -n 1 pip.log)"
}
