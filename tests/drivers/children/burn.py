"""Touch 120 MB and compute for a moment."""

block = bytearray(120_000_000)
block[::4096] = b"x" * len(block[::4096])
sum(range(3_000_000))
