"""What several answers to one matter come to; read only where CLIs are asked."""

from ._contracts import Contract as Contract, contract_for as contract_for
from ._joined import (
    contract_of as contract_of,
    joined as joined,
    panel_prompt as panel_prompt,
    role_of as role_of,
    unasked as unasked,
)
from ._opinions import Opinion as Opinion
