"""Rows of `nox -s packaging` in roots that are not ours: a bare one, and the container image."""

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ._steps import LISTING, ROOT, SHORT_S, TOOLS, Built, Failed, Missing, count_tools, run

NOBODY: Final = "4242"  # a number that no system has a name for
GUI_PATH: Final = "/usr/bin:/bin:/usr/sbin:/sbin"  # what a program started from a desktop has
BASE: Final = "AIMUX_IMAGE_BASE"  # a directory with a root that has python3, for machines offline
IMAGE: Final = "localhost/aimux-packaging"


def bare(built: Built) -> str:
    """No HOME, no TERM, a read-only root, a number without a name, the PATH of a desktop."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        raise Missing("needs root, unshare and setpriv")
    found = [*(built.work / "archive" / "else where").glob("*/aimux")]
    if not found:
        raise Missing("the row archive did not run")
    tmp = built.work / "bare"
    tmp.mkdir(exist_ok=True)
    built.work.chmod(0o755)

    def start(*words: str, given: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        # all is read-only but for a fresh /tmp, of which nothing is told
        inside = (
            "mount --make-rprivate / && mount -o remount,bind,ro / && "
            f'mount --bind "{built.work}" "{built.work}" && '
            f'mount -o remount,bind,ro "{built.work}" && '
            f'mount -t tmpfs -o mode=1777 none "{tmp}" && cd / && exec "$@"'
        )
        who = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", inside, "sh", *who, "env", "-i",
             f"PATH={GUI_PATH}", f"TMPDIR={tmp}", *(f"{k}={v}" for k, v in more.items()),
             str(found[0]), *words],
            input=given, capture_output=True, text=True, timeout=SHORT_S, check=False,
            encoding="utf-8",
        )  # fmt: skip

    places = {"AIMUX_STATE_DIR": f"{tmp}/state", "AIMUX_CONFIG_DIR": f"{tmp}/config"}
    said = start("--stdio", given=LISTING)  # nowhere to keep anything: it says so, or works
    first = "lists" if said.returncode == 0 and '"tools"' in said.stdout else "says why not"
    if first != "lists" and not ("HOME" in said.stderr or "AIMUX_STATE_DIR" in said.stdout):
        raise Failed(f"without a home: exit {said.returncode}: {said.stderr[-800:]}")
    if "Traceback" in said.stderr:
        raise Failed(said.stderr[-1500:])
    listed = start("--stdio", given=LISTING, **places)
    if listed.returncode or count_tools(listed.stdout) != TOOLS:
        raise Failed(f"with places: exit {listed.returncode}: {listed.stderr[-800:]}")
    shown = start("demo")
    if shown.returncode or "completed" not in shown.stdout:
        raise Failed(f"demo: exit {shown.returncode}: {(shown.stdout + shown.stderr)[-1200:]}")
    return f"without HOME the server {first}; with two directories named it lists {TOOLS}; demo ok"


# ----------------------------------------------------------------------------------------- image


def image(built: Built) -> str:
    """The Dockerfile, built and run as people write it, without a registry of images."""
    base = os.environ.get(BASE, "")
    if shutil.which("buildah") is None or not base:
        raise Missing(f"needs buildah, and {BASE}: a root directory with python3 and apt-get")
    store = ["buildah", "--root", str(built.work / "images"), "--runroot",
             str(built.work / "images-run"), "--storage-driver", "vfs"]  # fmt: skip
    env = {**os.environ, "BUILDAH_ISOLATION": "chroot"}

    def buildah(*words: str | Path) -> str:
        return run([*store, *words], env, ROOT, limit_s=1800).strip()

    fresh = buildah("from", "scratch")
    buildah("copy", "-q", fresh, base, "/")
    buildah("commit", "-q", fresh, "localhost/base")
    mounts = [word for each in ("/etc/ssl/certs", "/etc/pip.conf") if Path(each).exists()
              for word in ("--volume", f"{each}:{each}:ro")]  # fmt: skip
    buildah("bud", "-q", "--format", "docker", "--build-arg", "BASE=localhost/base", *mounts,
            "-t", IMAGE, ".")  # fmt: skip
    facts = json.loads(buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"]
    if facts["User"] != "10001:10001" or not facts["Healthcheck"] or not facts["Volumes"]:
        raise Failed(f"of the image: {facts}")
    container = buildah("from", "--pull-never", IMAGE)
    root = Path(buildah("mount", container))
    try:
        return _run_image(root, facts)
    finally:
        buildah("umount", container)


def _run_image(root: Path, facts: dict[str, object]) -> str:
    """The image's root, read-only but for its volume, as its user, from its environment."""
    env = [str(each) for each in facts["Env"]]  # type: ignore[attr-defined]
    entry = [str(each) for each in facts["Entrypoint"]]  # type: ignore[attr-defined]

    def argv(*more: str, uid: str = "10001") -> list[str]:
        # what `docker run --read-only` makes: proc, dev, and the volume with the modes it has
        inside = (
            f'mount --bind "{root}" "{root}" && mount -o remount,bind,ro "{root}" && '
            f'mount -t proc proc "{root}/proc" && mount --rbind /dev "{root}/dev" && '
            f'mount -t tmpfs -o mode=1777 none "{root}/var/lib/aimux" && '
            f'exec chroot --userspec={uid}:{uid} "{root}" '
            'sh -c \'cd /workspace && exec "$@"\' sh env -i "$@"'
        )
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside, "sh",
                *env, *more, *entry]  # fmt: skip

    listed = subprocess.run(
        argv(), input=LISTING, capture_output=True, text=True, timeout=SHORT_S, check=False
    )
    if listed.returncode or count_tools(listed.stdout) != TOOLS:
        raise Failed(f"run -i: exit {listed.returncode}: {listed.stderr[-1000:]}")
    other = subprocess.run(
        argv(uid="777"), input=LISTING, capture_output=True, text=True, timeout=SHORT_S, check=False
    )
    if other.returncode or count_tools(other.stdout) != TOOLS:
        raise Failed(f"run -u 777 -i: exit {other.returncode}: {other.stderr[-1000:]}")
    with _serving(argv("MCP_TRANSPORT=sse", "PORT=0")) as (port, token):
        statuses = [_status(port, each) for each in ("wrong", token)]
    if statuses != [401, 200]:
        raise Failed(f"run -e MCP_TRANSPORT=sse: answers {statuses}")
    return f"built; run -i lists {TOOLS}, also as another user; run -e MCP_TRANSPORT=sse: 401, 200"


@contextmanager
def _serving(argv: list[str]) -> Iterator[tuple[int, str]]:
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    try:
        while not (found := re.search(r"serving http://0\.0\.0\.0:(\d+)", said)):
            line = process.stderr.readline()
            if not line:
                raise Failed(f"it does not serve: {said[-800:]}")
            said += line
        token = re.search(r"not shown again: (\S+)", said)
        if token is None:
            raise Failed(f"no token was shown: {said}")
        yield int(found[1]), token[1]
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _status(port: int, token: str) -> int:
    """What a client of the older transport is answered."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/sse",
        headers={"Authorization": f"Bearer {token}", "Accept": "text/event-stream"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
