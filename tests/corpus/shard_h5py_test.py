"""Opens what charrnn_preprocess wrote with h5py and compares it with the text as Python reads and counts it.

Usage: shard_h5py_test.py CHARRNN_PREPROCESS FOLDER_WITH_TEXT
"""
import collections
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy

CONFIG = """
corpus:
  sources: [{sources}]
  output: {output}
  unit: {unit}
  shard_size: {shard_size}
  split: {{by: tail, valid: 0.1, test: 0}}
"""


def preprocess(tool, sources, folder, unit, shard_size):
    output = folder / f"corpus-{unit}"
    config = folder / f"{unit}.yaml"
    config.write_text(CONFIG.format(sources=sources, output=output, unit=unit, shard_size=shard_size))
    report = subprocess.run([tool, config, "--json"], check=True, stdout=subprocess.PIPE).stdout
    subprocess.run([tool, config, "--verify"], check=True, stdout=subprocess.DEVNULL)
    return output, json.loads(report)


def conditional_entropy(units):
    pairs = collections.Counter(zip(units, units[1:]))
    before = collections.Counter(units[:-1])
    return -sum(n * math.log2(n / before[a]) for (a, _), n in pairs.items()) / (len(units) - 1)


def entropy(units):
    return -sum(n / len(units) * math.log2(n / len(units)) for n in collections.Counter(units).values())


def read_split(output, name, vocabulary):
    files = sorted(output.glob(f"{name}-*.h5"))
    parts = []
    for number, file in enumerate(files):
        with h5py.File(file) as shard:
            assert shard.attrs["format_version"] == 1
            assert shard.attrs["split"].decode() == name
            assert shard.attrs["shard"] == number and shard.attrs["shard_count"] == len(files)
            assert shard.attrs["vocabulary_hash"].decode() == vocabulary["hash"]
            assert shard["ids"].dtype == numpy.uint8 and shard["ids"].chunks is None
            assert shard["document_starts"].dtype == numpy.uint64
            expected_starts = [0] if name == "train" and number == 0 else []
            assert shard["document_starts"][:].tolist() == expected_starts
            parts.append(shard["ids"][:])
    return parts


def check(tool, folder, text, sources, unit):
    shard_size = 300_000
    output, report = preprocess(tool, sources, folder, unit, shard_size)
    vocabulary = json.loads((output / "vocabulary.json").read_text())
    units = text if unit == "code_point" else text.encode().decode("latin-1")
    counts = collections.Counter(units)
    assert [c["character"] for c in vocabulary["characters"]] == sorted(counts)
    assert {c["character"]: c["count"] for c in vocabulary["characters"]} == counts
    ids = {character: i for i, character in enumerate(sorted(counts))}

    train_end = int(len(units) * 0.9)
    for name, part in (("train", units[:train_end]), ("valid", units[train_end:])):
        shards = read_split(output, name, vocabulary)
        assert len(shards) == -(-len(part) // shard_size)
        assert max(map(len, shards)) - min(map(len, shards)) <= 1
        expected = numpy.array([ids[u] for u in part], dtype=numpy.uint8)
        assert numpy.array_equal(numpy.concatenate(shards), expected), name

    train = units[:train_end]
    for key, expected in (("unigram_bits", entropy(train)), ("bigram_bits", conditional_entropy(train))):
        assert abs(report["baselines"][key] - expected) < 1e-9, (key, report["baselines"][key], expected)
    return train_end, len(units) - train_end


def check_targets(tool, folder, text):
    """A corpus whose targets are the text with other case, and which max_characters cuts, over several shards."""
    length, shard_size = 50_000, 20_000
    (folder / "text.txt").write_text(text)
    (folder / "targets.txt").write_text(text.swapcase())
    output = folder / "aligned"
    config = folder / "aligned.yaml"
    config.write_text(CONFIG.format(sources=folder / "text.txt", output=output, unit="code_point",
                                    shard_size=shard_size)
                      + f"  targets: {folder / 'targets.txt'}\n  max_characters: {length}\n")
    report = json.loads(subprocess.run([tool, config, "--json"], check=True, stdout=subprocess.PIPE).stdout)
    subprocess.run([tool, config, "--verify"], check=True, stdout=subprocess.DEVNULL)
    characters = sorted(set(text[:length] + text[:length].swapcase()))
    train_end = int(length * 0.9)
    for name, begin, end in (("train", 0, train_end), ("valid", train_end, length)):
        ids, targets = [], []
        for file in sorted(output.glob(f"{name}-*.h5")):
            with h5py.File(file) as shard:
                assert shard["targets"].dtype == shard["ids"].dtype == numpy.uint8
                assert shard["targets"].shape == shard["ids"].shape and shard["targets"].chunks is None
                ids += shard["ids"][:].tolist()
                targets += shard["targets"][:].tolist()
        assert "".join(characters[i] for i in ids) == text[begin:end], name
        assert "".join(characters[i] for i in targets) == text[begin:end].swapcase(), name
    pairs = collections.Counter(zip(text[:train_end], text[:train_end].swapcase()))
    given = -sum(n * math.log2(n / collections.Counter(text[:train_end])[a]) for (a, _), n in pairs.items()) / train_end
    for key, expected in (("unigram_bits", entropy(text[:train_end].swapcase())), ("bigram_bits", given)):
        assert abs(report["baselines"][key] - expected) < 1e-9, (key, report["baselines"][key], expected)


def main():
    tool, source = sys.argv[1], pathlib.Path(sys.argv[2])
    text = (source / "input.txt").read_bytes().decode()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        lengths = check(tool, folder, text, source / "input.txt", "code_point")
        assert lengths == (1_003_854, 111_540), lengths
        other = "Größe, 漢字, 🦊\n" * 50_000
        (folder / "other.txt").write_text(other)
        check(tool, folder, other, folder / "other.txt", "byte")
        check_targets(tool, folder, text)


main()
