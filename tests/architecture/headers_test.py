"""Rule 9: every header compiles alone. Builds the target lone_headers (see headers/CMakeLists.txt) and reads what the compiler said."""
import re
import subprocess

from rules_lib import Tree

INSTEAD = "include what it uses; a header must not count on the includes of others"


def main():
    tree = Tree(__doc__)
    if tree.build is None:
        raise SystemExit("headers_test.py compiles headers: give --build")
    run = subprocess.run(["cmake", "--build", str(tree.build), "--target", "lone_headers", "--", "-k", "0"], capture_output=True, text=True)
    output = run.stdout + run.stderr
    for m in re.finditer(r"^(\S+?\.(?:h|c|cpp)):(\d+):(?:\d+:)? (?:fatal )?error: (.*)$", output, re.M):
        tree.fail(m.group(1).removeprefix(f"{tree.root}/"), int(m.group(2)), 9, f"does not compile alone: {m.group(3)}", INSTEAD)
    if run.returncode != 0 and not tree.failures:
        print(output)
        raise SystemExit("rule 9: the target lone_headers could not be built")
    tree.finish("9 (headers compile alone)")


if __name__ == "__main__":
    main()
