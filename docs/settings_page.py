#!/usr/bin/env python3
"""docs/settings.md, made from what `charrnn_train --help-config` prints.

usage: settings_page.py CHARRNN_TRAIN            writes docs/settings.md
       settings_page.py --check CHARRNN_TRAIN    exit code 1 if the page differs
       settings_page.py --self-test
"""
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parent / "settings.md"
COMMAND = "python3 docs/settings_page.py build/release/bin/charrnn_train"

# "  train.steps = none      length of the run [a whole number or none; 1 or more; in steps]"
SETTING = re.compile(r"^  (?P<name>[a-z0-9_.]+) = (?P<default>.*?) {2,}(?P<rest>\S.*\])$")
SECTIONS = {
    "corpus": "Which text becomes the corpus, and how it is cleaned: [preprocessing.md](preprocessing.md).",
    "corpus.vocabulary": "",
    "corpus.split": "",
    "model": "Cell, sizes and initial weights: [running.md](running.md).",
    "train": "Batches, length of the run, and what to do if training diverges.",
    "train.optimizer": "",
    "train.schedule": "",
    "evaluate": "Evaluation on the validation split during training.",
    "sample": "Texts generated during training, and the defaults of `charrnn_sample`.",
    "checkpoint": "",
    "run": "",
    "comm": "Ranks, and what they send each other.",
}
HEAD = f"""# Settings

<!-- Made by `{COMMAND}`: change the help in src/charrnn/config/settings_table.cpp, not this page. -->

This page lists every setting with its default; `charrnn_train --help-config` prints the same list. In a
config, settings are nested:

    train:
      steps: 2000
      optimizer: {{name: adamw, learning_rate: 0.005}}

On the command line, write the full name: `--set train.optimizer.learning_rate=0.001`. In the column "values", names such as
`constant`, `step` are the possible values. An unknown setting is an error; the message suggests the most similar name.
"""


def cell(text):
    """Text of a table: no bars, and angle brackets as they are."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def code(text):
    return f"`{text}`"


def values_of(kind):
    """ "a | b" -> "`a`, `b`"; "a number; 0 to 1; in s" -> "a number, 0 to 1, in s"; braces are code."""
    if " | " in kind:
        return ", ".join(code(value) for value in kind.split(" | "))
    text = cell(kind.replace("; ", ", "))
    return re.sub(r"\{.*\}", lambda found: code(found[0].replace(": ,", ": ...,").replace(": }", ": ...}")), text)


def help_and_type(text):
    """ "help [a or [b]]" -> "help", "a or [b]": the bracket that the last one closes."""
    depth = 0
    for place in reversed(range(len(text))):
        depth += {"]": 1, "[": -1}.get(text[place], 0)
        if depth == 0:
            return text[:place].rstrip(), text[place + 1:-1]
    sys.exit(f"settings_page.py finds no type in this help: {text}")


def page_of(help_text):
    settings = []
    for line in help_text.splitlines():
        if line.startswith("  "):
            found = SETTING.match(line)
            if not found:
                sys.exit(f"settings_page.py cannot read this line of --help-config: {line}")
            setting = found.groupdict()
            setting["help"], setting["type"] = help_and_type(setting["rest"])
            settings.append(setting)
    if len(settings) < 50:
        sys.exit(f"expected the settings of --help-config, found {len(settings)} lines of them")
    sections = {}  # in the order of their first setting
    for setting in settings:
        section, _, name = setting["name"].rpartition(".")
        sections.setdefault(section, []).append((name, setting))
    unknown = sorted(set(sections) - set(SECTIONS))
    if unknown:
        sys.exit(f"settings_page.py has no line in SECTIONS about {', '.join(unknown)}: add one")
    parts = [HEAD]
    for section, list_of_settings in sections.items():
        parts.append(f"{'###' if '.' in section else '##'} {section}\n")
        if SECTIONS[section]:
            parts.append(SECTIONS[section] + "\n")
        rows = [f"| {code(name)} | {code(cell(s['default']))} | {cell(s['help'])} | {values_of(s['type'])} |\n"
                for name, s in list_of_settings]
        parts.append("| setting | default | meaning | values |\n| --- | --- | --- | --- |\n" + "".join(rows))
    return "\n".join(parts)


def self_test():
    lines = ["", "train"] + [f"  train.s{i} = none                 help {i} [a whole number or none; 1 or more; in steps]"
                             for i in range(60)]
    lines += ["  train.optimizer.name = adam      what it is; <unk> [adam | sgd]", '  run.output = ""     folder [text]',
              "  train.length = 64  [1, 2]: drawn [a number, or [1, 2]; in s]",
              '  run.list = ["a  b"]    a list [a list, each a path or {path: , encoding: }]']
    page = page_of("\n".join(lines))
    expected = ["| `s3` | `none` | help 3 | a whole number or none, 1 or more, in steps |",
                "| `name` | `adam` | what it is; &lt;unk&gt; | `adam`, `sgd` |", '| `output` | `""` | folder | text |',
                "| `length` | `64` | [1, 2]: drawn | a number, or [1, 2], in s |", "### train.optimizer", "## run",
                "| a list, each a path or `{path: ..., encoding: ...}` |"]
    missing = [text for text in expected if text not in page]
    if missing:
        sys.exit(f"the page of the self-test lacks {missing}:\n{page}")
    print("the self-test's page is as expected")


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        return self_test()
    is_check = arguments[:1] == ["--check"]
    if len(arguments) != 1 + is_check or arguments[-1].startswith("-"):
        sys.exit(__doc__)
    done = subprocess.run([arguments[-1], "--help-config"], check=True, capture_output=True, text=True)
    page = page_of(done.stdout)
    if not is_check:
        PAGE.write_text(page, encoding="utf-8")
        print(f"wrote {PAGE}")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        sys.exit(f"docs/settings.md is not what --help-config prints; make it again: {COMMAND}")
    else:
        print("docs/settings.md is up to date")


main()
