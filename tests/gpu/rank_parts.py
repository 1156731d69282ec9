"""Parts of launch/gpu_check.sh about ranks: NCCL with one rank and with two."""

import os
import re
import shutil
import signal
import time

from check import Background, Failure, gpu_count, largest_difference, losses, say

# One GPU for both ranks: NCCL refuses that unless the ranks seem to be on two hosts.
SHARING = {
    "NCCL_NET": "Socket",
    "NCCL_SOCKET_IFNAME": "lo",
    "NCCL_IB_DISABLE": "1",
    "NCCL_MNNVL_ENABLE": "0",
    "NCCL_NVLS_ENABLE": "0",
    "CHARRNN_SHARE_GPU": "1",
}
AS_OTHER_HOST = ["sh", "-c", 'export NCCL_HOSTID=r$OMPI_COMM_WORLD_RANK; exec "$@"', "sh"]


class Pair:
    """Starts two ranks: on two GPUs, or both on one GPU; without a GPU, training uses the CPU, and NCCL is the stand-in."""

    def __init__(self, check):
        self.check, self.stand_in = check, None
        self.shares = gpu_count() < 2
        self.env = {"OMPI_MCA_mpi_yield_when_idle": "1", **(SHARING if self.shares else {})}
        if os.geteuid() == 0:
            self.env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        if not check.on_gpu:
            for path in (check.bin / "with_stand_in", check.bin.parent / "tests" / "cuda_stand_in" / "with_stand_in"):
                if path.exists():
                    self.stand_in = path

    def words(self):
        return ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", "2", *(AS_OTHER_HOST if self.shares else [])]

    def program(self, name, *arguments, codes=(0,)):
        """Runs a test program with NCCL, the real one or the stand-in."""
        words = [*self.words(), *([self.stand_in] if self.stand_in else []), self.check.bin / name, *arguments]
        return self.check.run(
            words, env={**self.env, **({"FAKE_CUDA_GPUS": "1"} if self.stand_in else {})}, codes=codes, seconds=60
        )


def nccl2_programs(check, pair):
    if not check.on_gpu and not pair.stand_in:
        say("- the communicator's tests: skipped, because there is neither a GPU nor tests/cuda_stand_in here")
        return

    def ranks():
        found = pair.program("comm_ranks_test", "--ranks=2", "--gpus", codes=None)
        passed = re.findall(r"\[  PASSED  \] (\d+) tests", found.out)
        check.expect(
            found.code == 0 and len(passed) == 2,
            f"comm_ranks_test over NCCL: {'/'.join(passed) or 'none'} passed, code {found.code}"
            + ("" if found.code == 0 else f": {found.last_line()}"),
        )

    def failure(way, codes, text):
        folder = check.work / "failures"
        shutil.rmtree(folder, ignore_errors=True)
        found = pair.program("comm_failures", way, folder, "cuda", codes=None)
        reports = sorted(path.name for path in folder.glob("*.txt")) if folder.exists() else []
        is_right = found.code in codes and text in found.out + found.errors
        check.expect(
            is_right,
            f"comm_failures {way}: code {found.code} (expected {' or '.join(map(str, codes))}) after {found.seconds:.1f} s, "
            f"reports: {', '.join(reports) or 'none'}" + ("" if is_right else f"; expected '{text}': {found.last_line()}"),
        )

    check.attempt("comm_ranks_test", ranks)
    if check.on_gpu:  # comm_failures waits at most 1.5 s, too short for the start of the real NCCL
        return
    check.attempt("comm_failures", failure, "nothing", (0,), "2 ranks, nccl")
    check.attempt("comm_failures", failure, "stay-away", (4,), "within comm.timeout_seconds")
    check.attempt("comm_failures", failure, "killed", (137,), "")


def nccl2(check):
    """Two ranks: the sums of NCCL, in training and in the communicator's own tests."""
    pair = Pair(check)
    where = (
        "the CPU, over MPI; the communicator's tests on tests/cuda_stand_in"
        if not check.on_gpu
        else "one GPU, over NCCL's sockets"
        if pair.shares
        else f"{gpu_count()} GPUs"
    )
    say(f"Two ranks on {where}.\n")
    config = check.shakespeare()
    steps = 20
    curves = {}

    def train(name, settings, allowed):
        folder = check.train(config, f"pair-{name}", launcher=pair.words(), env=pair.env, train__steps=steps, **settings)
        curves[name] = losses(folder)
        difference = largest_difference(curves[name], curves["one"])
        check.expect(
            difference <= allowed,
            f"training, {name}: losses differ from those of one rank by {difference:.1e} (allowed {allowed}), "
            f"{check.result.seconds:.1f} s",
        )

    def alone():
        curves["one"] = losses(check.train(config, "pair-one", train__steps=steps))

    check.attempt("one rank", alone)
    if "one" not in curves:
        raise Failure("no losses of one rank to compare with")
    check.attempt("default", train, "default", {}, 1e-3)
    check.attempt("layer buckets", train, "layer", {"comm__gradient_buckets": "layer"}, 1e-3)
    if {"default", "layer"} <= curves.keys():
        same = curves["default"] == curves["layer"]
        check.expect(same, "one sum and layer buckets: losses are equal bit for bit (the order does not matter in a sum of two)")
    check.attempt("bf16 sums", train, "bf16", {"comm__gradient_type": "bf16"}, 0.05)
    check.attempt("fp16 sums", train, "fp16", {"comm__gradient_type": "fp16"}, 0.05)
    nccl2_programs(check, pair)
    for name, number, codes in (("killed", signal.SIGKILL, (137, 4)), ("stopped", signal.SIGSTOP, (4,))):
        check.attempt(f"a {name} rank", lost_rank, check, pair, config, name, number, codes)


def lost_rank(check, pair, config, name, number, codes):
    words = [
        *pair.words(),
        check.bin / "charrnn_train",
        config,
        "--set",
        "train.steps=1000000",
        "--set",
        f"comm.timeout_seconds={15 if check.on_gpu else 4}",
    ]
    background = Background(check, words, f"pair-{name}", env=pair.env)
    try:
        background.wait_for_steps()
        ranks = background.ranks()
        if 1 not in ranks:
            raise Failure(f"expected a process of rank 1, found ranks {sorted(ranks)}")
        os.kill(ranks[1], number)
        code, seconds = background.end(45)
    finally:
        background.kill()
    reports = sorted(path.name for path in background.folder.glob("*-rank-*.txt"))
    check.expect(
        code in codes,
        f"rank 1 {name} in training: code {code} (expected {' or '.join(map(str, codes))}) after {seconds:.1f} s, "
        f"reports: {', '.join(reports) or 'none'}",
    )


def nccl1(check):
    """One rank on a GPU: without NCCL, and as a group of one with the real NCCL."""
    pair = Pair(check)
    if check.on_gpu or pair.stand_in:
        found = check.run(
            [*([pair.stand_in] if pair.stand_in else []), check.bin / "comm_ranks_test", "--ranks=1", "--gpus"], codes=None
        )
        passed = re.findall(r"\[  PASSED  \] (\d+) tests", found.out)
        check.expect(
            found.code == 0 and len(passed) == 1,
            f"comm_ranks_test alone: {'/'.join(passed) or 'none'} passed, code {found.code}"
            + ("" if found.code == 0 else f": {found.last_line()}"),
        )
    if not check.on_gpu:
        say("- training with NCCL: skipped, because it needs a GPU (tests/cuda_stand_in cannot train)")
        return
    config = check.shakespeare()
    solo = check.train(config, "solo", train__steps=20)
    begin = time.monotonic()
    nccl = check.train(config, "nccl1", train__steps=20, comm__backend="nccl", env={"NCCL_DEBUG": "VERSION"})
    printed = re.search(r"NCCL version \S+", check.result.out + check.result.errors)
    check.expect(
        losses(solo) == losses(nccl),
        f"one rank with NCCL ({printed[0] if printed else 'version not printed'}): the same losses as without, "
        f"{time.monotonic() - begin:.1f} s",
    )
