#!/usr/bin/env bash
# Installs the Debian packages that IonStream needs and that are missing. Says what it installs, asks first when a terminal is
# there, removes nothing.
#   scripts/setup-debian.sh [--tests] [--fuzz] [--peers] [--check]
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/setup-debian.sh [--tests] [--fuzz] [--peers] [--check]
  (nothing)  what building and running needs
  --tests    also what the tests need: foreign gRPC clients, abidiff, the test suite of JSON Schema
  --fuzz     also clang-19, for fuzz targets and thread-safety annotations
  --peers    also Java, Maven and Python's venv, for tests against other implementations
  --check    install nothing; list what is missing, exit 1 if anything is
TEXT
}

build_packages=(
  build-essential cmake ninja-build ccache mold pkg-config python3
  libgrpc++-dev libgrpc-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libprotoc-dev
  libboost-dev libboost-system-dev libboost-filesystem-dev libboost-program-options-dev
  nlohmann-json3-dev libspdlog-dev libfmt-dev libssl-dev libxxhash-dev
  libre2-dev zlib1g-dev liblz4-dev libzstd-dev libsnappy-dev
  libgtest-dev libgmock-dev googletest
)
test_packages=(python3-grpcio python3-protobuf abigail-tools json-schema-test-suite)
fuzz_packages=(clang-19 libclang-rt-19-dev)
peers_packages=(default-jdk-headless maven python3-venv)

wanted=("${build_packages[@]}")
check_only=no
for argument in "$@"; do
  case $argument in
    --tests) wanted+=("${test_packages[@]}") ;;
    --fuzz) wanted+=("${fuzz_packages[@]}") ;;
    --peers) wanted+=("${peers_packages[@]}") ;;
    --check) check_only=yes ;;
    -h | --help) usage; exit 0 ;;
    *) echo "setup-debian.sh: unknown argument $argument" >&2; usage >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup-debian.sh: this is no Debian system. Install by hand what corresponds to: ${wanted[*]}" >&2
  exit 1
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
missing=()
for package in "${wanted[@]}"; do
  grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

echo "setup-debian.sh: missing Debian packages: ${missing[*]}"
if [ $check_only = yes ]; then
  exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup-debian.sh: run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

if [ -t 0 ] && [ -t 1 ]; then
  read -r -p "Install them with apt-get? Nothing is removed. [Y/n] " answer
  case $answer in
    '' | [Yy]*) ;;
    *) echo "setup-debian.sh: nothing installed" >&2; exit 1 ;;
  esac
fi

# The answer was given above, so apt-get does not ask again; --no-remove makes it stop rather than remove a package.
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-remove --no-install-recommends "${missing[@]}"
echo "setup-debian.sh: installed ${#missing[@]} packages"
