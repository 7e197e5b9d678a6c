"""Rule 9: every source belongs to a target and every header is included. That each header compiles alone: headers_test.py."""
import os
import re

from rules_lib import Tree, includes, matches, rules

SOURCES = tuple(f"{top}/**.{end}" for top in ("kernel", "plugins", "sdk", "cli", "proto", "tests") for end in ("cpp", "cc", "c"))
HEADERS = tuple(f"{top}/**.h" for top in ("kernel", "plugins", "sdk", "cli", "tests"))
# Public headers are for others: who writes a plugin or a client includes them.
PUBLIC = ("sdk/plugin/abi/**", "sdk/plugin/cpp/**", "sdk/cpp/include/**")


class Targets:
    """Which sources belong to a target: by the build when it is a whole one, else by the names in CMakeLists.txt files."""

    def __init__(self, tree):
        self.compiled = None
        if tree.build is not None and self.is_whole(tree.build):
            self.compiled = {source for source, _ in tree.compile_commands()}
        self.named = set()
        for path, text in tree.files("**CMakeLists.txt"):
            folder = os.path.dirname(path)
            for name in re.findall(r"[\w./-]+\.(?:cpp|cc|c|h)\b", re.sub(r"#[^\n]*", "", text)):
                self.named.add(os.path.normpath(os.path.join(folder, name)))
            for collected in re.findall(r"\bion_collect\(\w+\s+([\w./-]+)", text):
                at = os.path.normpath(os.path.join(folder, collected))
                self.named |= {path for path in tree.paths() if os.path.dirname(path) == at and path.endswith(".cpp")}
        self.elsewhere = [line.split()[1] for _, line in rules("source_rules.txt")]

    @staticmethod
    def is_whole(build):
        cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
        return all(re.search(rf"^{option}:BOOL=(ON|1|TRUE)$", cache, re.M) for option in ("ION_TESTING", "ION_WITH_GRPC"))

    def own(self, path):
        if matches(path, self.elsewhere):
            return True
        return path in (self.named if self.compiled is None else self.compiled)


def main():
    tree = Tree(__doc__)
    targets = Targets(tree)
    said = set()
    for path, text in tree.files(*SOURCES, *HEADERS):
        said |= {(os.path.dirname(path), target) for _, _, target in includes(text)}
        if not path.endswith(".h") and not targets.own(path):
            tree.fail(path, 1, 9, "belongs to no target", "name it in the CMakeLists.txt of its folder, or delete it")
    included = {os.path.normpath(os.path.join(folder, target)) for folder, target in said} | {target for _, target in said}
    ends = {e.split("/")[-1]: set() for e in included}
    for e in included:
        ends[e.split("/")[-1]].add(e)
    for path, _ in tree.files(*HEADERS):
        if matches(path, PUBLIC) or path in targets.named:  # named: a precompiled header
            continue
        if not any(path == e or path.endswith("/" + e) for e in ends.get(path.split("/")[-1], ())):
            tree.fail(path, 1, 9, "is included by nobody", "include it where its type is used, or delete it")
    tree.finish("9 (sources and headers have a use)")


if __name__ == "__main__":
    main()
