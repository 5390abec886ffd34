"""Everything that people install aimux by, made and used as they would; prints a table.

    python -m tests.packaging.run DIST           # a directory with one wheel and one sdist
    python -m tests.packaging.run DIST --only pip

A row that this machine lacks something for says so and fails nothing; `--whole` makes it fail.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import jsonschema

from . import _roots, _rows, _shells
from ._steps import ROOT, Built, Failed, Missing

ROWS: Final[Mapping[str, Callable[[Built], str]]] = {
    "pip": _rows.pip,
    "pipx": _rows.pipx,
    "uv tool": _rows.uv_tool,
    "source": _rows.sdist,
    "server.json": _rows.registry_entry,
    "mcpb": _rows.desktop_bundle,
    "plugin": _rows.plugin,
    "workflows": _rows.workflows,
    "units": _rows.units,
    "completion": _shells.completion,
    "archive": _rows.archive,
    "sbom": _rows.contents,
    "bare root": _roots.bare,
    "image": _roots.image,
}
PINNED: Final = re.compile(r"^[A-Za-z0-9._-]+==[^ ;\\]+", re.MULTILINE)


def prepare(work: Path, dist: Path) -> Built:
    """What the rows begin with."""
    bundles = ROOT / "tests" / "packaging" / "make_bundles.py"
    subprocess.run([sys.executable, bundles, work / "bundles"], check=True)
    constraints = work / "constraints.txt"
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    constraints.write_text("\n".join(PINNED.findall(lock)) + "\n", encoding="utf-8")
    (work / "dist").mkdir()
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    return Built(
        work=work,
        wheel=Path(shutil.copy(wheel, work / "dist")),
        sdist=Path(shutil.copy(sdist, work / "dist")),
        constraints=constraints,
    )


def main(argv: Sequence[str]) -> int:
    """Run the rows; 1 if one failed."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("dist", type=Path)
    options.add_argument("--only", default="", help="rows whose name begins so, commas between")
    options.add_argument("--whole", action="store_true", help="a row that cannot be run fails")
    chosen = options.parse_args(argv)
    wanted = tuple(chosen.only.split(","))
    failed = 0
    # where other users may go too, unlike the session's own
    with tempfile.TemporaryDirectory(prefix="aimux-packaging-", dir="/tmp") as name:
        built = prepare(Path(name), chosen.dist)
        for row, play in ROWS.items():
            if not row.startswith(wanted):
                continue
            try:
                print(f"{row:12} ok      {play(built)}", flush=True)
            except Missing as missing:
                failed += chosen.whole
                print(f"{row:12} -       {missing}", flush=True)
            except (Failed, jsonschema.ValidationError, subprocess.SubprocessError) as problem:
                failed += 1
                print(f"{row:12} FAILED  {problem}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
