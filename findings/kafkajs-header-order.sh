#!/usr/bin/env bash
# The headers of a Kafka record are a list: order and repeats are part of the record. kafkajs 2.2.4 gives them as a JavaScript object: repeats of one
# name are joined into an array (as its documentation says), and names that look like integers come first and in numeric order (which it does
# not say, since objects do that). A pipeline that reads with kafkajs and writes again changes the order: b, 10, 9 becomes 9, 10, b.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
npm install --silent --no-audit --no-fund kafkajs@2.2.4 >npm.log 2>&1 || cannot_try "npm install kafkajs@2.2.4"
PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 python3 -c '
from batches import batch, record
print(batch([record(b"v", headers=[(b"b", b"1"), (b"10", b"2"), (b"9", b"3"), (b"b", b"4")])], 1764309600000).hex())' >batch.hex
seen=$(node - <<'JS'
const Decoder = require('kafkajs/src/protocol/decoder')
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder')
const hex = require('fs').readFileSync('batch.hex', 'utf8').trim()
decodeBatch(new Decoder(Buffer.from(hex, 'hex'))).then(({ records }) => {
  const text = value => (Array.isArray(value) ? value.map(String).join('+') : String(value))
  console.log('kafkajs 2.2.4:', Object.entries(records[0].headers).map(([name, value]) => `${name}=${text(value)}`).join(' '))
})
JS
)
same "$seen" "kafkajs 2.2.4: 9=3 10=2 b=1+4"
