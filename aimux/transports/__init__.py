"""Ways for messages to come and go: byte streams, nothing else."""

from ._stdio import LineWire as LineWire, open_stdio as open_stdio
