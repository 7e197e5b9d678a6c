"""Rule 18, settings and metrics: a new one touches one file.

A setting is a field and a row; with a build both are added to a copy of each file that has rows, and schema and struct must have them
without a line elsewhere. A metric's name stands in one file."""
import collections
import pathlib
import re
import subprocess
import tempfile

from rules_lib import Tree, code_only, line_of
from verb_count_test import compiler_and_flags

CODE = ("kernel/**.h", "kernel/**.cpp", "plugins/**.h", "plugins/**.cpp", "sdk/**.h", "sdk/**.cpp", "cli/**.h", "cli/**.cpp")
ROWS = re.compile(r"struct (\w+) \{(?:(?!\nstruct ).)*?static constexpr auto rows\(\) \{.*?return std::tuple\{", re.S)
METRIC = re.compile(r'"(ionstream_[a-z_]+)"')
ADDED = "added_by_a_test"


def with_setting(text, struct, at):
    """The text of a header with one more field and row of a struct; `at` is where its rows begin."""
    row = f'ion::row("{ADDED}", &{struct}::{ADDED}, ion::kCount, 1, 9, "Added by a test."), '
    field = re.search(rf"struct {struct} {{", text).end()
    return text[:field] + f"\n  uint32_t {ADDED} = 3;" + text[field:at] + row + text[at:]


def compiles(tree, path, text, struct, folder):
    include = path.removeprefix("kernel/") if path.startswith("kernel/") else path
    (folder / include).parent.mkdir(parents=True, exist_ok=True)
    (folder / include).write_text(text, encoding="utf-8")
    space = re.search(r"^namespace ([\w:]+) \{", text, re.M)[1]
    probe = folder / "probe.cpp"
    probe.write_text(f"""#include <{include}>
static_assert({space}::{struct}{{}}.{ADDED} == 3);
static_assert(ion::schema_of<{space}::{struct}>().find("{ADDED}\\":{{\\"description\\":\\"Added by a test.") != std::string::npos);
""", encoding="utf-8")
    compiler, flags = compiler_and_flags(tree)
    done = subprocess.run([compiler, f"-I{folder}", *flags, "-fsyntax-only", str(probe)], capture_output=True, text=True, timeout=100)
    return done.returncode == 0, done.stderr[:1000]


def settings(tree):
    tried = 0
    for path, text in tree.files("kernel/config/kernel_sections.h", "plugins/*/*_config.h"):
        for found in list(ROWS.finditer(text)):
            struct = re.findall(r"struct (\w+) \{", found[0])[-1]
            with tempfile.TemporaryDirectory() as folder:
                fine, wrong = compiles(tree, path, with_setting(text, struct, found.end()), struct, pathlib.Path(folder))
                control, _ = compiles(tree, path, text, struct, pathlib.Path(folder))
            tried += 1
            if not fine or control:
                tree.fail(path, line_of(text, found.start()), 18, f"a field and a row of {struct} are no setting: {wrong or 'the probe proves nothing'}",
                          "make schema, help and reading from the rows")
            if path.startswith("kernel/"):
                break  # all sections have one reader and one schema
    if tried < 4:
        tree.fail("kernel/config/kernel_sections.h", 1, 18, f"settings of {tried} files were tried, so little was proved", "keep rows() in *_config.h")


def metrics(tree):
    homes = collections.defaultdict(dict)
    for path, text in tree.files(*CODE):
        for found in METRIC.finditer(code_only(text, keep_strings=True)):
            homes[found[1]].setdefault(path, line_of(text, found.start()))
    if not homes:
        tree.fail("kernel", 1, 18, "no metric was found, so nothing was counted", "name metrics ionstream_...")
    for name, files in homes.items():
        for path, line in sorted(files.items())[1:]:
            tree.fail(path, line, 18, f"the metric {name} is named here and in {min(files)}", "declare it and count it by one struct of events")


def main():
    tree = Tree(__doc__)
    metrics(tree)
    if tree.build is not None:
        settings(tree)
    tree.finish("18 (a setting and a metric are one file)")


if __name__ == "__main__":
    main()
