#!/usr/bin/env bash
# launch/env.sh from another folder, twice, without and with the wheels, and with the user's own LibTorch.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$scratch"
export XDG_CACHE_HOME=$scratch/cache
unset LIBTORCH_ROOT VIRTUAL_ENV
PATH=/usr/bin:/bin
venv=$(. "$root/launch/pins.sh" && echo "$charrnn_venv")
contains "the virtual environment's path" "$scratch/cache/charrnn/venv-" "$venv"

status=0
message=$(. "$root/launch/env.sh" 2>&1) || status=$?
equal "status without wheels" 1 "$status"
contains "message without wheels" "launch/install.sh" "$message"
message=$(bash -c '. "$1/launch/env.sh"; echo "$PATH"' _ "$root" 2>/dev/null)
equal "PATH without wheels" /usr/bin:/bin "$message"

contains "another shell" "expected bash or zsh" "$(sh -c '. "$1/launch/env.sh"' _ "$root" 2>&1 || true)"

mkdir -p "$venv/bin" "$venv/lib/python3.11/site-packages/torch"
touch "$venv/core.done"
. "$root/launch/env.sh"
equal "LIBTORCH_ROOT" "$venv/lib/python3.11/site-packages/torch" "$LIBTORCH_ROOT"
equal "PATH" "$root/build/release/bin:$root/launch:$venv/bin:/usr/bin:/bin" "$PATH"
equal "working directory" "$scratch" "$PWD"
. "$root/launch/env.sh"
equal "PATH, the second time" "$root/build/release/bin:$root/launch:$venv/bin:/usr/bin:/bin" "$PATH"
equal "variables that remain" "" "$(compgen -v _charrnn || true)"
if [ "$(id -u)" = 0 ]; then equal "root may run mpirun" 11 "$OMPI_ALLOW_RUN_AS_ROOT$OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"; fi

LIBTORCH_ROOT=$XDG_CACHE_HOME/charrnn/venv-of-older-pins/torch
. "$root/launch/env.sh"
equal "LIBTORCH_ROOT of older pins" "$venv/lib/python3.11/site-packages/torch" "$LIBTORCH_ROOT"

rm -r "$venv"
LIBTORCH_ROOT=/opt/libtorch
. "$root/launch/env.sh"
equal "the user's own LibTorch" /opt/libtorch "$LIBTORCH_ROOT"
