# shellcheck shell=bash disable=SC2034
# Shared by the shell tests: the repository's path, a scratch folder that is removed at exit, and checks.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/charrnn test.XXXXXX")  # a blank in the path, on purpose
trap 'rm -rf "$scratch"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }
equal() { [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"; }                    # WHAT EXPECTED FOUND
contains() { case $3 in *"$2"*) ;; *) fail "$1: expected '$2' in:"$'\n'"$3" ;; esac; }  # WHAT PART WHOLE
