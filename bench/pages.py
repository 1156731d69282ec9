"""Tables of docs/ that scripts fill in. In a page, each is between two comments:

    <!-- NAME: SCRIPT -->
    <!-- end of NAME -->
"""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Failure(Exception):
    pass


def cell(text):
    """`text` as a cell of a Markdown table."""
    text = str(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(text.split())


def row(*cells):
    return "| " + " | ".join(cell(text) for text in cells) + " |"


def head(names):
    """The first two lines of a table."""
    return [row(*names), row(*("---" for _ in names))]


def plural(count, noun):
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(share, digits=0):
    return f"{100 * share:.{digits}f} %"


def first_cell(line):
    return line.split(" | ")[0].strip("| ")


def replace_table(page, script, name, names, rows, keep=True):
    """Writes a table with columns `names` and these `rows` into the page.

    With `keep`, rows of an earlier run whose first cell is not in `rows` are kept.
    """
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: {script} -->\n", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise Failure(f"expected the lines '{begin.strip()}' and '{end}' once each in {page}")
    before, rest = text.split(begin)
    old, after = rest.split(end)
    kept = {first_cell(line): line for line in old.strip().split("\n")[2:]} if keep else {}
    lines = [*head(names), *(kept | {first_cell(line): line for line in rows}).values()]
    page.write_text(before + begin + "\n".join(lines) + "\n" + end + after, encoding="utf-8")


def machine():
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    return model[1].strip() if model else "unknown processor"


def git(*words):
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout


def changed_files():
    """Files that differ from the commit, except those of docs, which the scripts write themselves."""
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
    return [line[3:] for line in changed.splitlines()]


def commit():
    """The commit of this checkout, with a * if files differ from it."""
    return (git("describe", "--always").strip() or "unknown") + ("*" if changed_files() else "")


def may_write(is_asked, is_quick):
    """Whether a script writes its tables, which report the commit: with --write, or without --quick. Never from a checkout
    whose files differ from the commit."""
    changed = changed_files()
    found = f"{plural(len(changed), 'changed file')} ({', '.join(changed[:3])}{', ...' if len(changed) > 3 else ''})"
    if changed and is_asked:
        raise Failure(f"--write reports the commit of what it measured: expected a checkout without changes, found {found}: "
                      "commit or stash them, or leave out --write")
    if changed and not is_quick:
        print(f"the tables are not written to docs/, because they report a commit, and there are changes: {found}", flush=True)
    return (is_asked or not is_quick) and not changed
