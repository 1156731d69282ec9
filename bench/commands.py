"""Runs a program for the scripts of this folder, from the root of the repository."""

import os
import subprocess

from pages import ROOT, Failure


def output_of(words, environment=None):
    """What a command prints. A `Failure` with its last lines if it ends with another code than 0."""
    words = [str(word) for word in words]
    environment = dict(os.environ if environment is None else environment)
    if os.geteuid() == 0:  # mpirun asks root for both
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    try:
        done = subprocess.run(words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", check=False)
    except FileNotFoundError:
        raise Failure(f"{words[0]} is not on the PATH: run launch/build.sh --tools, then . launch/env.sh") from None
    if done.returncode != 0:
        last = "\n".join("    " + line for line in (done.stdout + done.stderr).strip().split("\n")[-15:])
        raise Failure(f"ended with code {done.returncode}:\n    {' '.join(words)}\n{last}")
    return done.stdout
