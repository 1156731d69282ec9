#!/usr/bin/env bash
# The stand-in has all functions of the CUDA runtime and NCCL that our code uses, so none of the real ones are called.
# Usage: symbols_test.sh STAND_IN FILE...
set -euo pipefail
stand_in=$1
shift
defined=$(nm -D --defined-only "$stand_in")
found=0
missing=0
for file in "$@"; do
  for symbol in $(nm -D --undefined-only "$file" | sed -nE 's/^ +U ((cuda|nccl)[A-Za-z]+)(@.*)?$/\1/p'); do
    found=$((found + 1))
    grep -qE " T $symbol\$" <<<"$defined" || {
      echo "$file uses $symbol, which the stand-in does not have"
      missing=$((missing + 1))
    }
  done
done
echo "$found symbols, $missing missing"
[ "$found" -gt 20 ] && [ "$missing" = 0 ]
