"""What every rule shares: the tree to read, C++ text without comments and strings, rules in data files, and how a failure is told.

A rule is a script: `python3 <rule>_test.py [--root TREE] [--build DIR]`. It prints one line per failure (file, line, rule, what is
wrong, what to do instead) and exits 1, or one line that says how much it read and exits 0. Rules stand in the .txt files beside
the scripts, so that a change of rule shows in review. No rule can be switched off for one file.
"""
import argparse
import json
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLANTED = "tests/architecture/planted"
SKIPPED_FOLDERS = re.compile(r"^(node_modules|__pycache__|\..*)$")
SKIPPED_AT_TOP = re.compile(r"^(build.*|data)$")


class Tree:
    """One run of one rule script over one tree."""

    def __init__(self, purpose):
        parser = argparse.ArgumentParser(description=purpose)
        parser.add_argument("--root", type=Path, default=HERE.parent.parent, help="the tree to read (default: this repository)")
        parser.add_argument("--build", type=Path, help="a build folder of it, for what only a build knows")
        parser.add_argument("--rules", type=Path, default=HERE, help="the folder with the rules files (default: beside the scripts)")
        parser.add_argument("--expect", nargs="*", default=[], help="plugin files that this build must have made")
        self.args = parser.parse_args()
        self.root = self.args.root.resolve()
        set_rules_folder(self.args.rules)
        self.build = self.args.build.resolve() if self.args.build else None
        self.failures = set()
        self.read = 0
        self.one_per_line = False  # a line that breaks two rules is told once, by the first that is read

    def fail(self, path, line, rule, wrong, instead):
        told = {(f[0], f[1]) for f in self.failures} if self.one_per_line else ()
        if (str(path), line) not in told:
            self.failures.add((str(path), line, rule, wrong, instead))

    def finish(self, rules):
        for path, line, rule, wrong, instead in sorted(self.failures, key=lambda f: (f[0], f[1], str(f[2]))):
            print(f"{path}:{line}: rule {rule}: {wrong}; instead: {instead}")
        if self.failures:
            print(f"{len(self.failures)} failure(s). The rules: CONTRIBUTING.md and tests/architecture/README.md")
            sys.exit(1)
        print(f"rules {rules} hold ({self.read} files read)")
        sys.exit(0)

    def files(self, *patterns):
        """Files of the tree that match one of the patterns, as (relative path, text), sorted."""
        wanted = [glob(p) for p in patterns]
        for relative in sorted(self.paths()):
            if any(w.match(relative) for w in wanted):
                self.read += 1
                yield relative, (self.root / relative).read_text(encoding="utf-8", errors="replace")

    def paths(self):
        if not hasattr(self, "_paths"):
            self._paths = []
            for folder, below, names in os.walk(self.root):
                inside = Path(folder).relative_to(self.root).as_posix()
                below[:] = [b for b in below if not SKIPPED_FOLDERS.match(b)
                            and not (inside == "." and SKIPPED_AT_TOP.match(b))]
                if inside == PLANTED or inside.startswith(PLANTED + "/"):
                    below[:] = []
                    continue
                self._paths += [n if inside == "." else f"{inside}/{n}" for n in names]
        return self._paths

    def compile_commands(self):
        """[(source relative to the root, object file)] of the build; sources outside the tree are left out."""
        found = []
        with open(self.build / "compile_commands.json", encoding="utf-8") as f:
            for entry in json.load(f):
                source = Path(entry["directory"], entry["file"]).resolve()
                if not source.is_relative_to(self.root):
                    continue
                output = entry.get("output") or re.search(r" -o (\S+)", entry["command"]).group(1)
                found.append((source.relative_to(self.root).as_posix(), Path(entry["directory"], output)))
        return found


_globs = {}


def glob(pattern):
    """`*` stays inside a folder, `**` does not, `{a,b}` is either; a pattern that ends in `/` means all below it."""
    if pattern not in _globs:
        text = pattern + "**" if pattern.endswith("/") else pattern
        out = ""
        for piece in re.split(r"(\*\*/|\*\*|\*|\{[^}]*\})", text):
            if piece == "**/":
                out += "(?:.*/)?"
            elif piece == "**":
                out += ".*"
            elif piece == "*":
                out += "[^/]*"
            elif piece.startswith("{"):
                out += "(?:" + "|".join(re.escape(p) for p in piece[1:-1].split(",")) + ")"
            else:
                out += re.escape(piece)
        _globs[pattern] = re.compile(out + r"\Z")
    return _globs[pattern]


def matches(path, patterns):
    return any(glob(p).match(path) for p in patterns)


_rules_folder = [HERE]


def set_rules_folder(folder):
    _rules_folder[0] = folder.resolve()


def rules(name):
    """Lines of a rules file without comments: (line number, text)."""
    with open(_rules_folder[0] / name, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = re.sub(r"(^|\s)#\s.*$|^#$", "", line.rstrip("\n")).rstrip()
            if line.strip():
                yield number, line


def columns(text):
    return [c.strip() for c in re.split(r"\s\|(?:\s|$)", text)]


# A number comes first so that the quote in 1'000 opens no character literal.
_TOKEN = re.compile(
    r"(?P<number>\b[0-9](?:'?[0-9A-Za-z_.])*)"
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)"
    r'|(?P<raw>R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)")'
    r'|(?P<text>"(?:\\.|[^"\\\n])*")'
    r"|(?P<char>'(?:\\.|[^'\\\n])*')", re.S)


def code_only(text, keep_strings=False):
    """The text with comments blanked, and the inside of literals too unless asked; lines and columns stay where they were."""

    def blank(m):
        whole = m.group(0)
        if m.lastgroup == "number" or m.group("number"):
            return whole
        if m.group("comment"):
            return re.sub(r"[^\n]", " ", whole)
        if keep_strings:
            return whole
        return whole[0] + re.sub(r"[^\n]", " ", whole[1:-1]) + whole[-1]

    return _TOKEN.sub(blank, text)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def includes(text):
    """(line, '<' or '"', path) of each include that is not in a comment."""
    for m in _INCLUDE.finditer(code_only(text, keep_strings=True)):
        yield line_of(text, m.start(1)), m.group(1), m.group(2)
