"""Law 9: every header compiles alone. Builds the target house_headers (see headers/CMakeLists.txt) and reads what the compiler said."""
import re
import subprocess

from house_lib import House

INSTEAD = "include what it uses; a header must not count on the includes of others"


def main():
    house = House(__doc__)
    if house.build is None:
        raise SystemExit("headers_test.py compiles headers: give --build")
    run = subprocess.run(["cmake", "--build", str(house.build), "--target", "house_headers", "--", "-k", "0"], capture_output=True, text=True)
    output = run.stdout + run.stderr
    for m in re.finditer(r"^(\S+?\.(?:h|c|cpp)):(\d+):(?:\d+:)? (?:fatal )?error: (.*)$", output, re.M):
        house.fail(m.group(1).removeprefix(f"{house.root}/"), int(m.group(2)), 9, f"does not compile alone: {m.group(3)}", INSTEAD)
    if run.returncode != 0 and not house.failures:
        print(output)
        raise SystemExit("law 9: the target house_headers could not be built")
    house.finish("9 (headers compile alone)")


if __name__ == "__main__":
    main()
