#!/usr/bin/env python3
"""Runs clang-tidy, with the checks of .clang-tidy, over our C++ files.

usage: check_tidy.py [--all] [--jobs N] [--clang-tidy PROGRAM] BUILD_FOLDER [FILE...]
  --all   also tests, and the files that include LibTorch, some ten seconds each; without it only the others

The flags of each file come from BUILD_FOLDER/compile_commands.json. A file that was clean is not read again until it, a
header of ours that it includes, its flags, .clang-tidy or the version of clang-tidy changes: the cache folder of the user
keeps a hash of these. Exit code 1 if there is a finding, 2 if clang-tidy cannot run.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

FOLDERS = ("src", "tools", "bench", "tests")
KEPT_FLAGS = re.compile(r"-(D|I|std=|m|fopenmp)")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Where GCC's omp.h is, after all of clang's own headers.
LAST_INCLUDES = ["-idirafter", "/usr/lib/gcc/x86_64-linux-gnu/12/include"]


def flags_of(entry):
    """What changes the meaning of the file, without what is GCC's own; LibTorch's precompiled header is left out."""
    words = shlex.split(entry["command"])
    flags, i = [], 0
    while i < len(words):
        if words[i] == "-isystem":
            flags += words[i : i + 2]
            i += 1
        elif KEPT_FLAGS.match(words[i]):
            flags.append(words[i])
        i += 1
    return flags


def our_files(path, folders, seen):
    """The file and the headers of ours that it includes, directly or not."""
    if path in seen:
        return
    seen.add(path)
    for name in INCLUDE.findall(path.read_text(encoding="utf-8")):
        for folder in (path.parent, *folders):
            header = folder / name
            if header.is_file():
                our_files(Path(os.path.normpath(header)), folders, seen)
                break


class Tidy:
    def __init__(self, program, root, cache):
        self.program, self.root, self.cache = program, root, cache
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        self.common = version.encode() + (root / ".clang-tidy").read_bytes()
        self.of_tests = (root / "tests" / ".clang-tidy").read_bytes()

    def key(self, path, flags):
        files = set()
        our_files(path, [Path(flag[2:]) for flag in flags if flag.startswith("-I")], files)
        digest = hashlib.sha256(self.common + "\0".join(flags).encode())
        if path.is_relative_to(self.root / "tests"):
            digest.update(self.of_tests)
        for file in sorted(files):
            digest.update(b"\0" + file.read_bytes())
        return digest.hexdigest()

    def findings(self, path, flags):
        """What clang-tidy prints for the file, empty if it is clean."""
        mark = self.cache / self.key(path, flags)
        if mark.exists():
            return ""
        command = [self.program, "--quiet", str(path.relative_to(self.root)), "--", *flags, *LAST_INCLUDES]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True)
        if done.returncode == 0:
            mark.touch()
            return ""
        return done.stdout or done.stderr or f"{path}: clang-tidy ended with code {done.returncode}\n"


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--clang-tidy", default="clang-tidy")
    parser.add_argument("build", type=Path)
    parser.add_argument("files", nargs="*", type=Path)
    arguments = parser.parse_args()

    root = Path(__file__).resolve().parents[2]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "charrnn" / "tidy"
    cache.mkdir(parents=True, exist_ok=True)
    try:
        tidy = Tidy(arguments.clang_tidy, root, cache)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"cannot run {arguments.clang_tidy} ({error}): run launch/install.sh --tests", file=sys.stderr)
        return 2

    wanted = {file.resolve() for file in arguments.files}
    jobs = {}
    for entry in json.loads((arguments.build / "compile_commands.json").read_text()):
        path, flags = Path(entry["file"]), flags_of(entry)
        if not path.is_relative_to(root) or path.relative_to(root).parts[0] not in FOLDERS:
            continue  # made by CMake
        is_quick = path.relative_to(root).parts[0] != "tests" and not any("/torch/" in flag for flag in flags)
        if path in wanted or (not wanted and (arguments.all or is_quick)):
            jobs[path] = flags
    if not jobs:
        print(f"found no file to check in {arguments.build}", file=sys.stderr)
        return 2

    found = set()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for text in pool.map(lambda path: tidy.findings(path, jobs[path]), sorted(jobs)):
            failed += bool(text)
            if text and text not in found:
                found.add(text)
                print(text, end="", flush=True)
    print(f"clang-tidy: {len(jobs)} files, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
