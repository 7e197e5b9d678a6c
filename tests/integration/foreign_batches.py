"""Records in the three forms in which they meet other implementations of Kafka's record batches: JSON lines of `ion`, lines of the programs
in tests/peers, and tests/peers/golden_batches.txt, which those programs wrote."""
import json

from broker import SOURCE

GOLDEN = SOURCE / "tests" / "peers" / "golden_batches.txt"
START = 1_700_000_000_000
# time, key, value, headers. Times go back, nulls stand beside empty bytes, the long value spans several blocks of lz4 and snappy.
RECORDS = [
    (START, "key", "value", [("a", "1"), ("b", None), ("a", "")]),
    (START + 7, None, "", []),
    (START - 3, "", None, [("empty", "")]),
    (START, "again", "0123456789abcdef" * 8192, []),
    (START, "last", "x", []),
]


def as_json(records):
    """What `ion produce -f json` reads."""
    return "\n".join(json.dumps({"timestamp": t, "key": k, "value": v, "headers": [{"key": h, "value": x} for h, x in headers]}) for t, k, v, headers in records).encode()


def from_json(text):
    """What `ion consume` printed."""
    rows = [json.loads(line) for line in text.splitlines()]
    return [(r["timestamp"], r.get("key"), r.get("value"), [(h["key"], h["value"]) for h in r["headers"]]) for r in rows]


def _hex(text):
    return "-" if text is None else text.encode().hex()


def _text(digits):
    return None if digits == "-" else bytes.fromhex(digits).decode()


def as_lines(records):
    """What the programs in tests/peers read."""
    return "".join(f"{t}\t{_hex(k)}\t{_hex(v)}\t" + ",".join(f"{_hex(h)}={_hex(x)}" for h, x in headers) + "\n" for t, k, v, headers in records)


def from_lines(text):
    """What the programs in tests/peers print."""
    rows = [line.split("\t") for line in text.split("\n") if line]
    return [(int(t), _text(k), _text(v), [tuple(_text(part) for part in h.split("=")) for h in headers.split(",") if h]) for t, k, v, headers in rows]


def golden():
    """(who wrote it, codec, the batch)"""
    for line in GOLDEN.read_text().splitlines():
        if not line.startswith("#"):
            who, codec, digits = line.split()
            yield who, codec, bytes.fromhex(digits)
