"""Flood stderr with 3 MB before the answer on stdout."""

import sys

for _ in range(3_000):
    sys.stderr.write("e" * 999 + "\n")
print("answer", flush=True)
