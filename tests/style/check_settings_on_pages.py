#!/usr/bin/env python3
"""Every setting is explained on a page: README.md, docs/*.md or data/README.md; docs/settings.md, the list that is made from
--help-config, does not count.

A setting counts as explained if a page has its whole name (run.progress), or if code on a page (`...` or a block) has a
shorter form of it: the end of its name (`optimizer.name`, `beta1`), not as a part of another name.

usage: check_settings_on_pages.py CHARRNN_TRAIN SOURCE_FOLDER
       check_settings_on_pages.py --self-test
"""
import pathlib
import re
import subprocess
import sys

SETTING = re.compile(r"^  ([a-z0-9_.]+) = ", re.MULTILINE)
CODE = re.compile(r"^```.*?^```|^ {4}.*?$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def missing(settings, pages):
    """The settings that no page has."""
    text = "\n".join(pages)
    code = "\n".join(found for page in pages for found in CODE.findall(page))
    words = set(re.findall(r"(?<![\w.])[a-z0-9_.]+\b", code))
    not_found = []
    for setting in settings:
        parts = setting.split(".")
        ends = {".".join(parts[start:]) for start in range(1, len(parts))}
        if not re.search(rf"\b{re.escape(setting)}\b", text) and not ends & words:
            not_found.append(setting)
    return not_found


def self_test():
    settings = ["train.steps", "train.optimizer.beta1", "sample.length", "run.seed"]
    cases = [
        ("train.steps, `train.optimizer.beta1`, sample.length\n\n    run: {seed: 1}", []),
        ("`steps: 3`, `optimizer.beta1`, `length` and `seed`", []),
        ("steps, beta1, length, seed", settings),  # words of a sentence
        ("`train.steps_more`, `more.beta1`, `lengths`, `reseed`", settings),
    ]
    return [f"{page!r}: expected {expected}, found {missing(settings, [page])}"
            for page, expected in cases if missing(settings, [page]) != expected]


def check(program, root):
    help_text = subprocess.run([program, "--help-config"], check=True, capture_output=True, text=True).stdout
    settings = SETTING.findall(help_text)
    if len(settings) < 50:
        return [f"found only {len(settings)} settings in `{program} --help-config`"]
    pages = [root / "README.md", root / "data/README.md", *sorted(root.glob("docs/*.md"))]
    pages.remove(root / "docs/settings.md")
    texts = [page.read_text(encoding="utf-8") for page in pages]
    return [f"{setting} is explained on no page: explain it in README.md or docs" for setting in missing(settings, texts)]


def main():
    if sys.argv[1:] == ["--self-test"]:
        problems = self_test()
    elif len(sys.argv) == 3:
        problems = check(sys.argv[1], pathlib.Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
    print("\n".join(problems) or "every setting is on a page")
    sys.exit(1 if problems else 0)


main()
