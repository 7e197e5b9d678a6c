"""Is the plugin ABI still the one that plugins were built against? Compares the C headers with what is stored here for each minor.

  abi_gate.py [--headers DIR]   three checks; each failure says what was and what is
  abi_gate.py --accept          stores the headers as they are as the baseline of their minor; say in CHANGELOG.md what changed and why

members-M.N.txt   every struct, table, enum and function type with its members, in order, with the thread word of each function
layout-M.N.txt    where each member lies on a 64-bit Linux, for assertions in C11 and in C++20
probe-M.N.abi     what abidw says of a library that reaches every type
A sized struct (its first member is `size`) may grow at its end, an enum may get another enumerator; everything else is a break.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
HEADERS = HERE.parent.parent / "sdk" / "plugin" / "abi" / "include"
WORDS = ("ANY", "SHARD", "CONTROL", "BLOCKING")
COMPILERS = (("gcc", "g++"), ("clang-19", "clang++-19"))


def run(*command, stdin=None):
    return subprocess.run([str(c) for c in command], input=stdin, capture_output=True, text=True)


class Abi:
    """What the headers declare when they are read for one minor."""

    def __init__(self, headers, minor):
        self.headers, self.minor = headers, minor
        files = sorted(p.relative_to(headers).as_posix() for p in headers.rglob("*.h"))
        self.include = "".join(f"#include <{f}>\n" for f in files)
        self.structs, self.enums, self.functions = {}, {}, {}
        with tempfile.TemporaryDirectory() as folder:
            marked = pathlib.Path(folder) / "ion" / "abi"
            marked.mkdir(parents=True)
            text = (headers / "ion" / "abi" / "version.h").read_text()
            for macro, first in (("ION_FN", "ion_status"), ("ION_OP", "ion_status"), ("ION_OP0", "ion_status"), ("ION_RET", "ret")):
                text = re.sub(rf"(#define {macro}\(word[^)]*\)\s*(?:\\\n\s*)?)({first} )", r"\1ion_word_##word \2", text)
            (marked / "version.h").write_text(text)
            done = run("gcc", "-std=c11", "-E", "-P", f"-DION_ABI_MINOR={minor}", "-I", folder, "-I", headers, "-", stdin=self.include)
        if done.returncode != 0:
            sys.exit("abi_gate.py: the headers do not compile:\n" + done.stderr)
        self.read(re.sub(r"\s+", " ", done.stdout))

    def read(self, text):
        for name, body in re.findall(r"typedef struct (ion_\w+) \{(.*?)\} \1;", text):
            self.structs[name] = [m for part in body.split(";") if part.strip() for m in members_of(part.strip())]
        for name, body in re.findall(r"typedef enum (ion_\w+) \{(.*?)\} \1;", text):
            self.enums[name] = dict(enumerators(body))
        for result, name, arguments in re.findall(r"typedef ([^;{}()]*)\(\*(ion_\w+)\)\(([^;{}]*)\)\s*;", text):
            self.functions[name] = f"{result.strip()}({arguments.strip()})"

    def listing(self):
        lines = []
        for name, members in sorted(self.structs.items()):
            lines.append(f"struct {name} {'sized' if members[0][0] == 'size' else 'frozen'}")
            lines += [f"  {member}: {what}" for member, what in members]
        for name, values in sorted(self.enums.items()):
            lines.append(f"enum {name}")
            lines += [f"  {enumerator}: {value}" for enumerator, value in values.items()]
        lines += [f"function {name}\n  type: {what}" for name, what in sorted(self.functions.items())]
        return "\n".join(lines) + "\n"

    def probe(self):
        """A library that reaches every type; nothing can be missing in it, since it is made from the types."""
        names = list(self.structs) + list(self.enums) + list(self.functions)
        return self.include + "".join(f"void probe_{n}({n}* p) {{ (void)p; }}\n" for n in sorted(names))

    def layout(self):
        asks = "".join(f'printf("{n} %zu\\n", sizeof({n}));' + "".join(
            f'printf("{n}.{m} %zu %zu\\n", offsetof({n}, {m}), sizeof((({n}*)0)->{m}));' for m, _ in members) for n, members in sorted(self.structs.items()))
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "layout"
            made = run("gcc", "-std=c11", f"-DION_ABI_MINOR={self.minor}", "-I", self.headers, "-x", "c", "-", "-o", program,
                       stdin=f"#include <stdio.h>\n{self.include}int main(void) {{ {asks} return 0; }}\n")
            if made.returncode != 0:
                sys.exit("abi_gate.py: no layout:\n" + made.stderr)
            return run(program).stdout


def members_of(part):
    word = re.match(r"ion_word_(\w+) ", part)
    if word:
        part = part[word.end():]
    function = re.match(r"(.*?)\(\*(\w+)\)\s*\((.*)\)$", part)
    if function:
        called = f"{function.group(1).strip()}({function.group(3).strip()})"
        return [(function.group(2), f"{word.group(1)} {called}" if word else called)]
    first, *more = part.split(",")
    base, pointer, name, array = re.match(r"(.*?[\w\s])\s*(\**)\s*(?<![\w])(\w+)\s*((?:\[\w+\])*)$", first.replace("*", " * ").replace(" *  *", " **")).groups()
    base = re.sub(r"\s+", " ", base).strip()
    stars = ""
    while base.endswith("*"):
        base, stars = base[:-1].strip(), stars + "*"
    found = [(name, base + stars + pointer + array)]
    for other in more:
        pointer, name, array = re.match(r"\s*(\**)\s*(\w+)\s*((?:\[\w+\])*)$", other).groups()
        found.append((name, base + pointer + array))
    return found


def enumerators(body):
    value = -1
    for item in body.split(","):
        if not item.strip():
            continue
        name, _, given = (part.strip() for part in item.partition("="))
        value = int(eval(given, {"__builtins__": {}})) if given else value + 1  # numbers and shifts of our own headers
        yield name, value


def parse_listing(text):
    groups, kind = {}, None
    for line in text.splitlines():
        if line.startswith("  "):
            name, _, what = line.strip().partition(": ")
            groups[kind].append((name, what))
        elif line:
            kind = line
            groups[kind] = []
    return groups


def members_check(stored, current):
    """What a plugin that was built against `stored` would miss in `current`."""
    old, new = parse_listing(stored), parse_listing(current)
    for head, members in old.items():
        if head not in new:
            yield f"{head}: is gone, or is now another kind"
            continue
        have = new[head]
        if head.startswith("enum"):
            for name, value in members:
                if dict(have).get(name) != value:
                    yield f"{head}: {name} was {value}, is {dict(have).get(name)}"
            continue
        for i, (name, what) in enumerate(members):
            if i >= len(have) or have[i] != (name, what):
                yield f"{head}: member {i} was `{name}: {what}`, is " + (f"`{have[i][0]}: {have[i][1]}`" if i < len(have) else "gone")
                break
        else:
            if len(have) > len(members) and not head.endswith(" sized"):
                yield f"{head}: got `{have[len(members)][0]}`, and it is frozen: it may stand in arrays"


def layout_check(stored, abi):
    """Assertions made of the stored layout, compiled against the headers in C11 and in C++20, by each compiler that is there."""
    sized = {n for n, members in abi.structs.items() if members[0][0] == "size"}
    asserts = ""
    for line in stored.splitlines():
        what, *numbers = line.split()
        name, _, member = what.partition(".")
        if member:
            asserts += f'static_assert(offsetof({name}, {member}) == {numbers[0]} && sizeof((({name}*)0)->{member}) == {numbers[1]}, "{what}");\n'
        else:
            asserts += f'static_assert(sizeof({name}) {">=" if name in sized else "=="} {numbers[0]}, "{what}");\n'
    source = f"#include <assert.h>\n#include <stddef.h>\n{abi.include}{asserts}"
    for c, cpp in COMPILERS:
        for compiler, language, standard in ((c, "c", "c11"), (cpp, "c++", "c++20")):
            if shutil.which(compiler) is None:
                continue
            done = run(compiler, f"-std={standard}", "-fsyntax-only", "-Wno-invalid-offsetof", "-I", abi.headers, "-x", language, "-", stdin=source)
            for broken in re.findall(r'(?:static assertion failed:|static assertion failed due to requirement .*?:) "?([\w.]+)', done.stderr):
                yield f"{broken}: lies elsewhere or has another size ({compiler} -std={standard})"
            if done.returncode != 0 and "static assertion" not in done.stderr:
                yield f"the layout does not compile ({compiler} -std={standard}): {done.stderr.strip().splitlines()[0]}"


def described(abi, folder):
    """The file that abidw makes of the probe."""
    library, text = folder / "probe.so", folder / "probe.abi"
    made = run("gcc", "-std=c11", "-g", "-O0", "-shared", "-fPIC", f"-DION_ABI_MINOR={abi.minor}", "-I", abi.headers, "-x", "c", "-", "-o", library, stdin=abi.probe())
    if made.returncode != 0:
        sys.exit("abi_gate.py: no probe:\n" + made.stderr)
    done = run("abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--out-file", text, library)
    if done.returncode != 0:
        sys.exit("abi_gate.py: abidw: " + done.stderr)
    return text


def abidiff_check(stored, abi):
    with tempfile.TemporaryDirectory() as folder:
        done = run("abidiff", "--no-added-syms", "--no-show-locs", stored, described(abi, pathlib.Path(folder)))
        if done.returncode != 0:
            lines = [line for line in done.stdout.splitlines() if line.strip()]
            yield f"abidiff ends with {done.returncode}:\n    " + "\n    ".join(lines[:40])


def own_minor(headers):
    text = (headers / "ion" / "abi" / "version.h").read_text()
    return tuple(int(re.search(rf"#define ION_ABI_{word} (\d+)", text).group(1)) for word in ("MAJOR", "MINOR"))


def accept(headers):
    major, minor = own_minor(headers)
    abi = Abi(headers, minor)
    (HERE / f"members-{major}.{minor}.txt").write_text(abi.listing())
    (HERE / f"layout-{major}.{minor}.txt").write_text(abi.layout())
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(described(abi, pathlib.Path(folder)), HERE / f"probe-{major}.{minor}.abi")


def failures_of(headers):
    baselines = sorted(HERE.glob("members-*.txt"))
    if not baselines:
        yield "no baseline is stored"
    for members in baselines:
        version = members.stem.removeprefix("members-")
        abi = Abi(headers, int(version.split(".")[1]))
        for problem in members_check(members.read_text(), abi.listing()):
            yield f"ABI {version}: {problem}"
        for problem in layout_check((HERE / f"layout-{version}.txt").read_text(), abi):
            yield f"ABI {version}: {problem}"
        if shutil.which("abidiff") is None:
            print("abi_gate.py: abidiff is not installed (abigail-tools): not asked")
            continue
        for problem in abidiff_check(HERE / f"probe-{version}.abi", abi):
            yield f"ABI {version}: {problem}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--headers", type=pathlib.Path, default=HEADERS)
    parser.add_argument("--accept", action="store_true")
    arguments = parser.parse_args()
    if arguments.accept:
        accept(arguments.headers)
        return
    failures = list(failures_of(arguments.headers))
    for failure in failures:
        print("abi_gate.py: " + failure)
    if failures:
        sys.exit("What plugins were built against has changed. New members go to the end of a sized struct, inside of `#if ION_ABI_MINOR >= N` with a\n"
                 "raised minor; as long as there was no release: python3 tests/abi/abi_gate.py --accept, and a line in tests/abi/CHANGELOG.md.")


if __name__ == "__main__":
    main()
