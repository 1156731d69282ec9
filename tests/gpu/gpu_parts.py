"""The parts of launch/gpu_check.sh, each a process: python3 gpu_parts.py PART --work FOLDER [--device cpu] [--seconds N]

A part prints its results to standard output as Markdown, line by line; commands and their output go to standard error.
Exit codes: 0 all as expected, 1 something failed, 77 the part cannot run here (the last line has the reason). It needs
only Python's standard library and the PyTorch that is measured. With --device cpu the same commands run with small models
on the CPU, and NCCL is replaced by tests/cuda_stand_in: that shows that the check works, not that a GPU does.
"""

import argparse
import sys

from check import Check, Failure, Skip, gpu_count, say
from rank_parts import nccl1, nccl2
from speed_parts import cudnn, speed, step_kernels
from training_parts import curve, devices, evaluation, kernels, memory, restart, usr1, versions

PARTS = {
    function.__name__: function
    for function in (
        versions,
        curve,
        kernels,
        restart,
        memory,
        devices,
        evaluation,
        usr1,
        nccl1,
        nccl2,
        speed,
        cudnn,
        step_kernels,
    )
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--work", required=True, help="folder for corpora, runs and temporary files")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--seconds", type=float, default=600.0, help="time limit of the part")
    options = parser.parse_args()
    if options.device == "cuda" and gpu_count() == 0:
        print("skipped: this part needs a GPU, but nvidia-smi -L lists none")
        sys.exit(77)
    check = Check(options)
    try:
        PARTS[options.part](check)
    except Skip as reason:
        say(f"- skipped: {reason}")
        sys.exit(77)
    except Failure as problem:
        check.expect(False, str(problem))
    except Exception as problem:  # write it to the report, too
        check.expect(False, f"{type(problem).__name__}: {problem}")
        raise
    sys.exit(1 if check.failures else 0)


if __name__ == "__main__":
    main()
