"""Parts of launch/gpu_check.sh that train on one device: learning curve, exact restart, memory, evaluation, signals."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

from check import (
    ROOT,
    Background,
    Failure,
    Skip,
    head,
    largest_difference,
    log,
    losses,
    newest,
    row,
    say,
    shape_settings,
    shortened,
    tensors,
    text_of,
    used_bytes,
)

# Memory of CUDA itself on a GPU once cuDNN and cuBLAS are loaded, which --dry-run does not count.
CONTEXT_BYTES = 800e6
# cuDNN adds in another order than the CPU; after a few updates of Adam, losses differ relatively by this much.
CURVE_TOLERANCE = 5e-3
EVALUATION_TOLERANCE = 1e-4


def versions(check):
    head("item", "value")
    manifest = ROOT / "manifest"
    if manifest.exists():
        row("bundle", manifest.read_text(encoding="utf-8").strip().replace("\n", ", "))
    row("charrnn", check.tool("charrnn_train", "--version").out.strip())
    if check.on_gpu:
        fields = "name,driver_version,memory.total,compute_cap,clocks.max.sm"
        row("GPUs", check.run(["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"]).out.strip())
    row("processors", f"{len(os.sched_getaffinity(0))}, {machine()}")
    row("kernel, C library", f"{os.uname().release}, {' '.join(os.confstr('CS_GNU_LIBC_VERSION').split())}")
    code = (
        "import sys, torch; print(sys.version.split()[0], torch.__version__, 'CUDA', torch.version.cuda, 'cuDNN', "
        "torch.backends.cudnn.version(), 'NCCL', torch.cuda.nccl.version() if torch.cuda.is_available() else '-')"
    )
    found = check.run([sys.executable, "-c", code], codes=None)
    row("Python, PyTorch", found.out.strip() or f"cannot be imported: {found.last_line()}")
    say("")
    files = sorted(check.bin.glob("charrnn_*")) + sorted((check.bin.parent / "lib").glob("libcharrnn_*.so"))
    for file in files:
        found = check.run(["ldd", "-r", file], codes=None)
        missing = [
            line.strip()
            for line in (found.out + found.errors).splitlines()
            if "not found" in line or "undefined symbol" in line
        ]
        if missing:
            check.expect(False, f"`ldd -r {file.name}`: {len(missing)} missing, first: `{missing[0][:200]}`")
    check.expect(bool(files), f"`ldd -r` of {len(files)} tools and modules")


def machine():
    try:
        model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    except OSError:
        model = None
    return model[1].strip() if model else "unknown processor"


def curve(check):
    """configs/quickstart.yaml with fewer steps."""
    steps = 60 if check.on_gpu else 20
    config = ROOT / "configs" / "quickstart.yaml"
    common = {
        "corpus__output": check.work / "corpus-quickstart",
        "train__log_every": 10,
        "sample__every": 0,
        "evaluate__every": 0,
        **({} if check.on_gpu else {"model__hidden_size": 64}),
    }
    check.tool("charrnn_preprocess", config, "--set", f"corpus.output={common['corpus__output']}")
    begin = time.monotonic()
    here = check.train(
        config, "quickstart", "--max-steps", steps, train__precision="fp32", run__device=check.device, **common
    )
    seconds = time.monotonic() - begin
    warnings = [line for line in check.result.errors.splitlines() if "Warning" in line]
    check.expect(
        not warnings,
        f"{len(warnings)} lines with `Warning` on standard error" + (f", first: `{warnings[0][:200]}`" if warnings else ""),
    )
    # On a CPU, compare with LibTorch's own layers.
    other = {} if check.on_gpu else {"model__kernel": "reference", "run__threads": 1}
    cpu = check.train(
        config, "quickstart-cpu", "--max-steps", steps, train__precision="fp32", run__device="cpu", **common, **other
    )
    head("step", f"loss on {check.device}", "loss on the CPU")
    for i, (a, b) in enumerate(zip(losses(here), losses(cpu))):
        row(10 * (i + 1), f"{a:.5f}", f"{b:.5f}")
    say("")
    difference = largest_difference(losses(here), losses(cpu))
    check.expect(
        difference <= CURVE_TOLERANCE,
        f"fp32: losses of {steps} steps differ by {difference:.1e} at most "
        f"(allowed {CURVE_TOLERANCE}); {seconds:.1f} s with start",
    )
    if check.on_gpu:
        default = check.train(config, "quickstart-default", "--max-steps", steps, run__device=check.device, **common)
        difference = largest_difference(losses(default), losses(cpu))
        printed = [line.strip() for line in (check.result.out + check.result.errors).splitlines() if "precision" in line]
        check.expect(
            difference <= 2 * CURVE_TOLERANCE,
            f"the config's own precision: {difference:.1e} at most; it printed: "
            f"`{(printed or ['nothing about precision'])[0][:120]}`",
        )


def kernels(check):
    """gpu_kernels_test and gpu_training_test: results of a GPU compared with those of the CPU."""
    for name in ("gpu_kernels_test", "gpu_training_test"):
        found = check.run([check.bin / name], codes=None, seconds=60)
        if not check.on_gpu:
            if "SKIPPED" not in found.out:
                raise Skip(found.last_line())
            continue
        passed, failed = (re.findall(rf"\[ +{word} +\] (\w+\.\w+)", found.out) for word in ("OK", "FAILED"))
        check.expect(
            found.code == 0 and bool(passed),
            f"{name}: {len(passed)} passed, {len(set(failed))} failed, code {found.code}",
        )
        for test in sorted(set(failed)):
            say(f"  - {test}")
    if not check.on_gpu:
        raise Skip("both need a GPU; both started and reported that")


def restart_case(check, name, config, settings):
    """A run, and the same run continued from a checkpoint in its middle, must be equal bit for bit."""
    whole = check.train(config, f"{name}-whole", checkpoint__every=check.stop_at, **settings)
    parts = check.work / f"{name}-parts"
    shutil.rmtree(parts, ignore_errors=True)
    shutil.copytree(whole, parts, symlinks=True)
    last = newest(parts)
    last.unlink()
    before = newest(parts)
    check.train(config, parts.name, fresh=False, checkpoint__every=check.stop_at, **settings)
    # The steps after the checkpoint were made again.
    if f"{check.stop_at}" not in before.name or newest(parts).name != last.name:
        raise Failure(
            f"expected to continue from step {check.stop_at} to {last.name}, found {before.name} and {newest(parts).name}"
        )
    a, b = tensors(newest(whole)), tensors(newest(parts))
    differ = [key for key in a if a[key] != b.get(key)]
    same_losses = losses(whole) == losses(parts)
    check.expect(
        a.keys() == b.keys() and not differ and same_losses,
        f"{name}: {len(a)} tensors of step {check.steps}, {len(differ)} differ"
        + (f" ({', '.join(differ[:4])})" if differ else "")
        + ("" if same_losses else ", losses differ"),
    )
    for folder in (whole, parts):
        shutil.rmtree(folder, ignore_errors=True)


def restart(check):
    say(
        f"{text_of(check.size)} L 1, dropout 0.1, log_every 10: {check.steps} steps, and continued from step "
        f"{check.stop_at}.\n"
    )
    cases = [
        (precision, check.shakespeare, {"train__precision": precision}) for precision in ("fp32", "tf32", "bf16", "fp16")
    ]
    cases += [
        ("V 6,000", check.many_characters, {}),
        ("GRU", lambda: check.shakespeare("gru", cell="gru"), {}),
        ("V 6,000 in bf16", check.many_characters, {"train__precision": "bf16"}),
        ("two layers in fp16", lambda: check.shakespeare("deep", layers=2), {"train__precision": "fp16"}),
    ]
    for name, config, settings in cases if check.on_gpu else [cases[0], *cases[3:6]]:
        check.attempt(
            name, lambda n=name, c=config, s=settings: restart_case(check, n.replace(" ", "_").replace(",", ""), c(), s)
        )


def resident_bytes(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return next((int(line.split()[1]) * 1024.0 for line in file if line.startswith("VmHWM:")), 0.0)
    except OSError:
        return 0.0


def memory(check):
    """--dry-run's estimate compared with the measured peak; on the CPU, that of the process."""
    head("shape", "precision", "estimated MB", "measured MB", "allowed for CUDA and libraries, MB")
    cases = (
        [("H 1024, L 2", "fp32"), ("gutenberg.yaml", "tf32"), ("V 6,000", "bf16")] if check.on_gpu else [("H 512", "fp32")]
    )
    failed = []
    for name, precision in cases:
        if check.left() < 8:
            row(name, precision, "skipped: no time left", "", "")
            continue
        words = [str(word) for word in shape_settings(check, name, precision)]
        sizes = check.tool("charrnn_train", *words, "--dry-run").out
        found = re.search(r"memory per rank +about ([0-9,]+) MB", sizes)
        if not found:
            raise Failure("expected 'memory per rank about N MB' in the output of --dry-run")
        estimate = 1e6 * int(found[1].replace(",", ""))
        before = used_bytes() if check.on_gpu else 0.0
        log(f"+ charrnn_train {' '.join(words)} --max-seconds 4")
        with open(check.work / "memory.txt", "w", encoding="utf-8") as output:
            process = subprocess.Popen(
                [str(check.bin / "charrnn_train"), *words, "--max-seconds", "4"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            most = 0.0
            while process.poll() is None:
                most = max(most, used_bytes() - before if check.on_gpu else resident_bytes(process.pid))
                if check.left() < 2:
                    process.kill()
                time.sleep(0.1)
        allowed = CONTEXT_BYTES if check.on_gpu else 600e6
        is_right = process.returncode == 0 and 0 < most < 1.1 * estimate + allowed
        row(
            name,
            precision,
            f"{estimate / 1e6:,.0f}",
            f"{most / 1e6:,.0f}" if is_right else f"**{most / 1e6:,.0f}, FAILED**",
            f"{allowed / 1e6:,.0f}",
        )
        if not is_right:
            text = (check.work / "memory.txt").read_text(encoding="utf-8", errors="replace")
            log(shortened(text))
            failed.append(f"{name}, code {process.returncode}")
    say("")
    check.expect(
        not failed,
        "memory is at most 1.1 times the estimate, plus that of CUDA" + (f": {'; '.join(failed)}" if failed else ""),
    )


def devices(check):
    """A run that starts on the CPU, continues on the device and ends on the CPU."""
    config = check.shakespeare()
    mixed = check.work / "mixed"
    for i, (device, stop) in enumerate((("cpu", 10), (check.device, 20), ("cpu", 30))):
        check.train(config, "mixed", "--max-steps", stop, fresh=i == 0, run__device=device, train__steps=30)
    whole = check.train(config, "whole-cpu", run__device="cpu", train__steps=30)
    difference = largest_difference(losses(mixed), losses(whole))
    check.expect(
        difference <= CURVE_TOLERANCE,
        f"10 steps on the CPU, 10 on {check.device}, 10 on the CPU: losses differ from those "
        f"of a run on the CPU by {difference:.1e} at most (allowed {CURVE_TOLERANCE})",
    )


def evaluation(check):
    folder = check.train(check.shakespeare(), "evaluated", train__steps=20)
    values = {}
    for device in (check.device, "cpu"):
        begin = time.monotonic()
        result = json.loads(check.tool("charrnn_eval", folder, "--json", "--set", f"run.device={device}").out)
        values[device] = result["loss_nats"]
        say(
            f"- on {device}: {result['loss_nats']:.6f} nats over {result['characters']:,} characters, "
            f"{time.monotonic() - begin:.1f} s with start"
        )
    difference = largest_difference([values[check.device]], [values["cpu"]])
    check.expect(
        difference <= EVALUATION_TOLERANCE, f"relative difference {difference:.1e} (allowed {EVALUATION_TOLERANCE})"
    )


def usr1(check):
    config = check.shakespeare()
    background = Background(check, [check.bin / "charrnn_train", config, "--set", "train.steps=1000000"], "usr1")
    try:
        background.wait_for_steps()
        background.process.send_signal(signal.SIGUSR1)
        code, seconds = background.end(20)
    finally:
        background.kill()
    check.expect(code == 75, f"USR1: code {code} (expected 75) after {seconds:.1f} s")
    step = int(re.search(r"step-(\d+)", newest(background.folder).name)[1])
    check.train(config, "usr1", "--max-steps", step + 10, fresh=False, train__steps=1000000)
    again = int(re.search(r"step-(\d+)", newest(background.folder).name)[1])
    check.expect(again == step + 10, f"saved at step {step}, continued to {again}")
