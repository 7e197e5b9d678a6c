"""Rules 3 and 5 as the linker sees them: what objects ask of the system, and that cores hold no state of their own. Needs a build."""
import re
import subprocess

from elf import writable_objects
from rules_lib import Tree, columns, matches, rules
from forbidden_words_test import Section


class Symbol:
    def __init__(self, pattern, home, instead):
        self.pattern = re.compile(pattern + r"\Z")
        self.home, self.instead = [] if home == "-" else home.split(), instead


def read_sections():
    sections = []
    for _, line in rules("symbols.txt"):
        head = re.fullmatch(r"\[(\d+):(.*)\]", line.strip())
        if head:
            sections.append(Section(*head.groups()))
        else:
            sections[-1].words.append(Symbol(*columns(line)))
    return sections


def undefined(objects):
    """{object: [symbol]}; weak references count for nothing, since a shared_ptr has one to the threads library."""
    asked = {}
    for start in range(0, len(objects), 200):
        out = subprocess.run(["nm", "-A", "-P", "-u", *map(str, objects[start:start + 200])], capture_output=True, text=True,
                             check=True).stdout
        for line in out.splitlines():
            name, symbol, kind = re.match(r"(.*?): (\S+) (\S)", line).groups()
            if kind == "U":
                asked.setdefault(name, []).append(symbol.split("@")[0])
    return asked


def main():
    tree = Tree(__doc__)
    if tree.build is None:
        raise SystemExit("object_symbols_test.py reads object files: give --build")
    sections = read_sections()
    sources = {}
    for source, output in tree.compile_commands():
        if output.exists() and any(s.reads(source) for s in sections):
            sources[str(output)] = source
    tree.read = len(sources)
    for output, symbols in undefined(sorted(sources)).items():
        source = sources[output]
        for section in (s for s in sections if s.reads(source)):
            for rule in (w for w in section.words if not matches(source, w.home)):
                for symbol in filter(rule.pattern.match, symbols):
                    tree.fail(source, 1, section.rule, f"its object asks the system for `{symbol}`", rule.instead)
    for output, source in sources.items():
        if "/core/" in source:
            for name, section in writable_objects(output):
                tree.fail(source, 1, 3, f"`{name}` is writable state in {section}", "make it a member, or constexpr")
    tree.finish("3, 5 (symbols of objects)")


if __name__ == "__main__":
    main()
