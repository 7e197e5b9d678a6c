"""The little that the rules ask of an ELF file, read by binutils: sections, symbols, needed libraries."""
import re
import subprocess

# .data.rel.ro is constant after loading. In an object .data.rel.local is no proof of state: GCC 12 puts a constexpr
# std::array{"a", "b"} there; in a plugin it is part of .data, and writable indeed.
WRITABLE = re.compile(r"^\.(data|bss|tdata|tbss)(?!\.rel)(\.|$)")


def _run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def writable_objects(path):
    """[(demangled name, section)] of the variables in sections that stay writable."""
    names = {}
    for m in re.finditer(r"^\s*\[\s*(\d+)\]\s+(\S+)", _run("readelf", "-SW", str(path)), re.M):
        names[m.group(1)] = m.group(2)
    found = []
    for line in _run("readelf", "-sW", str(path)).splitlines():
        cells = line.split()
        if len(cells) >= 8 and cells[3] in ("OBJECT", "TLS") and WRITABLE.match(names.get(cells[6], "")):
            found.append((cells[7].split("@")[0], names[cells[6]]))
    mangled = sorted({name for name, _ in found})
    plain = dict(zip(mangled, demangle(mangled)))
    return sorted({(plain[name], section) for name, section in found})


def demangle(names):
    if not names:
        return []
    return subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout.splitlines()


def exported(path):
    """Names of the dynamic symbols that the file defines; names of versions are not symbols."""
    out = _run("nm", "-D", "--defined-only", "-P", str(path))
    return sorted(line.split()[0].split("@")[0] for line in out.splitlines() if line.split()[1] != "A")


def dynamic(path):
    """[(tag, value)] of the dynamic section for NEEDED, RPATH, RUNPATH."""
    out = _run("readelf", "-dW", str(path))
    return re.findall(r"\((NEEDED|RPATH|RUNPATH)\)[^\[]*\[([^\]]*)\]", out)


def has_symbols(path):
    return ".symtab" in _run("readelf", "-SW", str(path))
