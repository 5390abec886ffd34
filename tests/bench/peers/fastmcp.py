"""One echo tool on FastMCP."""

import sys

sys.path.pop(0)  # this file has the library's name
from fastmcp import FastMCP

server = FastMCP("echo")


@server.tool
def echo(text: str) -> str:
    """Say it again."""
    return text


if __name__ == "__main__":
    server.run(show_banner=False)
