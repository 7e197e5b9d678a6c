#!/usr/bin/env bash
# new-plugin.sh NAME [FOLDER]: a new plugin from the template of the SDK, in FOLDER (default: NAME). Installed as ion-new-plugin.
set -euo pipefail
name=${1:-}
folder=${2:-$name}
if [[ ! $name =~ ^[a-z][a-z0-9-]{0,48}$ ]]; then
  echo "usage: $(basename "$0") NAME [FOLDER]: NAME is a small letter, then small letters, digits and '-'; have '$name'" >&2
  exit 2
fi
if [[ -e $folder ]]; then
  echo "$(basename "$0"): $folder exists already" >&2
  exit 1
fi
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
template=
for candidate in "$here/../share/ionstream/plugin-template" "$here/../sdk/plugin/template"; do
  if [[ -f $candidate/plugin.cpp ]]; then template=$candidate; fi
done
if [[ -z $template ]]; then
  echo "$(basename "$0"): no plugin template beside $here" >&2
  exit 1
fi
class=$(sed -E 's/(^|-)([a-z0-9])/\U\2/g' <<<"$name")
mkdir -p "$folder"
for file in CMakeLists.txt plugin.cpp; do
  sed -e "s/max-size/$name/g; s/max_size/${name//-/_}/g; s/MaxSize/$class/g" "$template/$file" >"$folder/$file"
done
prefix=$(cd "$template/../../.." && pwd)
where=
if [[ -d $prefix/lib/cmake/IonStream && :$prefix: != :/usr: && :$prefix: != :/usr/local: ]]; then where=" -DCMAKE_PREFIX_PATH=$prefix"; fi
echo "$folder: build it with  cmake -S $folder -B $folder/build$where && cmake --build $folder/build"
