"""Ways for messages to come and go: byte streams, nothing else."""

from ._descriptor import DescriptorStream as DescriptorStream
from ._lines import LineWire as LineWire
from ._stdio import open_stdio as open_stdio
from ._unix import (
    Credentials as Credentials,
    bind_unix as bind_unix,
    check_peer as check_peer,
    credentials_of as credentials_of,
    listener_on as listener_on,
    mark_of as mark_of,
    take_ends as take_ends,
    unbind_unix as unbind_unix,
)
