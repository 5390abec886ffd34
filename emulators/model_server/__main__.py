"""`python -m emulators.model_server`: serve until SIGINT, SIGTERM or, if asked, end of input."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from ._server import serve_model


def main() -> int:
    """Print the port as one JSON line and serve."""
    parser = argparse.ArgumentParser(prog="python -m emulators.model_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--log", type=Path, help="append one JSON line per request to this file")
    parser.add_argument("--script", default="", help="directives for what a prompt leaves open")
    parser.add_argument("--key", default="", help="refuse every other API key")
    parser.add_argument("--models", default="", help="comma-separated; all others are unknown")
    parser.add_argument(
        "--until-eof", action="store_true", help="also stop when standard input ends"
    )
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if options.until_eof:
        threading.Thread(target=_set_at_eof, args=(stop,), daemon=True).start()
    models = [name for name in options.models.split(",") if name]
    with serve_model(
        port=options.port, script=options.script, log=options.log, key=options.key, models=models
    ) as server:
        print(json.dumps({"port": server.port, "url": server.url}), flush=True)
        stop.wait()
    return 0


def _set_at_eof(stop: threading.Event) -> None:
    # not sys.stdin: a thread inside its lock would make the interpreter's exit fail
    while os.read(0, 4096):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
