"""Runs a program for the scripts of this folder, from the root of the repository."""

import os
import subprocess

from pages import ROOT, Failure


def output_of(words, environment=None):
    """Returns what a command prints. Raises `Failure` with its last lines if it does not end with code 0."""
    words = [str(word) for word in words]
    environment = dict(os.environ if environment is None else environment)
    if os.geteuid() == 0:  # mpirun refuses root without both
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    try:
        done = subprocess.run(words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", check=False)
    except FileNotFoundError:
        raise Failure(f"{words[0]} is not on the PATH: run launch/build.sh --tools, then . launch/env.sh") from None
    if done.returncode != 0:
        last = "\n".join("    " + line for line in (done.stdout + done.stderr).strip().split("\n")[-15:])
        raise Failure(f"a command ended with code {done.returncode}:\n    {' '.join(words)}\n{last}")
    return done.stdout
