#!/usr/bin/env python3
"""The layers of src: fails on an #include that goes against the table below.

usage: check_includes.py SOURCE_FOLDER
       check_includes.py --self-test
"""
import pathlib
import re
import sys
import tempfile

# folder -> the folders whose headers it may include, beside its own
MAY_INCLUDE = {
    "core": set(),
    "config": {"core"},
    "text": {"core", "config"},
    "data": {"core", "config", "text"},
    "comm": {"core", "config"},
    "kernels": {"core"},
    "model": {"core", "config", "kernels"},
    "checkpoint": {"core", "config", "text", "data", "model"},
    "generate": {"core", "config", "text", "model"},
    "train": {"core", "config", "text", "data", "comm", "model", "checkpoint", "generate"},
    "tools": {"core", "config", "text", "data", "comm", "model", "checkpoint", "generate", "train"},
}

# library, its headers, and the folders or single files that may include them
LIBRARIES = [
    ("LibTorch", r"(ATen|torch|c10)/", {"model", "checkpoint", "generate", "train", "tools"}),
    ("spdlog and fmt", r"(spdlog|fmt)/", {"core/log.cpp"}),
    ("MPI", r"mpi\.h$", {"comm"}),
    ("NCCL", r"nccl\.h$", {"comm"}),
    ("CUDA", r"(cuda|cublas|cudnn|driver_types|vector_types)[a-z_0-9]*\.h$|cuda/", {"comm", "kernels"}),
    ("ICU", r"unicode/", {"text"}),
    ("compression and JSON lines", r"(zlib|zstd|simdjson)\.h$", {"text"}),
    ("threads", r"(oneapi/)?tbb/", {"core/ordered_pipeline.h", "text", "data"}),
    ("HDF5", r"(hdf5|H5[A-Z][a-z]*public)\.h$|hdf5/", {"data"}),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def problems_in(root):
    problems = []
    files = 0
    for path in sorted([*root.glob("src/**/*"), *root.glob("tools/**/*")]):
        if path.suffix not in (".h", ".cpp", ".in"):
            continue
        files += 1
        parts = path.relative_to(root).parts
        folder = parts[1] if parts[0] == "src" else "tools"
        name = "/".join(parts[1:]) if parts[0] == "src" else "/".join(parts)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            quote, header = found.groups()
            where = f"{'/'.join(parts)}:{number}: "
            if folder not in MAY_INCLUDE:
                problems.append(f"{where}the folder {folder} is not in the table of {__file__}")
                continue
            target = header.split("/")[0] if "/" in header else folder
            if quote == '"' and target != folder and target not in MAY_INCLUDE[folder]:
                allowed = ", ".join(sorted(MAY_INCLUDE[folder])) or "nothing of ours"
                problems.append(f"{where}{folder} may not include {header}, only {allowed}")
            for library, headers, users in LIBRARIES:
                if re.match(headers, header) and folder not in users and name not in users:
                    problems.append(f"{where}{library} ({header}) belongs to {', '.join(sorted(users))} alone")
    if files == 0:
        problems.append(f"there are no sources in {root}")
    return problems


# file -> text -> part of the message that is expected, None where it is fine
SELF_TEST = [
    ("src/data/a.cpp", '#include "model/char_rnn.h"', "data may not include model/char_rnn.h"),
    ("src/core/a.h", '#include "text/utf8.h"', "core may not include text/utf8.h, only nothing of ours"),
    ("src/comm/a.cpp", '  #  include "data/lanes.h"', "comm may not include data/lanes.h"),
    ("src/extra/a.cpp", '#include "core/error.h"', "extra is not in the table"),
    ("src/data/a.h", "#include <ATen/ATen.h>", "LibTorch"),
    ("src/comm/a.cpp", "#include <torch/torch.h>", "LibTorch"),
    ("src/core/error.h", "#include <fmt/format.h>", "spdlog and fmt"),
    ("src/train/a.cpp", "#include <mpi.h>", "MPI"),
    ("src/train/a.cpp", "#include <nccl.h>", "NCCL"),
    ("src/train/a.cpp", "#include <cuda_runtime_api.h>", "CUDA"),
    ("src/checkpoint/a.cpp", "#include <hdf5.h>", "HDF5"),
    ("src/data/a.cpp", '#include "text/utf8.h"\n#include <hdf5.h>\n#include <vector>', None),
    ("src/core/log.cpp", "#include <spdlog/spdlog.h>", None),
    ("src/comm/a.cpp", '#include <mpi.h>\n#include "comm/solo.h"\n// #include "train/x.h"', None),
    ("tools/a.cpp", '#include "command_line.h"\n#include "train/metrics.h"\n#include <ATen/ATen.h>', None),
]


def self_test():
    failures = []
    for file, text, expected in SELF_TEST:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, file)
            path.parent.mkdir(parents=True)
            path.write_text(text + "\n", encoding="utf-8")
            found = problems_in(pathlib.Path(folder))
        as_expected = not found if expected is None else len(found) == 1 and expected in found[0]
        if not as_expected:
            failures.append(f"{file} with {text!r}: expected {expected}, found {found}")
    return failures


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    problems = self_test() if sys.argv[1] == "--self-test" else problems_in(pathlib.Path(sys.argv[1]))
    print("\n".join(problems) or "all include lines follow the table")
    sys.exit(1 if problems else 0)


main()
