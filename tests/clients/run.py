"""Real MCP clients against a real aimux with emulated CLIs; prints a table.

    python tests/clients/run.py                # everything
    python tests/clients/run.py --only python  # rows that begin so

Each SDK row lists the tools, runs `exec` with a progress token, reads the result, answers what a
CLI asks, completes a name, runs an agent, a background job and a prompt, and cancels a call in
flight; `left` counts what still ran 15 s later. The rows of real
CLIs (those that `tests/realclis/install.py` has installed) let a loopback model call one of our
tools; those of setup let a client show the configuration that `aimux setup` wrote for it.

SDKs come from their package registries into `.cache/clients`; nothing else leaves the machine.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import psutil

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "realclis")]

import direct  # noqa: E402  # of tests/realclis
import isolate  # noqa: E402
import setup as realsetup  # noqa: E402
import setup_rows  # noqa: E402

from tests.e2e._stand import Stand, make_stand  # noqa: E402

PYTHON_PACKAGES: Final = ("mcp==2.3.0",)
NODE_PACKAGES: Final = (
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/inspector@2.12.0",
)
NODE: Final = "node@22"
TOKEN: Final = "clients-token"
ROW_LIMIT_S: Final = 120
MODERN: Final = "2026-07-28"


def cache_dir() -> Path:
    """`AIMUX_CLIENTS_CACHE`, else `.cache/clients` in the checkout."""
    named = os.environ.get("AIMUX_CLIENTS_CACHE")
    return Path(named).resolve() if named else ROOT / ".cache" / "clients"


def install(cache: Path) -> None:
    """Bring the clients into environments of their own, unless they are there."""
    marker = cache / "installed.json"
    wanted = [*PYTHON_PACKAGES, *NODE_PACKAGES, NODE]
    if marker.exists() and json.loads(marker.read_text(encoding="utf-8")) == wanted:
        return
    shutil.rmtree(cache, ignore_errors=True)
    (cache / "js").mkdir(parents=True)
    venv.create(cache / "py", with_pip=True)
    pip = [str(cache / "py" / "bin" / "python"), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, *PYTHON_PACKAGES], check=True)
    flags = ("--ignore-scripts=false", "--no-package-lock", "--no-audit", "--no-fund")
    npm = ["npm", "install", "--prefix", str(cache / "js"), "--loglevel=error", *flags]
    subprocess.run([*npm, NODE], check=True, cwd=cache / "js")
    # with the new Node on PATH: npm picks older releases for an older one
    env = {**os.environ, "PATH": f"{node_bin(cache)}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([*npm, *NODE_PACKAGES], check=True, cwd=cache / "js", env=env)
    marker.write_text(json.dumps(wanted), encoding="utf-8")


def node_bin(cache: Path) -> Path:
    """Where npm put the commands."""
    return cache / "js" / "node_modules" / ".bin"


@attrs.frozen(kw_only=True)
class Scene:
    """A running aimux and where the clients are."""

    stand: Stand
    cache: Path
    url: str  # of the MCP endpoint

    @property
    def sse(self) -> str:
        """The URL of the older transport."""
        return self.url.removesuffix("/mcp") + "/sse"

    @property
    def env(self) -> dict[str, str]:
        """What a client's process gets; aimux over stdio attaches to the same daemon."""
        path = os.pathsep.join([str(node_bin(self.cache)), self.stand.env["PATH"]])
        own = {"AIMUX_AUTH_TOKEN": TOKEN, "CLIENT_MODULES": str(self.cache / "js")}
        env = {**self.stand.env, **own, "PATH": path}
        env["AIMUX_RUNTIME_DIR"] = str(self.stand.root / "run")
        del env["AIMUX_DAEMON"]
        return env


@contextmanager
def open_scene(root: Path, cache: Path) -> Iterator[Scene]:
    """Emulated CLIs and a daemon with its network side open."""
    stand = make_stand(root)
    # an agent of which only the end of the task is known
    done = {"when": "# How to end", "say": "It is so.\n{recalled}", "recall": r"AGENT-DONE-\w+"}
    stand.emulate(["gemini"], script=[done])
    (root / "run").mkdir(mode=0o700)
    scene = Scene(stand=stand, cache=cache, url="")
    said = root / "daemon.out"
    with said.open("wb") as out:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "aimux", "daemon", "run", "--http", "127.0.0.1:0"],
            env=scene.env, cwd=stand.project(), stdout=out, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert daemon.stderr is not None
        line = daemon.stderr.readline().decode()
        found = re.search(r"serving (http://\S+)", line)
        try:
            assert found, line
            yield attrs.evolve(scene, url=found[1])
        finally:
            daemon.terminate()
            try:
                daemon.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.communicate()


class Failed(Exception):  # a row's outcome
    """A client did not see what it should."""


def run(scene: Scene, argv: list[str], **env: str) -> str:
    """What a client printed. Raises Failed: it took too long or exited with a fault."""
    try:
        done = subprocess.run(
            argv, env={**scene.env, **env}, cwd=scene.stand.project(), capture_output=True,
            text=True, timeout=ROW_LIMIT_S, check=False, stdin=subprocess.DEVNULL,
            encoding="utf-8",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Failed(f"no end after {ROW_LIMIT_S} s") from None
    if done.returncode:
        raise Failed(f"exit {done.returncode}: {(done.stderr or done.stdout)[-1500:]}")
    return done.stdout


def sdk(scene: Scene, argv: list[str], transport: str, mode: str) -> str:
    """One row of an SDK."""
    words = [sys.executable, "-m", "aimux"]
    target = {"stdio": json.dumps(words), "http": scene.url, "sse": scene.sse}[transport]
    seen = json.loads(run(scene, [*argv, transport, mode, target]).strip().splitlines()[-1])
    wrong = [
        text
        for is_wrong, text in (
            (seen["tools"] < 3, "too few tools"),
            (seen["status"] != "completed", "the job did not complete"),
            (seen["progress"] < 1, "no progress"),
            ((seen["asked"], seen["typed"]) != (2, 2), "a question was not answered"),
            (seen["left_running"] != 0, "a cancelled call still runs"),
            (seen["completed"] != ["codex"], "a CLI's name was not completed"),
            (seen["agent"] != "completed", "the agent did not end"),
            (seen["background"] != "completed", "the background job did not complete"),
            (seen["prompts"] != 13, "not all prompts are listed"),
            ("it hangs" not in seen["prompt"], "a prompt was not filled in"),
            ((seen["version"] == MODERN) != (mode == "auto"), "another era than asked for"),
        )
        if is_wrong
    ]
    if wrong:
        raise Failed(f"{', '.join(wrong)}: {seen}")
    return (
        f"{seen['version']}, {seen['tools']} tools, exec {seen['status']}, "
        f"{seen['progress']} progress, {seen['asked']} questions answered, "
        f"completion, agent, background, {seen['prompts']} prompts, "
        f"cancelled: {seen['left_running']} left"
    )


def python_sdk(scene: Scene, transport: str, mode: str) -> str:
    """The official Python SDK."""
    argv = [str(scene.cache / "py" / "bin" / "python"), str(HERE / "sdk_client.py")]
    return sdk(scene, argv, transport, mode)


def typescript_sdk(scene: Scene, transport: str, mode: str) -> str:
    """The official TypeScript SDK."""
    argv = [str(node_bin(scene.cache) / "node"), str(HERE / "sdk_client.mjs")]
    return sdk(scene, argv, transport, mode)


def inspector(scene: Scene, transport: str, era: str) -> str:
    """The Inspector's command line: list with its checks of portability, and one call."""
    base = [str(node_bin(scene.cache) / "mcp-inspector"), "--cli"]
    if transport == "stdio":
        # it hands on nothing of its environment by itself
        named = [name for name in scene.env if name.startswith("AIMUX_")]
        base += [sys.executable, "-m", "aimux"]
        base += [word for name in named for word in ("-e", f"{name}={scene.env[name]}")]
    else:
        url = scene.url if transport == "http" else scene.sse
        base += [url, "--transport", transport, "--header", f"Authorization: Bearer {TOKEN}"]
    base += ["--protocol-era", era]
    listed = json.loads(run(scene, [*base, "--method", "tools/list", "--strict"]))

    def call(tool: str, *arguments: str) -> str:
        words = ["--method", "tools/call", "--tool-name", tool, "--tool-arg", *arguments]
        done = json.loads(run(scene, [*base, *words]))
        return str(done["structuredContent"]["status"])

    agent = ("action=run", "agent_id=generalist", "prompt=hello", "cli=gemini")
    seen = {
        "exec": call("exec", "prompt=[[say 5]] hello", "cli=codex"),
        "agents": call("agents", *agent),
        "background": call("background", "prompt=[[say 5]] hello", "cli=codex"),
    }
    if (seen["exec"], seen["agents"]) != ("completed", "completed"):
        raise Failed(str(seen))
    # of the newest revision it is a task, and the Inspector follows that to its end
    begun = ("completed",) if era == "auto" else ("queued", "running")
    if seen["background"] not in begun:
        raise Failed(str(seen))
    ask = ["--method", "prompts/get", "--prompt-name", "debug", "--prompt-args", "error=it hangs"]
    if "it hangs" not in run(scene, [*base, *ask]):
        raise Failed("a prompt was not filled in")
    return f"{len(listed['tools'])} tools, strict, exec, an agent, background, a prompt"


# ------------------------------------------------------------------ real CLIs as clients


def _offered(log: Path, tool: str) -> None:
    """Raise Failed unless the model was offered our tool and got its result."""
    requests = log.read_text(encoding="utf-8")
    if tool not in requests:
        raise Failed(f"{tool} was never offered to the model")


def _prepared(scene: Scene, cli: str, port: int) -> realsetup.Prepared:
    home = scene.stand.root / f"real-{cli}"
    project = realsetup.make_project(scene.stand.root / f"real-{cli}-project")
    return realsetup.prepare(cli, home, project, port)


def _say(prepared: realsetup.Prepared, argv: list[str]) -> str:
    try:
        done = subprocess.run(
            argv, env={**prepared.env, **CLI_ENV}, cwd=prepared.project,
            capture_output=True, text=True, timeout=ROW_LIMIT_S, check=False,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise Failed(f"no end after {ROW_LIMIT_S} s: {late.stdout!r}") from None
    if done.returncode:
        raise Failed(f"exit {done.returncode}: {(done.stderr + done.stdout)[-1500:]}")
    return done.stdout + done.stderr


# claude hides tools behind a search otherwise, and the model server does not search
CLI_ENV: Final = {"AIMUX_TOKEN": TOKEN, "ENABLE_TOOL_SEARCH": "false"}
ASK: Final = '{"action": "health"}'
SIGN: Final = "read_strength"  # in a health report, and nowhere in the prompts


def _judge(cli: str, version: str, said: str, log: Path, tool: str) -> str:
    _offered(log, tool)
    if SIGN not in said and SIGN not in log.read_text(encoding="utf-8"):
        raise Failed(f"no result of {tool} came back: {said[-1500:]}")
    return f"{cli} {version}: lists our tools, its model called {tool} and read the result"


def claude(scene: Scene, port: int, log: Path) -> str:
    """Claude Code over Streamable HTTP."""
    prepared = _prepared(scene, "claude", port)
    server = {
        "type": "http", "url": scene.url, "headers": {"Authorization": f"Bearer {TOKEN}"},
    }  # fmt: skip
    config = prepared.home / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"aimux": server}}), encoding="utf-8")
    tool = "mcp__aimux__sessions"
    said = _say(prepared, [
        str(prepared.binary), "-p", f"[[tool {tool} {ASK}]]", "--model", prepared.model,
        "--mcp-config", str(config), "--strict-mcp-config", "--allowedTools", tool,
    ])  # fmt: skip
    return _judge("claude", prepared.version, said, log, tool)


def codex(scene: Scene, port: int, log: Path) -> str:
    """Codex over Streamable HTTP."""
    prepared = _prepared(scene, "codex", port)
    config = prepared.home / ".codex" / "config.toml"
    with config.open("a", encoding="utf-8") as file:
        file.write(
            f'\n[mcp_servers.aimux]\nurl = "{scene.url}"\n'
            'bearer_token_env_var = "AIMUX_TOKEN"\n'
            'default_tools_approval_mode = "approve"\n'
        )
    tool = "mcp__aimux.sessions"
    said = _say(prepared, [
        str(prepared.binary), "exec", "--skip-git-repo-check",
        "--dangerously-bypass-approvals-and-sandbox", f"[[tool {tool} {ASK}]]",
    ])  # fmt: skip
    return _judge("codex", prepared.version, said, log, tool)


def gemini(scene: Scene, port: int, log: Path) -> str:
    """Gemini CLI: its own check of the server, then a turn."""
    prepared = _prepared(scene, "gemini", port)
    path = prepared.home / ".gemini" / "settings.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    server = {"httpUrl": scene.url, "headers": headers, "trust": True}
    path.write_text(json.dumps({**settings, "mcpServers": {"aimux": server}}), encoding="utf-8")
    listed = _say(prepared, [str(prepared.binary), "mcp", "list"])
    if not re.search(r"aimux.*Connected", listed):
        raise Failed(f"mcp list: {listed[-800:]}")
    tool = "mcp_aimux_sessions"
    said = _say(prepared, [
        str(prepared.binary), "--model", prepared.model, "--approval-mode", "yolo",
        "-p", f"[[tool {tool} {ASK}]]",
    ])  # fmt: skip
    return _judge("gemini", prepared.version, said, log, tool)


REAL: Final[Mapping[str, Callable[[Scene, int, Path], str]]] = {
    "claude": claude,
    "codex": codex,
    "gemini": gemini,
}


def real_cli(scene: Scene, cli: str) -> str:
    """A real CLI with aimux in its configuration, and the model server as its model."""
    log = scene.stand.root / f"model-{cli}.log"
    with direct.model_server(log) as port:
        return REAL[cli](scene, port, log)


ROWS: Final[Mapping[str, Callable[[Scene], str]]] = {
    **{
        f"python {transport} {mode}": lambda scene, transport=transport, mode=mode: python_sdk(
            scene, transport, mode
        )
        for transport in ("stdio", "http", "sse")
        for mode in ("legacy", "auto")
    },
    **{
        f"typescript {transport} {mode}": lambda scene, transport=transport, mode=mode: (
            typescript_sdk(scene, transport, mode)
        )
        for transport, modes in (
            ("stdio", ("legacy", "auto")), ("http", ("legacy", "auto")), ("sse", ("legacy",)),
        )
        for mode in modes
    },
    **{
        f"inspector {transport} {era}": lambda scene, transport=transport, era=era: inspector(
            scene, transport, era
        )
        for transport, era in (("stdio", "legacy"), ("http", "legacy"), ("http", "auto"))
    },
    **{f"real {cli}": lambda scene, cli=cli: real_cli(scene, cli) for cli in REAL},
    **{
        f"setup {cli}": lambda scene, cli=cli: setup_rows.check(
            cli, scene.stand.root / f"setup-{cli}"
        )
        for cli in setup_rows.CHECKS
    },
}  # fmt: skip


def survivors(root: str) -> dict[int, str]:
    """What still runs with a home in this directory."""
    found: dict[int, str] = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME", "").startswith(root):
                found[process.pid] = " ".join(process.cmdline())[:200]
        except psutil.Error:  # gone, or somebody else's
            continue
    return found


def main() -> int:
    """Run; 1 if a row failed or a process was left. A missing real CLI fails nothing."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--only", default="", help="rows whose name begins so")
    chosen = options.parse_args()
    install(cache_dir())
    why = isolate.cut_network()
    if why:
        print(f"network not cut off: {why}")
    with tempfile.TemporaryDirectory(prefix="aimux-clients-") as root:
        failed = play(Path(root), chosen.only)
        left = survivors(root)
    if left:
        print(f"left behind: {left}")
    return int(failed > 0 or bool(left))


def play(root: Path, only: str) -> int:
    """Run the rows that begin so; how many failed."""
    failed = 0
    with open_scene(root / "machine", cache_dir()) as scene:
        for name, row in ROWS.items():
            if not name.startswith(only):
                continue
            try:
                print(f"{name:26} ok      {row(scene)}", flush=True)
            except realsetup.NotPrepared as missing:
                print(f"{name:26} -       {missing}", flush=True)
            except (Failed, setup_rows.NotShown, KeyError, ValueError) as problem:
                failed += 1
                print(f"{name:26} FAILED  {problem}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
