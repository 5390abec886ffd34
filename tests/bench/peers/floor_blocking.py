"""A floor: canned answers from a blocking loop of the standard library."""

import json
import os

from canned import answer_line

held = b""
while data := os.read(0, 65_536):
    *lines, held = (held + data).split(b"\n")
    os.write(1, b"".join([answer_line(json.loads(line)) for line in lines]))
