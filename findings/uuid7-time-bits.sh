#!/usr/bin/env bash
# PyPI uuid7 0.1.0 makes identifiers that call themselves version 7, but their first 48 bits are no Unix milliseconds as RFC 9562 (5.7) wants:
# it follows an early draft (36 bits of seconds, then parts of a second). A time read from them by the RFC lies centuries in the future. Packages
# uuid6 and uuid-utils follow the RFC. Whoever makes ids for our `ion-id` header with the first package gets ids that do not sort with ours.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
python_with uuid7==0.1.0 uuid6==2025.0.1 uuid-utils==0.11.0
seen=$(venv/bin/python - <<'PY'
import time, uuid
import uuid6, uuid_extensions, uuid_utils
now = int(time.time() * 1000)
for name, made in (("uuid7 0.1.0", uuid_extensions.uuid7()), ("uuid6 2025.0.1", uuid6.uuid7()), ("uuid-utils 0.11.0", uuid.UUID(str(uuid_utils.uuid7())))):
    away = (made.int >> 80) - now
    print(name, "version", made.version, "is within a minute of now" if abs(away) < 60000 else "is more than a century away from now" if abs(away) > 3155760000000 else away)
fixed = uuid_extensions.uuid7(1764309600000 * 1000000)
print("2025-11-28T06:00:00Z by uuid7 begins with", str(fixed)[:13], "and by the RFC with", f"{1764309600000:012x}"[:8] + "-" + f"{1764309600000:012x}"[8:])
PY
)
same "$seen" "uuid7 0.1.0 version 7 is more than a century away from now
uuid6 2025.0.1 version 7 is within a minute of now
uuid-utils 0.11.0 version 7 is within a minute of now
2025-11-28T06:00:00Z by uuid7 begins with 069293a6-0000 and by the RFC with 019ac90c-0700"
