"""Reads a record of issued certificates without etcd-pki: its lines, their hashes, and the SHA-256
of certificate files."""

import base64
import hashlib
import json
import re
import sys

record, *certificates = sys.argv[1:]

with open(record, "rb") as file:
    lines = file.readlines()
entries, whole, previous, skipped = [], True, None, b""
for line in lines:
    try:
        entry = json.loads(line)
    except ValueError:
        skipped += line
        continue
    left = hashlib.sha256(skipped).hexdigest().upper() if skipped else None
    whole &= entry["previous"] == previous and entry.get("skipped") == left
    previous, skipped = hashlib.sha256(line).hexdigest().upper(), b""
    entries.append(entry)


def sha256(path):
    with open(path, "rb") as file:
        block = re.search(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", file.read(), re.DOTALL)
    return hashlib.sha256(base64.b64decode(block[1])).hexdigest().upper()


recorded = {entry["sha256"] for entry in entries}
unrecorded = [path for path in certificates if sha256(path) not in recorded]
print(json.dumps({"whole": whole and not skipped, "entries": entries, "unrecorded": unrecorded}))
