"""Training on ranks with one core each, compared with one such rank: characters/s, and the parts of a step that ranks add.

    python3 bench/ranks.py --ranks 1,2,4 --hidden 512      # also takes the options of charrnn_bench model

In turns: one rank, all ranks with the same work per rank (weak scaling), all ranks with the same work in total (strong
scaling). So the two runs of each ratio follow one another.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile

import pages
from commands import output_of
from pages import Failure


class Case:
    """`ranks` that train together, and the results of `charrnn_bench model` in each round."""

    def __init__(self, ranks, work, batch):
        self.ranks, self.work, self.batch, self.rounds = ranks, work, batch, []

    def run(self, options, environment):
        """One more round, in new processes, each rank bound to one core."""
        words = ["mpirun", "--map-by", "core", "--bind-to", "core", "-np", self.ranks, "charrnn_bench", "model", "--json",
                 "--device", "cpu", "--threads", 1, "--rounds", 1, "--batch", self.batch, *options]
        if not self.rounds:
            print("  + " + " ".join(str(word) for word in words), flush=True)
        found = json.loads(output_of(words, environment))
        if found["ranks"] != self.ranks:
            raise Failure(f"expected {self.ranks} ranks of mpirun, found {found['ranks']}: charrnn must be built with the "
                          "same MPI")
        self.rounds.append(found)

    def rates(self):
        return [found["characters_per_second"] for found in self.rounds]

    def seconds_of(self, part):
        return statistics.median(found["part_seconds"][part] for found in self.rounds)

    def summary(self, first):
        """The results, with the speed also as a multiple of that of the case `first`."""
        ratios = [rate / one for rate, one in zip(self.rates(), first.rates(), strict=True)]
        return {"ranks": self.ranks, "work": self.work, "batch": self.batch,
                "characters_per_second": statistics.median(self.rates()), "rates": self.rates(),
                "step_seconds": statistics.median(found["step_seconds"] for found in self.rounds),
                "exchange_seconds": self.seconds_of("exchange"), "update_seconds": self.seconds_of("clip and update"),
                "ratio": statistics.median(ratios), "ratios": ratios}


def cases_of(ranks, batch):
    first, *others = ranks
    cases = [Case(first, "weak", batch * first)]
    for count in others:
        cases += [Case(count, "weak", batch * count), Case(count, "strong", batch * first)]
    return cases


def measure(options, rounds, ranks=(1, 2), batch=32, environment=None):
    """`options` are those of charrnn_bench model; `batch` is that of one rank. Compares all with the first of `ranks`."""
    cases = cases_of(ranks, batch)
    # A rank that is killed leaves temporary files in the scratch folder, too.
    with tempfile.TemporaryDirectory(prefix="charrnn-bench-") as scratch:
        for number in range(rounds):
            others = cases[1:] if number % 2 == 0 else cases[:0:-1]  # each follows the first in turn
            for case in [cases[0], *others]:
                case.run(options, {**(environment or os.environ), "TMPDIR": scratch})
    return {"parameters": cases[0].rounds[0]["parameters"], "cases": [case.summary(cases[0]) for case in cases]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranks", type=lambda text: [int(count) for count in text.split(",")], default=[1, 2])
    parser.add_argument("--batch", type=int, default=32, help="lanes per rank (B)")
    parser.add_argument("--rounds", type=int, default=5)
    arguments, options = parser.parse_known_args()
    cases = measure(options, arguments.rounds, arguments.ranks, arguments.batch)["cases"]
    print("\n".join(pages.head(["ranks", "work", "B", "characters/s", "exchange", "clip and update", "times the first"])))
    for case in cases:
        print(pages.row(case["ranks"], case["work"], case["batch"], f"{case['characters_per_second']:,.0f}",
                        *(pages.percent(case[part] / case["step_seconds"], 1) for part in ("exchange_seconds", "update_seconds")),
                        f"{case['ratio']:.2f} ({min(case['ratios']):.2f}..{max(case['ratios']):.2f})"))


if __name__ == "__main__":
    try:
        main()
    except Failure as problem:
        sys.exit(f"ranks: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
