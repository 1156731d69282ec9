#!/usr/bin/env bash
# Checks that every C++ file of ours is formatted according to .clang-format.
# usage: check_format.sh CLANG_FORMAT SOURCE_FOLDER
set -euo pipefail

clang_format=$1
source_folder=$2

if ! command -v "$clang_format" >/dev/null; then
  echo "clang-format is missing: apt-get install clang-format" >&2
  exit 1
fi
cd "$source_folder"
mapfile -d '' files < <(find src tools bench python tests -name '*.h' -print0 -o -name '*.cpp' -print0 -o -name '*.inc' -print0)
if [ "${#files[@]}" -lt 10 ]; then
  echo "found only ${#files[@]} C++ files in $source_folder" >&2
  exit 1
fi
if printf '%s\0' "${files[@]}" | xargs -0 -n 50 -P "$(nproc)" "$clang_format" --dry-run -Werror 2>/dev/null; then
  echo "${#files[@]} files are formatted"
  exit 0
fi
bad=()
for file in "${files[@]}"; do
  "$clang_format" --dry-run -Werror "$file" 2>/dev/null || bad+=("$file")
done
echo "not formatted; run: clang-format -i ${bad[*]}" >&2
exit 1
