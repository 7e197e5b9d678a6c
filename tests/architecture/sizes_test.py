"""Rule 7: a file has at most 500 lines, a function 70, an ABI header 150, a bridge 200. Rule 8: the kernel 26000, a module 5000 and five public headers."""
import re

from rules_lib import Tree, code_only, glob, line_of, rules

INSTEAD = "ask which second thing it does, and give that a name and a place of its own"
NOT_A_FUNCTION = re.compile(r"\b(namespace|class|struct|union|enum|extern|concept)\b")


def functions(text):
    """(first line, last line, name) of each function body in C or C++ text, lambdas at namespace level included.

    Not a parser: it follows braces and asks what stands before each that opens outside of functions. Preprocessor lines are
    blanked first, so code under both branches of an #if must balance on its own, as ours does.
    """
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code_only(text), flags=re.M)
    scopes, head_start, parens, i = [], 0, 0, 0
    for m in re.finditer(r"[{}();]", code):
        i, mark = m.start(), m.group(0)
        inside_body = bool(scopes) and scopes[-1][0] != "scope"
        if mark in "()":
            parens += 1 if mark == "(" else -1
        elif mark == "{":
            kind = "body" if inside_body else what_opens(code[head_start:i], parens)
            scopes.append((kind, head_start, parens))
            if kind == "scope":
                head_start, parens = i + 1, 0
        elif mark == "}" and scopes:
            kind, start, parens = scopes.pop()
            outermost = not scopes or scopes[-1][0] == "scope"
            if kind == "function" and outermost:
                head = code[start:i]
                first = start + len(head) - len(head.lstrip())
                yield line_of(code, first), line_of(code, i), name_of(head)
            if outermost and kind != "initializer":
                head_start, parens = i + 1, 0
        elif mark == ";" and not inside_body and parens == 0:
            head_start = i + 1


def what_opens(head, parens):
    """scope (namespace, class), function, or initializer, which leaves the head going on: members before a constructor's body."""
    flat = " ".join(re.sub(r"\b(public|private|protected)\s*:(?!:)", " ", head).split())
    plain = re.sub(r"template\s*<[^;{]*?>\s*(?=\w)", "", flat)
    if parens > 0:
        return "initializer"
    if "(" not in plain:
        return "scope" if NOT_A_FUNCTION.search(plain) or plain == "" else "initializer"
    if NOT_A_FUNCTION.match(plain) and not re.search(r"\)\s*(const|noexcept|override|final)?\s*$", plain):
        return "scope"
    if re.match(r"(enum|class|struct|union)\b", plain) and "(" in plain and re.match(r"[^(]*\b(alignas|__attribute__|ION_\w+)\s*\(", plain):
        return "scope"
    if re.search(r"\) ?(?:\w+ )*\w* ?:(?!:)", plain) and re.search(r"[\w>]$", plain) and not re.search(r"\b(const|noexcept|try)$", plain):
        return "initializer"
    if re.search(r"[^=!<>]=\s*$", plain) or plain.endswith((",", "return")):
        return "initializer"
    return "function"


def name_of(head):
    flat = " ".join(head.split("{")[0].split())
    m = re.search(r"([\w:~]+|operator\s*\S+?)\s*\(", flat)
    return m.group(1) if m else flat[:40]


def read_rules():
    found = {"lines": [], "data": [], "function": [], "total": [], "public-headers": []}
    for _, line in rules("size_rules.txt"):
        word, *rest = line.split()
        found[word].append(rest)
    return found


def limit(path, table):
    return next((int(most) for pattern, most in table if glob(pattern).match(path)), None)


def check_kernel(tree, limits, totals):
    for folder, most in limits["total"]:
        if totals.get(folder, 0) > int(most):
            tree.fail(folder, 1, 8, f"has {totals[folder]} lines, at most {most}", "could a plugin do this through a contract we have?")
    most = int(limits["public-headers"][0][0])
    for number, line in rules("include_rules.txt"):
        word, *rest = line.split()
        if word == "public" and len(rest) - 1 > most:
            tree.fail("tests/architecture/include_rules.txt", number, 8, f"module {rest[0]} has {len(rest) - 1} public headers, at most {most}",
                       "join public headers or hide one behind another")


def folders_of(path):
    """kernel/config/units.h -> kernel, kernel/config."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def main():
    tree = Tree(__doc__)
    limits, totals = read_rules(), {}
    for path, text in tree.files("kernel/**", "plugins/**", "sdk/**", "cli/**", "proto/**", "scripts/**", "tests/**"):
        lines = text.count("\n") + (not text.endswith("\n") and text != "")
        if path.endswith((".h", ".cpp")):
            for folder in folders_of(path):
                totals[folder] = totals.get(folder, 0) + lines
        if any(glob(pattern).match(path) for pattern, in limits["data"]):
            continue
        most = limit(path, limits["lines"])
        if most is not None and lines > most:
            tree.fail(path, most + 1, 7, f"has {lines} lines, at most {most}", INSTEAD)
        most = limit(path, limits["function"])
        if most is not None:
            for first, last, name in functions(text):
                if last - first + 1 > most:
                    tree.fail(path, first, 7, f"function {name} has {last - first + 1} lines, at most {most}", INSTEAD)
    check_kernel(tree, limits, totals)
    tree.finish("7, 8")


if __name__ == "__main__":
    main()
