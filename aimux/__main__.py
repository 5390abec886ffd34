"""argv -> the stdio server or an operator's command."""

import sys


def main() -> None:
    """Entry point of `aimux`: without arguments the stdio MCP server, else a command."""
    if len(sys.argv) == 1:
        import trio  # start-up is on the user's path

        from aimux.daemon import serve_stdio

        trio.run(serve_stdio)
        return
    from aimux.console import main as console

    console()


if __name__ == "__main__":
    main()
