#!/usr/bin/env bash
# The tools of this bundle with the PyTorch of this machine, in bash:
#
#   . ./charrnn-bundle/env.sh [--python PATH]             for this shell: the tools, mpirun and launch/ on its PATH
#   ./charrnn-bundle/env.sh [--python PATH] COMMAND...    for one command
#
# --python PATH is the Python whose PyTorch is used (default: CHARRNN_PYTHON, otherwise python3). If its versions differ
# from those in the bundle's file manifest, env.sh prints one line, sets nothing and returns 2.

if [ -z "${BASH_VERSION:-}" ]; then
  echo "env.sh: expected bash, found another shell: start bash first" >&2
  return 2
fi

# Prints what the Python at $1 has, without importing torch, in lines NAME=VALUE: torch, cuda, root, cuda_runtime, nccl and
# folders, or problem.
_charrnn_probe() {
  "$1" - <<'PYTHON'
import ctypes, glob, importlib.util, os, re, sys

def finish(**found):
    print("\n".join(f"{name}={value}" for name, value in found.items()))
    sys.exit()

sys.path = [path for path in sys.path if path]  # not the working directory, which may have a folder torch
spec = importlib.util.find_spec("torch")
if spec is None or not spec.submodule_search_locations:
    finish(problem=f"no PyTorch in {sys.executable}")
root = list(spec.submodule_search_locations)[0]
try:
    with open(os.path.join(root, "version.py"), encoding="utf-8") as file:
        text = file.read()
except OSError as error:
    finish(problem=f"cannot read the version of the PyTorch in {root}: {error}")
version = re.search(r"^__version__ *= *'([^']*)'", text, re.M)
cuda = re.search(r"^cuda[^=\n]*= *'([^']*)'", text, re.M)

nvidia = importlib.util.find_spec("nvidia")
folders = [os.path.join(root, "lib"), os.path.join(os.path.dirname(root), "torch.libs")]
for base in nvidia.submodule_search_locations if nvidia else []:
    folders += sorted(glob.glob(os.path.join(base, "*", "lib")))
folders.append(os.path.join(sys.prefix, "lib"))  # conda

def number(library, function):
    """The version that a library reports, and its folder; (0, None) if there is no such library."""
    for folder in [*folders, None]:
        for path in sorted(glob.glob(os.path.join(folder, library + "*"))) if folder else [library]:
            try:
                value = ctypes.c_int()
                if getattr(ctypes.CDLL(path), function)(ctypes.byref(value)) == 0:
                    return value.value, folder
            except (OSError, AttributeError):
                continue
    return 0, None

needed = [folder for folder in folders[:2] if os.path.isdir(folder)]
runtime, runtime_folder = number("libcudart.so.%s" % (cuda[1].split(".")[0] if cuda else ""), "cudaRuntimeGetVersion")
nccl, nccl_folder = number("libnccl.so.2", "ncclGetVersion")
for folder in (runtime_folder, nccl_folder):
    if folder and folder not in needed:
        needed.append(folder)
finish(torch=version[1] if version else "unknown", cuda=cuda[1] if cuda else "", root=root, cuda_runtime=runtime, nccl=nccl,
       folders=":".join(needed))
PYTHON
}

# Prints the colon-separated list $1 with the folder $2 moved to, or added at, its beginning.
_charrnn_first() {
  local list=":$1:"
  list=${list//":$2:"/:}
  list=${list#:}
  list=${list%:}
  printf %s "$2${list:+:$list}"
}

# Sets the paths, or prints one line and returns 2.
_charrnn_set_paths() {
  local here=$1 python=$2 name value
  local torch='' cuda='' root='' cuda_runtime='' nccl='' folders='' problem=''                        # of this machine
  local built_torch='' built_cuda_runtime='' built_nccl='' built_glibc='' built_openmpi=''  # of the bundle
  if [ ! -r "$here/manifest" ]; then
    echo "env.sh: cannot read $here/manifest: unpack the bundle again, and use the env.sh in it" >&2
    return 2
  fi
  while IFS='=' read -r name value; do
    case $name in torch | cuda_runtime | nccl | glibc | openmpi) printf -v "built_$name" %s "$value" ;; esac
  done <"$here/manifest"

  value=$(command -v "$python") || problem="no Python '$python': choose one that has PyTorch with . env.sh --python PATH"
  if [ -z "$problem" ]; then
    case $value in /*) python=$value ;; *) python=$PWD/$value ;; esac
    while IFS='=' read -r name value; do
      case $name in torch | cuda | root | cuda_runtime | nccl | folders | problem) printf -v "$name" %s "$value" ;; esac
    done < <(_charrnn_probe "$python" 2>&1 || echo "problem=$python failed")
    if [ -n "$problem" ]; then
      problem+=": choose one that has PyTorch with . env.sh --python PATH"
    elif [ "$(cut -d. -f1,2 <<<"$torch")" != "$(cut -d. -f1,2 <<<"$built_torch")" ]; then
      problem="this bundle was built for torch $built_torch, found $torch in $root:"
      problem+=" use a bundle made with launch/bundle.sh --torch ${torch%%+*}, or choose another Python with --python PATH"
    elif [ -z "$cuda" ] || [ -z "$built_nccl" ]; then
      echo "env.sh: this PyTorch or this bundle has no CUDA: the tools run on the CPU only" >&2
    elif [ "$cuda_runtime" != "$built_cuda_runtime" ]; then
      problem="this bundle was built for the CUDA runtime $built_cuda_runtime, found $cuda_runtime (0: none)"
      problem+=" with torch $torch in $root: choose another Python with --python PATH"
    elif [ "$nccl" != "$built_nccl" ]; then
      problem="this bundle was built for NCCL $built_nccl, found $nccl (0: none) with torch $torch in $root:"
      problem+=" choose another Python with --python PATH"
    fi
  fi

  # Ask the dynamic loader too. The RPATH of the bundle's programs puts the bundle's libraries first.
  local paths='' missing=''
  if [ -z "$problem" ]; then
    paths=${LD_LIBRARY_PATH:-}
    value=$folders
    while [ -n "$value" ]; do  # from the last to the first
      paths=$(_charrnn_first "$paths" "${value##*:}")
      case $value in *:*) value=${value%:*} ;; *) value='' ;; esac
    done
    missing=$(LD_LIBRARY_PATH=$paths ldd -r "$here/bin/charrnn_train" 2>&1 |
      sed -n 's/^[[:space:]]*\(.*\(not found\|undefined symbol\)\)/\1/p')
    case $missing in
      '') ;;
      *\`GLIBC_*)
        problem="expected a C library (glibc) of version $built_glibc or later, found $(getconf GNU_LIBC_VERSION)" ;;
      *) problem="a library is missing or of the wrong version: ${missing%%$'\n'*}: check LD_LIBRARY_PATH and LD_PRELOAD" ;;
    esac
  fi
  if [ -n "$problem" ]; then
    echo "env.sh: $problem" >&2
    return 2
  fi

  for value in "$here/launch" "$here/bin"; do
    PATH=$(_charrnn_first "$PATH" "$value")
  done
  export PATH LD_LIBRARY_PATH=$paths CHARRNN_PYTHON=$python
  # Where OpenMPI and PMIx look for their files.
  export OPAL_PREFIX=$here OPAL_SYSCONFDIR=$here/etc/openmpi OPAL_PKGLIBDIR=$here/$built_openmpi
  export PMIX_MCA_mca_base_component_path=$here/lib/pmix
  # So that mpirun starts its daemon on other hosts in this environment.
  export OMPI_MCA_orte_launch_agent="$here/env.sh --python $python orted"
  # Without ssh and srun mpirun would stop: plm=isolated means that this host is the only one.
  if ! command -v ssh >/dev/null && ! command -v srun >/dev/null; then export OMPI_MCA_plm=isolated; fi
  if [ "$(id -u)" = 0 ]; then  # mpirun refuses root without both
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -euo pipefail
  here=$(cd "$(dirname "$0")" && pwd)
  python=${CHARRNN_PYTHON:-python3}
  case ${1:-} in
    --python=*) python=${1#*=}; shift ;;
    --python) [ $# -gt 1 ] || { echo "env.sh: --python needs a path" >&2; exit 2; }; python=$2; shift 2 ;;
    -h | --help) set -- ;;
  esac
  [ $# -gt 0 ] || { sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
  _charrnn_set_paths "$here" "$python" || exit 2
  command -v "$1" >/dev/null || { echo "env.sh: no command '$1'; the bundle's tools are in $here/bin" >&2; exit 2; }
  exec "$@"
fi
_charrnn_python=${CHARRNN_PYTHON:-python3}
# Other arguments may belong to the script that sources this file.
case ${1:-} in --python=*) _charrnn_python=${1#*=} ;; --python) _charrnn_python=${2:-} ;; esac
# The last command sets the status of the whole file.
if _charrnn_set_paths "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)" "$_charrnn_python"; then
  unset -f _charrnn_set_paths _charrnn_probe _charrnn_first
  unset _charrnn_python
else
  unset -f _charrnn_set_paths _charrnn_probe _charrnn_first
  unset _charrnn_python
  (exit 2)
fi
