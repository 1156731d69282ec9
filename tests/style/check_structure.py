#!/usr/bin/env python3
"""Checks the layers of src/charrnn against docs/structure.md: includes, no circles, short files and functions.

usage: check_structure.py SOURCE_FOLDER
       check_structure.py --self-test
"""
import pathlib
import re
import sys
import tempfile

MAP = "docs/structure.md"
LONGEST_FILE = 400  # lines, of src
LONGEST_FUNCTION = 60

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LINKS = re.compile(r"\bcharrnn_(\w+)")
NO_FUNCTION = re.compile(r"\s*(namespace|class|struct|enum|union|extern|for|while|if|switch)\b")

# Folders whose library has another name, because CMake uses the folder's name for something else.
LIBRARY_OF_FOLDER = {"train": "training"}  # charrnn_train is the tool


def table(text, first_column):
    """The rows of the table whose first column has this title, as lists of cells."""
    rows = []
    is_inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])] if line.startswith("|") else []
        if cells and cells[0] == first_column:
            is_inside = True
        elif not cells:
            is_inside = False
        elif is_inside and not set(cells[0]) <= set("- "):
            rows.append(cells)
    return rows


class Map:
    """The tables of docs/structure.md."""

    def __init__(self, text):
        self.order = []
        self.may_use = {}
        for name, _, uses in table(text, "folder"):
            name = name.strip("`")
            allowed = self.order if uses == "all above" else [] if uses == "nothing of ours" else uses.split(", ")
            self.may_use[name] = set(allowed)
            self.order.append(name)
        self.libraries = [(name, re.compile(headers.strip("`").replace("\\|", "|")), set(users.split(", ")))
                          for name, headers, users in table(text, "library")]

    def problems(self):
        """Folders must be listed from low to high, so that they cannot form circles."""
        if not self.order or not self.libraries:
            return [f"expected a table of folders and one of libraries in {MAP}"]
        problems = []
        for number, name in enumerate(self.order):
            for used in sorted(self.may_use[name] - set(self.order[:number])):
                problems.append(f"{MAP}: {name} may use {used}, which is not above it in the table")
        return problems


def circles(includes):
    """Groups of files that include each other, by Tarjan's algorithm (1972)."""
    number, low, stack, found = {}, {}, [], []

    def visit(file):
        number[file] = low[file] = len(number)
        stack.append(file)
        for other in sorted(includes.get(file, ())):
            if other not in number:
                visit(other)
            if other in stack:
                low[file] = min(low[file], low[other])
        if low[file] == number[file]:
            group = stack[stack.index(file):]
            del stack[stack.index(file):]
            if len(group) > 1:
                found.append(sorted(group))

    for file in sorted(includes):
        if file not in number:
            visit(file)
    return found


def long_functions(lines):
    """(line, length) of each function of more than LONGEST_FUNCTION lines; the text is formatted by clang-format."""
    found = []
    for opening, line in enumerate(lines):
        if not line.endswith("{") or line.lstrip().startswith("//"):
            continue
        start = opening
        while start > 0 and lines[start - 1] and not re.search(r"[;{}:]$|^\s*//", lines[start - 1]):
            start -= 1
        indent = re.match(" *", lines[start])[0]
        if len(indent) > 2 or any(NO_FUNCTION.match(text) for text in lines[start : opening + 1]):
            continue
        end = next((i for i in range(opening + 1, len(lines)) if lines[i].startswith(indent + "}")), opening)
        if end - start + 1 > LONGEST_FUNCTION:
            found.append((start + 1, end - start + 1))
    return found


def check_lines(root, path, folder, rules, includes):
    problems = []
    where = path.relative_to(root)
    lines = path.read_text(encoding="utf-8").splitlines()
    name = str(where.with_suffix("")).removeprefix("src/charrnn/")
    includes.setdefault(name, set())
    if where.parts[0] == "src":
        if len(lines) > LONGEST_FILE:
            problems.append(f"{where}: {len(lines)} lines, expected at most {LONGEST_FILE}: split it")
        for line, length in long_functions(lines):
            problems.append(f"{where}:{line}: a function of {length} lines, expected at most {LONGEST_FUNCTION}")
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        quote, header = found.groups()
        here = f"{where}:{number}: "
        if header.startswith("charrnn/"):
            target = header.split("/")[1]
            included = str(pathlib.PurePath(header).with_suffix("")).removeprefix("charrnn/")
            if included != name:
                includes[name].add(included)
            if target != folder and target not in rules.may_use[folder]:
                allowed = ", ".join(sorted(rules.may_use[folder])) or "nothing of ours"
                problems.append(f"{here}{folder} may not include {header}, only {allowed}")
        elif quote == '"' and where.parts[0] == "src":
            problems.append(f'{here}expected "charrnn/FOLDER/FILE.h", found "{header}"')
        for library, headers, users in rules.libraries:
            if headers.match(header) and not any(f"{name}/".startswith(f"{user}/") or folder == user for user in users):
                problems.append(f"{here}{library} ({header}) belongs only to {', '.join(sorted(users))}")
    return problems


def check_links(root, rules):
    """A library of ours may link only folders that its files may include."""
    problems = []
    folder_of = {LIBRARY_OF_FOLDER.get(folder, folder): folder for folder in rules.order}
    for folder in rules.order:
        path = root / "src/charrnn" / folder / "CMakeLists.txt"
        if not path.exists():
            continue
        for linked in LINKS.findall(path.read_text(encoding="utf-8").partition("LINKS")[2]):
            target = folder_of.get(linked)
            if target and target != folder and target not in rules.may_use[folder]:
                problems.append(f"{path.relative_to(root)}: {folder} may not link charrnn_{linked}")
    return problems


def check_paths(root, page, pattern):
    """Each path that the page has in backticks exists, with or without an ending, from the root or src/charrnn."""
    problems = []
    text = (root / page).read_text(encoding="utf-8") if (root / page).exists() else ""
    for path in sorted(set(re.findall(f"`({pattern})`", text))):
        if not any([*base.glob(path), *base.glob(path + ".*")] for base in (root, root / "src/charrnn")):
            problems.append(f"{page}: there is no {path}")
    return problems


def problems_in(root):
    rules = Map((root / MAP).read_text(encoding="utf-8"))
    problems = rules.problems()
    includes = {}
    paths = [path for folder in ("src", "tools", "bench", "python") for path in sorted(root.glob(f"{folder}/**/*"))
             if path.suffix in (".h", ".cpp", ".in", ".inc", ".cu")]
    for path in paths:
        parts = path.relative_to(root).parts
        folder = parts[0]
        if folder == "src":
            folder = parts[2] if parts[1] == "charrnn" and len(parts) > 3 else "/".join(parts[1:-1])
        if folder not in rules.may_use:
            problems.append(f"{path.relative_to(root)}: the folder {folder} is not in the table of {MAP}")
        else:
            problems += check_lines(root, path, folder, rules, includes)
    problems += [f"files that include each other: {', '.join(group)}" for group in circles(includes)]
    problems += check_links(root, rules)
    for page in (MAP, "docs/internals.md"):
        problems += check_paths(root, page, r"[a-z_]+/[a-z_/.]+")
    for page in ("README.md", "CONTRIBUTING.md", "docs/style.md", "docs/formats.md"):
        problems += check_paths(root, page, r"(?:src|tests|tools|docs|launch)/[a-z_/.]+")
    if not paths:
        problems.append(f"there are no sources in {root}")
    return problems


SELF_TEST_MAP = r"""
| folder | what is in it | may use |
| --- | --- | --- |
| `core` | x | nothing of ours |
| `text` | x | core |
| `data` | x | core, text |
| `comm` | x | core |
| `train` | x | all above |
| `tools` | x | all above |

| library | its headers | may be included by |
| --- | --- | --- |
| LibTorch | `(ATen\|torch\|c10)/` | train, tools |
| MPI | `mpi\.h$` | comm/mpi |
"""

# files -> part of the message that is expected, None if nothing is wrong
SELF_TEST = [
    ({"src/charrnn/data/a.cpp": '#include "charrnn/train/trainer.h"'}, "data may not include charrnn/train/trainer.h"),
    ({"src/charrnn/core/a.h": '#include "charrnn/text/utf8.h"'}, "core may not include charrnn/text/utf8.h, only nothing"),
    ({"src/charrnn/comm/a.cpp": '  #  include "charrnn/data/a.h"'}, "comm may not include charrnn/data/a.h"),
    ({"src/charrnn/extra/a.cpp": ""}, "extra is not in the table"),
    ({"src/charrnn/a.cpp": ""}, "charrnn is not in the table"),
    ({"src/charrnn/data/a.h": '#include "b.h"'}, 'expected "charrnn/FOLDER/FILE.h", found "b.h"'),
    ({"src/charrnn/data/a.h": "#include <ATen/ATen.h>"}, "LibTorch (ATen/ATen.h) belongs only to tools, train"),
    ({"src/charrnn/comm/a.cpp": "#include <mpi.h>"}, "MPI (mpi.h) belongs only to comm/mpi"),
    ({"src/charrnn/comm/mpi/a.cpp": "#include <mpi.h>"}, None),
    ({"src/charrnn/text/a.h": '#include "charrnn/text/b.h"', "src/charrnn/text/b.h": "",
      "src/charrnn/text/b.cpp": '#include "charrnn/text/a.h"'}, "include each other: text/a, text/b"),
    ({"src/charrnn/text/a.h": '#include "charrnn/text/b.h"', "src/charrnn/text/a.cpp": '#include "charrnn/text/a.h"',
      "src/charrnn/text/b.h": ""}, None),
    ({"src/charrnn/text/a.cpp": "\n" * (LONGEST_FILE + 1)}, f"{LONGEST_FILE + 1} lines, expected at most {LONGEST_FILE}"),
    ({"src/charrnn/text/a.cpp": "void f() {" + "\n" * LONGEST_FUNCTION + "}"},
     f"a.cpp:1: a function of {LONGEST_FUNCTION + 1} lines"),
    ({"src/charrnn/text/a.h": "class A {\n  void f(int a,\n         int b) {" + "\n" * LONGEST_FUNCTION + "  }\n};"},
     f"a.h:2: a function of {LONGEST_FUNCTION + 2}"),
    ({"src/charrnn/text/a.h": "namespace a {" + "\n" * (LONGEST_FUNCTION + 9) + "void f() {" + "\n" * (LONGEST_FUNCTION - 1) +
      "}\n}  // namespace"}, None),
    ({"src/charrnn/text/CMakeLists.txt": "charrnn_library(text SOURCES a.cpp LINKS charrnn_core charrnn_comm)",
      "src/charrnn/text/a.cpp": ""}, "text may not link charrnn_comm"),
    ({"README.md": "`src/charrnn/text/a` `src/charrnn/text/b`", "src/charrnn/text/a.h": ""}, "there is no src/charrnn/text/b"),
    ({"tools/a.cpp": '#include "command_line.h"\n#include "charrnn/train/b.h"\n#include <ATen/ATen.h>'}, None),
]


def self_test():
    failures = []
    cases = [({MAP: SELF_TEST_MAP, **files}, expected) for files, expected in SELF_TEST]
    upward = SELF_TEST_MAP.replace("| `text` | x | core |", "| `text` | x | core, data |")
    cases.append(({MAP: upward, "src/charrnn/core/a.h": ""}, "text may use data, which is not above it"))
    cases.append(({MAP: "nothing", "tools/a.cpp": ""}, "expected a table of folders"))
    for files, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            for file, text in files.items():
                path = pathlib.Path(folder, file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
            found = problems_in(pathlib.Path(folder))
        as_expected = not found if expected is None else any(expected in problem for problem in found)
        if not as_expected:
            failures.append(f"{[*files][1:]}: expected {expected}, found {found}")
    return failures


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    problems = self_test() if sys.argv[1] == "--self-test" else problems_in(pathlib.Path(sys.argv[1]))
    print("\n".join(problems) or f"the sources are as {MAP} describes them")
    sys.exit(1 if problems else 0)


main()
