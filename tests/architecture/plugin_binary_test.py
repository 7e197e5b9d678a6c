"""Rule 6: a plugin exports one symbol, has no writable global of ours, asks only for allowed libraries, has no RPATH. Needs a build."""
import re

from elf import dynamic, exported, has_symbols, writable_objects
from rules_lib import Tree, columns, matches, rules

ENTRY = "ion_plugin_entry_v1"
# Ours: in namespace ion, in the C prefix, or a file-local name outside any namespace; also guards and locals of our functions.
OURS = re.compile(r"^(guard variable for |TLS (init|wrapper) function for |reference temporary #\d+ for )?"
                  r"(ion::|ion_|\(anonymous namespace\)::|[a-z]\w*$)")
OF_THE_LINKER = {"completed.0", "__dso_handle", "__TMC_END__"}


def allowed_libraries():
    return [(line.split()[0], line.split()[1:]) for _, line in rules("plugin_libraries.txt")]


def unavoidable_globals():
    return {tuple(columns(line)[:2]) for _, line in rules("plugin_globals.txt")}


def check(tree, file, shown, libraries, unavoidable):
    name = file.name.removeprefix("ionstream-plugin-").removesuffix(".so")
    symbols = exported(file)
    for symbol in symbols:
        if symbol != ENTRY:
            tree.fail(shown, 1, 6, f"exports `{symbol}`", f"the only export is {ENTRY}: build it by ion_add_plugin()")
    if ENTRY not in symbols:
        tree.fail(shown, 1, 6, f"does not export {ENTRY}", "write ION_PLUGIN(...) in plugin.cpp")
    if not has_symbols(file):
        tree.fail(shown, 1, 6, "is stripped, so its globals cannot be read", "strip when packaging, not in the build")
    for variable, section in writable_objects(file):
        if (name, variable) in unavoidable:
            continue
        if OURS.match(variable) and variable not in OF_THE_LINKER:
            tree.fail(shown, 1, 6, f"`{variable}` is a writable global in {section}",
                       "make it a member: one loaded plugin gives any number of instances; a constant is constexpr, of "
                       "std::string_view where it holds texts (GCC leaves a table of const char* writable)")
    mine = [lib for plugin, libs in libraries if matches(name, [plugin]) for lib in libs]
    for tag, value in dynamic(file):
        if tag != "NEEDED":
            tree.fail(shown, 1, 6, f"has {tag} {value}", "no search path in a plugin: build it by ion_add_plugin()")
        elif not matches(value, mine):
            tree.fail(shown, 1, 6, f"asks for {value}", "use a port or contract, or argue for a line in plugin_libraries.txt")


def main():
    tree = Tree(__doc__)
    if tree.build is None:
        raise SystemExit("plugin_binary_test.py reads built plugins: give --build")
    folder = tree.build / "plugins"
    libraries, unavoidable = allowed_libraries(), unavoidable_globals()
    files = sorted(folder.glob("*.so"))
    for name in tree.args.expect:
        if folder / name not in files:
            tree.fail(f"plugins/{name}", 1, 6, "is not built", "build all targets first")
    for file in files:
        tree.read += 1
        check(tree, file, f"plugins/{file.name}", libraries, unavoidable)
    tree.finish("6")


if __name__ == "__main__":
    main()
