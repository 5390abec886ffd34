"""The rows of `nox -s packaging`: installs, manifests, units, workflows, archive, contents."""

import json
import os
import plistlib
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import jsonschema

from ._steps import ROOT, SHORT_S, Built, Failed, Missing, check, run
from .make_bundles import dumped, server_json

REGISTRY: Final = "github.com/modelcontextprotocol/registry@v1.8.9"
ACTIONLINT: Final = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
MCPB: Final = "@anthropic-ai/mcpb@2.1.2"
CLAUDE: Final = "@anthropic-ai/claude-code@2.1.330"
CYCLONEDX: Final = "cyclonedx-bom==7.5.0"


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Missing(f"there is no {name} here")
    return found


def _npm(built: Built, package: str, command: str) -> Path:
    prefix = built.work / "npm"
    prefix.mkdir(exist_ok=True)
    quiet = ("--no-audit", "--no-fund", "--loglevel=error", "--no-package-lock")
    run([_tool("npm"), "install", "--prefix", prefix, *quiet, package], os.environ, prefix)
    return prefix / "node_modules" / ".bin" / command


# -------------------------------------------------------------------------------------- installs


def pip(built: Built) -> str:
    """`pip install WHEEL` in a fresh environment."""
    env = built.home("pip")
    cwd = built.work / "pip" / "cwd"
    venv = built.work / "pip" / "venv"
    run([sys.executable, "-m", "venv", venv], env, cwd)
    run([venv / "bin" / "pip", "install", "-q", "-c", built.constraints, built.wheel], env, cwd)
    return check([venv / "bin" / "aimux"], env, cwd)


def pipx(built: Built) -> str:
    """`pipx install WHEEL`."""
    env = built.home("pipx")
    cwd = built.work / "pipx" / "cwd"
    run([sys.executable, "-m", "pipx", "install", "--quiet", built.wheel], env, cwd)
    return check([Path(env["HOME"]) / ".local" / "bin" / "aimux"], env, cwd)


def uv_tool(built: Built) -> str:
    """`uv tool install WHEEL`, and both of its commands."""
    env = built.home("uv")
    cwd = built.work / "uv" / "cwd"
    run([sys.executable, "-m", "uv", "tool", "install", "-q", "--python", sys.executable,
         built.wheel], env, cwd)  # fmt: skip
    binaries = Path(env["HOME"]) / ".local" / "bin"
    run([binaries / "aimux-mcp", "--version"], env, cwd, limit_s=SHORT_S)
    return check([binaries / "aimux"], env, cwd)


def sdist(built: Built) -> str:
    """A wheel from the source archive alone, without git."""
    env = built.home("sdist")
    cwd = built.work / "sdist" / "cwd"
    with tarfile.open(built.sdist) as archive:
        archive.extractall(cwd, filter="data")
    (source,) = cwd.iterdir()
    out = built.work / "sdist" / "wheel"
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source],
        env, cwd)  # fmt: skip
    (again,) = out.glob("*.whl")
    if again.name != built.wheel.name:
        raise Failed(f"{again.name} instead of {built.wheel.name}")
    return f"{again.name} again"


# ------------------------------------------------------------------------------------- manifests


def registry_entry(built: Built) -> str:
    """`server.json` against the schema that the registry itself checks by."""
    said = run([_tool("go"), "mod", "download", "-json", REGISTRY], os.environ, ROOT)
    schemas = Path(json.loads(said)["Dir"]) / "internal" / "validators" / "schemas"
    text = (ROOT / "server.json").read_text(encoding="utf-8")
    if text != dumped(server_json()):
        raise Failed("server.json is not current: python tests/packaging/make_bundles.py .")
    entry = json.loads(text)
    day = entry["$schema"].split("/")[-2]
    schema = json.loads((schemas / f"{day}.json").read_text(encoding="utf-8"))
    for each in (entry, server_json("1.2.3rc1", "Some-Owner/mine.2")):  # as a release fills it
        jsonschema.validate(each, schema)
    with zipfile.ZipFile(built.wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        said = archive.read(metadata).decode()
    own = entry["repository"]["url"]
    for wanted in (f"mcp-name: {entry['name']} ", f"Project-URL: Repository, {own}\n"):
        if wanted not in said:  # the registry asks the package whose it is
            raise Failed(f"the wheel does not say {wanted}")
    return f"valid by the schema of {day}; the wheel says whose it is"


def desktop_bundle(built: Built) -> str:
    """The bundle for desktop hosts, by the maker's own tool."""
    command = _npm(built, MCPB, "mcpb")
    unpacked = built.work / "mcpb"
    shutil.unpack_archive(built.work / "bundles" / "aimux.mcpb", unpacked, "zip")
    said = run([command, "validate", unpacked / "manifest.json"], os.environ, unpacked)
    return said.strip().splitlines()[-1]


def plugin(built: Built) -> str:
    """The plugin folder and its marketplace, by the host itself."""
    command = _npm(built, CLAUDE, "claude")
    env = {**built.home("claude"), "PATH": os.environ["PATH"]}
    folder = built.work / "bundles" / "plugin"
    said = ""
    for each in (folder, folder / "aimux"):
        said = run([command, "plugin", "validate", each], env, folder)
        if "Validation passed" not in said:
            raise Failed(said[-800:])
    found = [word for word in ("consensus", "debate", "audit", "review") if word not in said]
    if found or "README_MISSING" in said:
        raise Failed(f"not found by the host: {found}: {said[-500:]}")
    return "validation passed: four commands, a skill, a server"


def workflows(built: Built) -> str:
    """Every workflow, by the linter made for them."""
    binaries = built.work / "go-bin"
    env = {**os.environ, "GOBIN": str(binaries)}
    run([_tool("go"), "install", ACTIONLINT], env, built.work)
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    run([binaries / "actionlint", *files], os.environ, ROOT)
    return f"{len(files)} without a fault"


def units(built: Built) -> str:
    """What `aimux daemon install --print` prints, as its readers read it."""
    env = built.home("units")
    cwd = built.work / "units" / "cwd"
    aimux = built.work / "pip" / "venv" / "bin" / "aimux"
    if not aimux.exists():
        raise Missing("the row pip did not run")
    plist = run([aimux, "daemon", "install", "--print", "--kind", "launchd"], env, cwd)
    agent = plistlib.loads(plist.encode())
    if not Path(agent["ProgramArguments"][0]).is_absolute():
        raise Failed(f"launchd: {agent['ProgramArguments']}")
    text = run([aimux, "daemon", "install", "--print", "--kind", "systemd"], env, cwd)
    verifier = shutil.which("systemd-analyze")
    if verifier is None:
        return "launchd: read back; systemd: no systemd-analyze here, not verified"
    unit = cwd / "aimux.service"
    unit.write_text(text, encoding="utf-8")
    run([verifier, "verify", "--user", unit], {**env, "XDG_RUNTIME_DIR": str(cwd)}, cwd)
    return "launchd: read back; systemd: verified"


# -------------------------------------------------------------------------------------- contents


def archive(built: Built) -> str:
    """The self-contained archive: unpacked elsewhere, started, configured beside itself."""
    out = built.work / "archive" / "made"
    script = ROOT / "tests" / "packaging" / "make_archive.py"
    run([sys.executable, script, "--wheel", built.wheel, "--constraints", built.constraints, out],
        os.environ, built.work)  # fmt: skip
    (packed,) = out.glob("*.tar.gz")
    elsewhere = built.work / "archive" / "else where"
    with tarfile.open(packed) as opened:
        opened.extractall(elsewhere, filter="data")
    (root,) = elsewhere.iterdir()
    shutil.rmtree(out)  # what is started may not lean on it
    env = built.home("archive")
    cwd = built.work / "archive" / "cwd"
    (root / "config" / "default.yaml").write_text("server: {max_chars: 4321}", encoding="utf-8")
    (cwd / "config").mkdir()
    (cwd / "config" / "default.yaml").write_text("server: {max_chars: 1234}", encoding="utf-8")
    link = cwd / "linked"
    link.symlink_to(root / "aimux")
    shown = run([link, "config", "show", "--origin"], env, cwd, limit_s=SHORT_S)
    if "4321" not in shown or "1234" in shown or "installation" not in shown:
        raise Failed(f"config/ beside the executable: {shown[-500:]}")
    said = check([root / "aimux"], env, cwd)
    return f"{packed.name}, {said}"


def contents(built: Built) -> str:
    """What is in an installation, as a CycloneDX document; and checksums of what is published."""
    env = built.home("sbom")
    cwd = built.work / "sbom" / "cwd"
    venv = built.work / "pip" / "venv"
    if not venv.exists():
        raise Missing("the row pip did not run")
    tools = built.work / "sbom" / "venv"
    run([sys.executable, "-m", "venv", tools], env, cwd)
    run([tools / "bin" / "pip", "install", "-q", CYCLONEDX], env, cwd)
    file = built.work / "sbom" / "aimux.cdx.json"
    run([tools / "bin" / "cyclonedx-py", "environment", venv / "bin" / "python",
         "--output-format", "JSON", "-o", file], env, cwd)  # fmt: skip
    found = json.loads(file.read_text(encoding="utf-8"))
    names = {each["name"] for each in found["components"]}
    if not {"aimux-mcp", "trio"} <= names:
        raise Failed(f"components: {sorted(names)}")
    dist = built.wheel.parent
    run([sys.executable, ROOT / "tests" / "packaging" / "release.py", "checksums", dist],
        os.environ, ROOT)  # fmt: skip
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=dist, check=True)
    return f"CycloneDX {found['specVersion']}, {len(names)} components; checksums hold"
