"""Record batches of kafka-python, without a broker: the same command line and lines as KafkaClientsBatches.java."""
import sys

from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def to_bytes(text):
    return None if text == "-" else bytes.fromhex(text)


def to_text(data):
    return "-" if data is None else bytes(data).hex()


def write(codec, path):
    batch = DefaultRecordBatchBuilder(magic=2, compression_type=CODECS[codec], is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 20)
    for n, line in enumerate(sys.stdin.read().splitlines()):
        time, key, value, headers = line.split("\t")
        pairs = [tuple(h.split("=")) for h in headers.split(",") if h]
        assert batch.append(n, int(time), to_bytes(key), to_bytes(value), [(bytes.fromhex(k).decode(), to_bytes(v)) for k, v in pairs]) is not None
    with open(path, "wb") as out:
        out.write(batch.build())


def read(path):
    data, at = open(path, "rb").read(), 0
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at + 8:at + 12], "big")
        batch = DefaultRecordBatch(bytearray(data[at:end]))
        assert batch.validate_crc()
        for r in batch:
            print(r.timestamp, to_text(r.key), to_text(r.value), ",".join(f"{k.encode().hex()}={to_text(v)}" for k, v in r.headers), sep="\t")
        at = end


if __name__ == "__main__":
    write(*sys.argv[2:]) if sys.argv[1] == "write" else read(sys.argv[2])
