"""argv -> the shim, the server in this process, or an operator's command."""

import atexit
import os
import sys

# at a keyboard nobody speaks MCP, unless it was asked for
ALONE = (["--stdio"], ["--in-process"], ["--stdio", "--in-process"], ["--in-process", "--stdio"])


def main() -> None:
    """Entry point of `aimux`: without arguments the stdio MCP server, else a command."""
    try:
        _main()
    except ImportError as error:  # an environment that was moved, or an upgrade that broke off
        if os.environ.get("AIMUX_LOG_LEVEL", "").strip().lower() == "debug":
            raise
        if sys.stderr is not None:
            sys.stderr.write(
                f"aimux: the module {error.name or error} is not there: this installation "
                f"({sys.executable}) was moved, removed or not finished; install aimux-mcp again\n"
            )
        sys.exit(2)


def _main() -> None:
    _fill_standard_descriptors()
    _keep_own_rights()
    words = sys.argv[1:]
    if not words and os.environ.get("MCP_TRANSPORT", "").strip().lower() not in {"", "stdio"}:
        from aimux.daemon import serve_network

        sys.exit(serve_network())
    # a host starts this: start-up is on the user's path
    if words in ALONE or (not words and not os.isatty(0)):
        sys.exit(_serve_stdio(is_alone="--in-process" in words))
    if words[:2] == ["daemon", "run"] and (len(words) == 2 or words[2] == "--ready-fd"):
        from aimux.daemon import NetworkListener, run_daemon  # a shim waits for it

        ready_fd = int(words[3]) if len(words) > 3 else None
        network = NetworkListener()
        sys.exit(run_daemon(ready_fd=ready_fd, listeners=[network], options=network.options()))
    if words[:1] == ["_complete"]:  # a shell waits at every press of a key
        from aimux.shim.names import main as complete

        sys.exit(complete(words[1:], _read_commands))
    from aimux.console import main as console

    console()


def _read_commands() -> object:
    from aimux.console import completion_table

    return completion_table()


def _fill_standard_descriptors() -> None:
    """Have something at 0, 1 and 2, or the next file or socket that is opened takes their place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def _keep_own_rights() -> None:
    """Have our files readable by their owner: a umask like 0777 would leave them to root alone.

    Children inherit that.
    """
    mask = os.umask(0o077)
    os.umask(mask & 0o077)


def _serve_stdio(*, is_alone: bool) -> int:
    is_off = os.environ.get("AIMUX_DAEMON", "").strip().lower() in {"off", "0", "false", "no"}
    if not is_alone and not is_off:
        is_pipe = os.environ.get("AIMUX_LOCAL", "").strip().lower() == "pipe"
        if sys.platform == "win32" or is_pipe:
            from aimux.shim import pipe

            code = pipe.serve()
        else:
            from aimux.shim import relay

            code = relay.serve()
        if code is not None:
            return code
    import trio

    from aimux.daemon import serve_stdio

    trio.run(serve_stdio)
    _leave()
    return 0


def _leave() -> None:
    """End here: all that was open is closed. To take the modules apart costs ten times the rest of
    the way out, and hosts kill half a second after the end of input.
    """
    atexit._run_exitfuncs()  # noqa: SLF001  # what sys.exit would run: logs are flushed
    if sys.stderr is not None:  # it was closed when we were started
        sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
