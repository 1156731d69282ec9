# shellcheck shell=bash
# . launch/env.sh puts the tools, launch/ and the virtual environment on the PATH of this shell. Sourcing it twice is harmless.
#
# It may be sourced in an interactive shell, so it changes no shell options and unsets its own variables.

if [ -z "${BASH_VERSION:-}${ZSH_VERSION:-}" ]; then
  echo "env.sh: expected bash or zsh, found another shell: start bash first" >&2
  return 1
fi
_charrnn_root=$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")/.." && pwd)
_charrnn_venv=$(. "$_charrnn_root/launch/pins.sh" && echo "$charrnn_venv")
_charrnn_problem=''

# A LibTorch that the user chose is kept; one from an earlier version of pins.sh is replaced.
case ${LIBTORCH_ROOT:-} in
  '' | "${_charrnn_venv%/*}"/venv-*)
    if [ -e "$_charrnn_venv/core.done" ]; then
      LIBTORCH_ROOT=$(echo "$_charrnn_venv"/lib/python3*/site-packages/torch)
      export LIBTORCH_ROOT
    else
      _charrnn_problem="the wheels are not installed yet: run $_charrnn_root/launch/install.sh"
    fi ;;
esac

if [ -z "$_charrnn_problem" ]; then
  for _charrnn_folder in "$_charrnn_venv/bin" "$_charrnn_root/launch" "$_charrnn_root/build/release/bin"; do
    case ":$PATH:" in
      *":$_charrnn_folder:"*) ;;
      *) PATH=$_charrnn_folder:$PATH ;;
    esac
  done
  export PATH
  if [ -e "$_charrnn_venv/core.done" ]; then export VIRTUAL_ENV=$_charrnn_venv; fi
  if [ "$(id -u)" = 0 ]; then  # mpirun refuses root without both
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
else
  echo "env.sh: $_charrnn_problem" >&2
fi
# The last command sets the status of the whole file: false if something is missing, which stops a script under `set -e`.
if [ -z "$_charrnn_problem" ]; then
  unset _charrnn_root _charrnn_venv _charrnn_folder _charrnn_problem
  true
else
  unset _charrnn_root _charrnn_venv _charrnn_problem
  false
fi
