#!/usr/bin/env bash
# A Kafka record batch may have no timestamp: base and max timestamp are -1. PyPI kio 0.6.5 turns each time into a date of its own type and raises
# for such a batch, so that none of its records can be read; aiokafka 0.12.0 and kafka-python 2.0.2 give -1.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
python_with kio==0.6.5 aiokafka==0.12.0 kafka-python==2.0.2
seen=$(PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 venv/bin/python - <<'PY'
from batches import batch, record
from aiokafka.record.memory_records import MemoryRecords as Aio
from kafka.record.memory_records import MemoryRecords as Python
from kio.records.readers import read_batch
data = batch([record(b"a")], -1)
print("aiokafka", [r.timestamp for r in Aio(data).next_batch()])
print("kafka-python", [r.timestamp for r in Python(data).next_batch()])
try:
    print("kio", read_batch(memoryview(data), 0))
except TypeError as error:
    print("kio TypeError", str(error)[:32])
PY
)
same "$seen" "aiokafka [-1]
kafka-python [-1]
kio TypeError Could not parse TZAwareMicros fr"
