#!/usr/bin/env bash
# Builds oneTBB from Debian's source package with the thread sanitizer, which must see how TBB's threads wait for each other:
# with the library as Debian compiles it, each task that another thread takes over looks like a data race. Prints the
# folder that it is installed in; launch/build.sh tsan calls this.
set -euo pipefail
exec </dev/null  # the list of a loop around this script stays whole
launch=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage="usage: launch/tsan_tbb.sh
Builds oneTBB under the thread sanitizer in the user's cache folder, and prints that folder."

case ${1:-} in
  '') ;;
  -h | --help) echo "$usage"; exit 0 ;;
  *) echo "tsan_tbb: unknown argument '$1'"$'\n'"$usage" >&2; exit 2 ;;
esac
fail() { printf '%s\n' "tsan_tbb: $*" >&2; exit 1; }
run() { printf '+ %s\n' "$*" >&2; "$@" >&2; }

# shellcheck source=launch/pins.sh
. "$launch/pins.sh"
version=$(dpkg-query -W -f='${Version}' libtbb-dev 2>/dev/null) ||
  fail "no Debian package libtbb-dev here: install a oneTBB built with -fsanitize=thread by hand, and set TBB_ROOT"
folder=$charrnn_cache/tbb-tsan-$version
if [ -e "$folder/done" ]; then
  echo "$folder"
  exit
fi

# The system's sources of packages, asked for source packages; the system's lists stay as they are.
rm -rf "$folder"
mkdir -p "$folder"/{sources,lists/partial,archives/partial,download,code}
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
  if [ -e "$file" ]; then
    sed -E 's/^Types: .*/Types: deb-src/; s/^deb /deb-src /' "$file" >"$folder/sources/${file##*/}"
  fi
done
options=(-qq -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$folder/sources"
  -o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder" -o "APT::Sandbox::User=root")
run apt-get "${options[@]}" update
(cd "$folder/download" && run apt-get "${options[@]}" source --download-only "onetbb=$version") ||
  fail "could not download the source package onetbb $version"
tar -xf "$folder"/download/onetbb_*.orig.tar.* -C "$folder/code" --strip-components=1

run cmake -S "$folder/code" -B "$folder/build" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1 -DNDEBUG" -DCMAKE_INSTALL_PREFIX="$folder" \
  -DTBB_SANITIZE=thread -DTBB_TEST=OFF -DTBB_STRICT=OFF -DTBBMALLOC_BUILD=OFF
run cmake --build "$folder/build" --target install
rm -rf "$folder"/{sources,lists,archives,download,code,build} "$folder"/*.bin
touch "$folder/done"
echo "$folder"
