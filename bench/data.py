"""Compares the speed of preprocessing with iconv, wc and a Python loop, in turns. Each must count the same characters.

    python3 bench/data.py            # 400 MB of charrnn's own texts, repeated
    python3 bench/data.py FILE       # a text in UTF-8
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import pages
from commands import output_of
from pages import ROOT, Failure

TEXTS = ["time_machine/35-0.txt", "andersen/1597-0.txt", "tiny_shakespeare/input.txt", "chinese/tang_poems.txt"]
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}
PYTHON_BYTES = 8_000_000  # the loop would take minutes for more
WC_ROUNDS = 2             # it is slow, and its times vary little

# What most notebooks do. Its time is that of reading, sorting and looking up, without the start of Python.
PYTHON_LOOP = """
import sys, time
start = time.perf_counter()
text = open(sys.argv[1], encoding="utf-8", newline="").read()
ids = {c: i for i, c in enumerate(sorted(set(text)))}
encoded = []
for c in text:
    encoded.append(ids[c])
print(len(encoded), time.perf_counter() - start, time.process_time())
"""


class Case:
    """One of the programs, the text that it reads, and the seconds of each run: wall time, and processor time of all cores."""

    def __init__(self, name, file, expected):
        self.name, self.bytes, self.expected = name, file.stat().st_size, expected
        self.seconds, self.core_seconds, self.characters = [], [], None

    def add(self, seconds, core_seconds, characters):
        self.seconds.append(float(seconds))
        self.core_seconds.append(float(core_seconds))
        self.characters = int(characters)

    def rate(self):
        return self.bytes / statistics.median(self.seconds)

    def is_right(self):
        return self.characters == self.expected

    def row(self, iconv):
        return pages.row(
            self.name, len(self.seconds), f"{statistics.median(self.seconds):.3f}",
            f"{min(self.seconds):.3f}..{max(self.seconds):.3f}", f"{statistics.median(self.core_seconds):.3f}",
            f"{self.rate() / 1e6:.1f}", f"{self.rate() / iconv.rate():.2f}x",
            "right" if self.is_right() else f"WRONG: {self.characters:,}, not {self.expected:,}")


def iconv_words(file):
    return ["iconv", "-f", "utf-8", "-t", "ucs-4le", file]


def characters_by_iconv(file):
    """Counts characters: UCS-4 has four bytes for each."""
    with subprocess.Popen(iconv_words(file), env=ENVIRONMENT, stdout=subprocess.PIPE) as iconv:
        count = sum(len(block) for block in iter(lambda: iconv.stdout.read(1 << 20), b""))
    if iconv.returncode != 0:
        raise Failure(f"expected a text in UTF-8, but iconv ended with code {iconv.returncode} for {file}")
    return count // 4


def timed(words, output):
    """Runs a command; returns its output, seconds, and processor seconds of all cores."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(words, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=output, check=False)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise Failure(f"expected {' '.join(str(word) for word in words)} to end with 0, found code {done.returncode}")
    return done.stdout, seconds, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def beginning(text, most):
    """The first `most` bytes, without an incomplete last character."""
    while most < len(text) and text[most] & 0xC0 == 0x80:
        most -= 1
    return text[:most]


def write_text(file, size, folder):
    """Writes the texts of `folder` to `file`, repeated."""
    for name in TEXTS:
        if not (folder / name).exists():
            raise Failure(f"expected charrnn's own texts, found no {folder / name}: give a text, or their folder with --data")
    texts = [(folder / name).read_bytes() for name in TEXTS]
    with open(file, "wb") as output:
        number = 0
        while size > 0:
            text = texts[number % len(texts)]
            output.write(beginning(text, size))
            size -= len(text)
            number += 1
        output.flush()
        os.fsync(output.fileno())  # writing it out later would disturb what is measured


def measure(file, scratch, rounds, options):
    """Measures all cases; iconv is the first. `options` are those of charrnn_bench data."""
    part = scratch / "beginning.txt"
    with open(file, "rb") as text:
        part.write_bytes(beginning(text.read(PYTHON_BYTES + 4), PYTHON_BYTES))
    expected = characters_by_iconv(file)  # afterwards the file is in the page cache
    iconv, charrnn, wc = (Case(name, file, expected) for name in ("iconv", "charrnn", "wc -m"))
    python = Case("python loop", part, characters_by_iconv(part))
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        found = json.loads(output_of(["charrnn_bench", "data", file, *options, "--rounds", 1, "--json"]))
        charrnn.name = f"charrnn, {pages.plural(found['threads'], 'thread')}"
        charrnn.add(*found["seconds"], *found["core_seconds"], found["characters"])
        _, seconds, cores = timed(iconv_words(file), subprocess.DEVNULL)
        iconv.add(seconds, cores, expected)
        if number < WC_ROUNDS:
            printed, seconds, cores = timed(["wc", "-m", file], subprocess.PIPE)
            wc.add(seconds, cores, printed.split()[0])
        printed, _, _ = timed(["/usr/bin/python3", "-c", PYTHON_LOOP, part], subprocess.PIPE)
        characters, seconds, cores = printed.split()
        python.add(seconds, cores, characters)
    return iconv, charrnn, wc, python


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=pathlib.Path, help="text in UTF-8 (default: charrnn's own texts, repeated)")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / "data", help="folder of charrnn's own texts")
    parser.add_argument("--megabytes", type=float, default=400, help="size of the repeated texts")
    parser.add_argument("--threads", type=int, help="threads of charrnn (default: one per core)")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.file and not arguments.file.is_file():
        parser.error(f"expected a text file in UTF-8, found no {arguments.file}")
    with tempfile.TemporaryDirectory(prefix="charrnn-bench-") as folder:
        scratch = pathlib.Path(folder)
        file = arguments.file and arguments.file.resolve()
        if file is None:
            file = scratch / "text.txt"
            write_text(file, int(arguments.megabytes * 1e6), arguments.data)
        cases = measure(file, scratch, arguments.rounds, ["--threads", arguments.threads] if arguments.threads else [])
    iconv = cases[0]
    print(f"{pages.machine()}, commit {pages.commit()}; {arguments.file or 'data/, repeated'}: {iconv.bytes / 1e6:.1f} MB, "
          f"{iconv.expected:,} characters, in the page cache\n")
    head = ["", "runs", "median s", "min..max", "core s", "MB/s", "to iconv", "characters"]
    print("\n".join([*pages.head(head), *(case.row(iconv) for case in cases)]))
    print("\ncore s: processor seconds of all cores together. to iconv: MB/s as a multiple of iconv's.\n"
          "iconv: from UTF-8 to UCS-4, written to /dev/null.\n"
          "charrnn: from the text to HDF5 shards on disk, normalized, counted and hashed.\n"
          f"python loop: a dict lookup for each character of the first {cases[-1].bytes / 1e6:.1f} MB.")
    wrong = [case.name for case in cases if not case.is_right()]
    if wrong:
        raise Failure(f"expected {iconv.expected:,} characters, as iconv counts them, found another number: {', '.join(wrong)}")


if __name__ == "__main__":
    try:
        main()
    except Failure as problem:
        sys.exit(f"data: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
