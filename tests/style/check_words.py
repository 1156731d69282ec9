#!/usr/bin/env python3
"""Looks for phrases that docs/style.md replaces, in all text that a person reads.

Text is: Markdown without its code; comments and string literals of C++; comments and strings of Python, shell, CMake and
YAML files. The glossary of docs/style.md has the phrases; allowed_words.txt, next to this script, has the places where one
is right: a line `PATH: words around it`.

usage: check_words.py FOLDER            the places; exit code 1 if there are any
       check_words.py --count FOLDER    phrases in 10,000 words, by folder
       check_words.py --self-test
"""
import collections
import pathlib
import re
import subprocess
import sys

# What to find -> what to write instead.
GLOSSARY = {
    r"\b(?:go|goes|going|went|gone) on\b(?! (?:the|a|stage|strike))": "continue, resume",
    r"\bwhere (?:it|they) (?:is|are)\b|\bwhere there (?:is|are)\b|\bwhere asked\b": "if, when",
    r"\bbesides?\b": "next to, alongside, compared with",
    r"\bbehind\b": "after",
    r"\bof (?:its|their|his|our|one's) own\b": "its own ..., or nothing",
    r"\bso (?:many|much)\b|\bso long(?! as)\b": "N, this many",
    r"\b(?:but for|all but|nothing but|anything but|none but)\b": "except, only",
    r"\b(?:is|are|was|were) (?-i:none)\b|(?<!there )\b(?:is|are) no (?!longer|more\b|less\b)": "is not a ..., does not exist",
    r"\banew\b": "again, rebuilt",
    r"\b(?:come|comes|came|coming) to\b": "reach",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bwhat (?:becomes|became|has become|will become) of\b": "what to do with",
    r"\bmarks? to beat\b": "baselines",
    r"\b(?:says|is said|is named|are named|names (?:it|them|the|a|each|every|both)\b)": "prints, reports, lists",
    r"\b(?:hears?|heard|tells?|told|talks?|talked|speaks?|spoke)\b": "receives, sends, reports",
    r"\bso to (?:say|speak)\b": "(leave it out)",
    r"\b(?:is|are) not there\b": "does not exist, is missing",
    r"\b(?:takes?|taken|took) (?:it|them|this|that) for\b": "treats as",
    r"\bpassed over\b": "skip",
    r"\bfor want of\b": "for lack of",
    r"\bas a rule\b": "usually",
    r"\bfor ever\b": "forever",
    r"\bclears? away\b": "removes",
    r"\botherwise than\b": "differently from",
    r"\bfor (?:they|it) (?:lie|lies|is|are|has|have)\b": "because",
    r"\bknows? nothing of\b": "does not know",
    r"\b(?:made|make|makes) up for\b": "does later, compensates",
    r"\bwhatever happens\b": "in any case",
    r"\bis to be (?:had|found|seen)\b|\bto be had\b": "is available, is in",
}
PHRASES = [(re.compile(phrase, re.IGNORECASE), instead) for phrase, instead in GLOSSARY.items()]

ENDINGS = {".md", ".h", ".cpp", ".inc", ".in", ".py", ".sh", ".sbatch", ".cmake", ".yaml", ".def"}
NAMES = {"CMakeLists.txt", "run", "charrnn_on_host"}
# Texts that are not ours, the glossary itself, and this script.
SKIPPED = ("data/tiny_shakespeare", "tests/fuzz/corpus", "tests/style/", "docs/style.md", "docs/settings.md")

CHARACTER = r"'(?:\\.|[^'\\\n])'"
CPP_TEXT = re.compile(CHARACTER + r'|//[^\n]*|/\*.*?\*/|R"(\w*)\((?:.*?)\)\1"|"(?:\\.|[^"\\\n])*"', re.DOTALL)
# Also the words of shell scripts that are printed by here-documents: so a whole line counts, except assignments.
MARKDOWN_CODE = re.compile(r"^```.*?^```|^ {4,}.*?$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def text_of(path, content):
    """`content` with everything blanked that is not text; lines stay where they are."""
    if path.suffix == ".md":
        return MARKDOWN_CODE.sub(lambda code: blank(code.group()), content)
    if path.suffix not in {".h", ".cpp", ".inc", ".in"}:
        return content
    parts = []
    end = 0
    for found in CPP_TEXT.finditer(content):
        parts.append(blank(content[end:found.start()]))
        is_include = content[content.rfind("\n", 0, found.start()) + 1:found.start()].lstrip().startswith("#include")
        parts.append(blank(found.group()) if is_include else found.group())
        end = found.end()
    parts.append(blank(content[end:]))
    return "".join(parts)


def joined(text):
    """Lines of one comment or paragraph as one, so that a phrase across a line's end is found: position by position."""
    return re.sub(r"\n([ \t]*(?:///?|#|\*|\")?[ \t]*)", lambda gap: " " * len(gap.group()), text)


def phrases_in(text):
    """(line number, what was found, what to write instead, the words around it)."""
    flat = re.sub(r"[ \t]{2,}", lambda gap: " " + "\0" * (len(gap.group()) - 1), joined(text))
    positions = [position for position, letter in enumerate(flat) if letter != "\0"]
    flat = flat.replace("\0", "")
    for phrase, instead in PHRASES:
        for found in phrase.finditer(flat):
            line = text.count("\n", 0, positions[found.start()]) + 1
            around = flat[max(0, found.start() - 40):found.end() + 40]
            yield line, found.group(), instead, " ".join(around.split())


def files_of(root):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root, check=True, capture_output=True,
                            text=True).stdout
    for name in sorted(listed.splitlines()):
        path = pathlib.Path(name)
        if (path.suffix in ENDINGS or path.name in NAMES) and not name.startswith(SKIPPED) and (root / path).is_file():
            yield path


def read_allowed():
    allowed = collections.defaultdict(list)
    for line in (pathlib.Path(__file__).parent / "allowed_words.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            path, words = line.split(": ", 1)
            allowed[path].append(words)
    return allowed


def check(root):
    allowed = read_allowed()
    used = set()
    problems = []
    for path in files_of(root):
        text = text_of(path, (root / path).read_text(encoding="utf-8", errors="replace"))
        for line, found, instead, around in phrases_in(text):
            exceptions = [words for words in allowed[str(path)] if words in around]
            used.update((str(path), words) for words in exceptions)
            if not exceptions:
                problems.append(f"{path}:{line}: \"{found}\": write {instead}   ...{around}...")
    for path, exceptions in allowed.items():
        problems += [f"allowed_words.txt: no longer needed: {path}: {words}" for words in exceptions
                     if (path, words) not in used]
    return problems


def count(root):
    words, phrases = collections.Counter(), collections.Counter()
    for path in files_of(root):
        text = text_of(path, (root / path).read_text(encoding="utf-8", errors="replace"))
        parts = path.parts
        folder = "/".join(parts[:3]) if parts[0] == "src" and len(parts) > 3 else parts[0]
        words[folder] += len(re.findall(r"[A-Za-z][a-z']+", text))
        phrases[folder] += len(list(phrases_in(text)))
    for folder in [*sorted(words), None]:
        w, p = (words[folder], phrases[folder]) if folder else (words.total(), phrases.total())
        print(f"{folder or 'all':24} {p:5} phrases {w:7} words {10000 * p / max(w, 1):7.1f} in 10,000")


def self_test():
    cases = [
        ("a.md", "It goes\non.", ["goes on"]),
        ("a.md", "It continues. `goes on`\n\n    goes on\n\n```\ngoes on\n```\n", []),
        ("a.cpp", "int goes_on; // it goes\n    // on\n", ["goes on"]),
        ("a.cpp", 'f("it is", none, " anew");\n', [" anew".strip()]),
        ("a.cpp", '#include "beside/anew.h"\n', []),
        ("a.py", "# there is no file, and it is no longer needed\n", []),
        ("a.sh", "echo \"This is no file\"\n", ["is no "]),
    ]
    problems = []
    for name, content, expected in cases:
        found = [what for _, what, _, _ in phrases_in(text_of(pathlib.Path(name), content))]
        if found != expected:
            problems.append(f"{name} {content!r}: expected {expected}, found {found}")
    return problems


def main():
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "--count":
        count(pathlib.Path(arguments[1]))
        return
    if arguments == ["--self-test"]:
        problems = self_test()
    elif len(arguments) == 1:
        problems = check(pathlib.Path(arguments[0]))
    else:
        sys.exit(__doc__)
    print("\n".join(problems) or "no phrase of the glossary")
    sys.exit(1 if problems else 0)


main()
