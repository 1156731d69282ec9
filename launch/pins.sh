# shellcheck shell=bash disable=SC2034
# Everything that launch/install.sh installs, with versions; they are changed only here.
# Sourced by install.sh and env.sh; sets variables and does nothing else.

# Debian 12 packages. Their versions are fixed within the release, so names are enough.
apt_packages=(
  g++ cmake ninja-build ccache pkg-config git
  python3 python3-dev python3-venv ca-certificates curl
  openmpi-bin libopenmpi-dev
  libhdf5-dev libyaml-cpp-dev libicu-dev libcli11-dev libspdlog-dev libfmt-dev nlohmann-json3-dev libxxhash-dev
  libabsl-dev libtbb-dev zlib1g-dev libzstd-dev libsimdjson-dev
  libprotozero-dev libboost-dev libgtest-dev libgmock-dev
  help2man                                                              # man pages
  patchelf                                                              # launch/bundle.sh
)
apt_test_packages=(
  clang-format hdf5-tools shellcheck time
  gnuplot-nox                                                           # bench/bench.sh draws with it
  slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge libpmix2  # tests/slurm
  iproute2                                                              # tests/network
  groff-base mandoc                                                     # tests/style/check_man_pages.sh
  debootstrap                                                           # tests/bundle
)
# The presets clang and tsan, and launch/fuzz.sh.
apt_clang_packages=(clang libclang-rt-14-dev libomp-14-dev)

# Wheels are installed with --no-deps, so each list has all dependencies.
# Wheels to build, and to run without a GPU. Those of nvidia have the libraries that libtorch_cpu and the NCCL module link,
# and the headers crt/host_defines.h and nv/target.
core_wheels=(
  torch==2.15.0
  nvidia-cuda-runtime==13.2.86
  nvidia-cuda-cupti==13.2.86
  nvidia-nccl-cu13==2.30.7
  nvidia-cuda-crt==13.2.86
  nvidia-cuda-cccl==13.3.5.0.6
)

# The other dependencies of torch, to run on a GPU and for `import torch` in Python.
full_wheels=(
  cuda-bindings==13.5.0
  cuda-pathfinder==1.9.0
  cuda-toolkit==13.2.2
  filelock==4.2.11
  fsspec==2026.9.0
  Jinja2==3.1.6
  MarkupSafe==3.0.4
  mpmath==1.3.0
  networkx==3.6.1
  nvidia-cublas==13.4.1.3
  nvidia-cuda-nvrtc==13.2.86
  nvidia-cudnn-cu13==9.26.0.51
  nvidia-cufft==12.2.0.57
  nvidia-cufile==1.17.1.22
  nvidia-cusolver==12.2.0.11
  nvidia-cusparse==12.7.10.12
  nvidia-cusparselt-cu13==0.8.1
  nvidia-nvjitlink==13.5.37
  nvidia-nvshmem-cu13==3.7.2
  nvidia-nvtx==13.2.86
  setuptools==84.2.1
  sympy==1.14.0
  triton==3.9.0
  typing_extensions==4.16.0
)

# Programs and libraries with which tests open our files, in addition to torch; what builds the Python package
# (tests/python); and two checkers.
test_wheels=(
  absl-py==2.5.1
  clang-tidy==23.1.4
  grpcio==1.85.1
  h5py==3.16.0
  Markdown==3.11.3
  numpy==2.4.6
  packaging==26.3
  pandas==3.1.1
  pathspec==1.1.1
  pillow==13.0.0
  protobuf==7.36.2
  python-dateutil==4.0.0
  ruff==0.17.6
  safetensors==0.8.0
  scikit-build-core==1.1.2
  tensorboard==2.21.0
  tensorboard-data-server==0.7.2
  tzdata==2026.6
  Werkzeug==3.1.9
)

# Other versions of torch for launch/build.sh --torch. Only headers and libraries are used, so they need not fit the Python
# here. Torch's metadata has the versions of its dependencies; the choice is the same as in core_wheels.
torch_2_11_0_wheels=(
  torch==2.11.0
  nvidia-cuda-runtime==13.0.96
  nvidia-cuda-cupti==13.0.85
  nvidia-nccl-cu13==2.28.9
  nvidia-cuda-crt==13.0.88
  nvidia-cuda-cccl==13.0.85
)

# The virtual environment's name depends on its wheels and its Python, so clones share it and new pins make a new one.
# Always Debian's Python, whatever comes first on PATH.
python=/usr/bin/python3
charrnn_cache=${XDG_CACHE_HOME:-$HOME/.cache}/charrnn
charrnn_venv=$charrnn_cache/venv-$(
  printf '%s\n' "$(readlink "$python")" "${core_wheels[@]}" "${full_wheels[@]}" "${test_wheels[@]}" |
    sha256sum | cut -c1-12)
