"""structlog without rich, which it would import for a renderer of terminals that no log of ours
uses: 60 ms and 4 MB.
"""

import sys

_is_wanted = "rich" in sys.modules  # an operator's command: there it costs nothing more
if not _is_wanted:
    sys.modules["rich"] = None  # type: ignore[assignment]  # how Python spells "cannot be imported"
try:
    import structlog as structlog
finally:
    if not _is_wanted:
        del sys.modules["rich"]
