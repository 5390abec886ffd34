"""Give back as many bytes of stdin as the first argument says; a terminal has no end of input."""

import os
import sys

left = int(sys.argv[1])
while left > 0:
    data = os.read(0, 65_536)
    left -= len(data)
    while data:
        data = data[os.write(1, data) :]
