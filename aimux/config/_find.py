"""Where settings come from: directories and files, and what the environment and flags say."""

import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import attrs
import orjson

from aimux.errors import PeerFault, SetupFault
from aimux.files.home import REMEDY, NoHomeError, find_home
from aimux.files.shipped import beside, shipped
from aimux.model import EFFORTS, Route, Source
from aimux.rules import parse_override

from ._shape import Kind, from_text

PREFIX: Final = "AIMUX_"
ROLE_PREFIX: Final = "AIMUX_ROLE_"
# read by others: directories, the daemon's switch, guidance, the network's address
FOREIGN: Final = frozenset({
    "AIMUX_CONFIG_DIR", "AIMUX_STATE_DIR", "AIMUX_CACHE_DIR", "AIMUX_RUNTIME_DIR",
    "AIMUX_LOCAL", "AIMUX_DAEMON", "AIMUX_ENV",
    "AIMUX_ALLOWED_HOSTS", "AIMUX_ALLOW_UNAUTHENTICATED_HTTP", "AIMUX_AUTH_TOKEN_FILE",
    "AIMUX_BIND_PUBLIC", "AIMUX_CONTAINER",
})  # fmt: skip
TRANSPORT_ALIASES: Final = {"streamablehttp": "http", "streamable-http": "http"}


@attrs.frozen(kw_only=True)
class ClientContext:
    """Whose settings are wanted: working directory and environment as the client has them.

    `flags` maps dotted keys to values or texts; the part `server.` may be left out.
    """

    cwd: pathlib.Path
    env: Mapping[str, str]
    config_dir: pathlib.Path | None = None
    flags: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ConfigPaths:
    """Files that may exist for one client, and the directories that hold more of them."""

    shipped: pathlib.Path  # profiles/
    prompts: pathlib.Path  # prompts/
    user: pathlib.Path
    project: pathlib.Path  # <cwd>/.aimux
    installation: pathlib.Path | None = None  # beside the executable

    @property
    def project_root(self) -> pathlib.Path:
        """Where everything must lie that a project names: links may not lead out of it."""
        return self.project.parent

    @property
    def directories(self) -> Sequence[tuple[Source, pathlib.Path]]:
        """The configuration directories beside the shipped data, lowest layer first."""
        user = (Source.USER, self.user)
        if self.installation is None:
            return (user,)
        return ((Source.INSTALLATION, self.installation), user)

    @property
    def settings_files(self) -> Sequence[tuple[Source, pathlib.Path]]:
        """The YAML files of settings, lowest layer first."""
        return (
            (Source.SHIPPED, self.shipped / "default.yaml"),
            *self._own("default.yaml"),
            (Source.PROJECT, self.project / "config.yaml"),
        )

    def _own(self, name: str) -> Iterator[tuple[Source, pathlib.Path]]:
        for source, directory in self.directories:
            yield source, directory / name

    @property
    def panel_roots(self) -> Mapping[Source, pathlib.Path]:
        """Directories with one file per panel, by layer."""
        return {
            Source.SHIPPED: self.shipped / "panels",
            **dict(self._own("panels.d")),
            Source.PROJECT: self.project / "panels.d",
        }

    @property
    def profile_roots(self) -> Sequence[tuple[Source, pathlib.Path]]:
        """Directories with one directory per CLI, lowest layer first.

        A project has none: a profile names a program to run, and a fresh clone must not.
        """
        return ((Source.SHIPPED, self.shipped), *self._own("cli.d"))

    @property
    def domain_roots(self) -> Sequence[pathlib.Path]:
        """Directories of domains, lowest layer first.

        A project has none: whoever investigates a clone must not be told by it where not to look.
        """
        return (self.shipped / "domains", *(path for _, path in self._own("domains.d")))

    @property
    def prompt_roots(self) -> Sequence[tuple[Source, pathlib.Path]]:
        """Directories with `roles/`, `styles/`, `snippets/`, lowest layer first."""
        return (
            (Source.SHIPPED, self.prompts),
            *self._own("prompts.d"),
            (Source.PROJECT, self.project / "prompts.d"),
        )

    @property
    def audit_rule_roots(self) -> Sequence[tuple[Source, pathlib.Path]]:
        """Directories with audit rules, lowest layer first; a project would judge itself."""
        return (
            (Source.SHIPPED, self.shipped / "audit-rules"),
            *self._own("audit-rules.d"),
        )

    @property
    def workflow_roots(self) -> Sequence[pathlib.Path]:
        """Directories of workflows that can be called by name, lowest layer first."""
        return (self.shipped / "workflows", *(path for _, path in self._own("workflows.d")))


def user_dir(env: Mapping[str, str]) -> pathlib.Path:
    """The user's configuration directory in this environment."""
    named = env.get("AIMUX_CONFIG_DIR", "").strip()
    return expand(named, env) if named else home_dir(env) / ".config" / "aimux"


def state_dir(env: Mapping[str, str]) -> pathlib.Path:
    """Where the store, the log and sockets of this environment's daemon live."""
    named = env.get("AIMUX_STATE_DIR", "").strip()
    return expand(named, env) if named else home_dir(env) / ".config" / "aimux"


def state_path(value: str, env: Mapping[str, str]) -> pathlib.Path:
    """A path of the settings (`db_path`, `log_file`), with `~` expanded.

    Relative ones are in the state directory.
    """
    return state_dir(env) / expand(value, env)


def expand(value: str, env: Mapping[str, str]) -> pathlib.Path:
    """A path with a leading `~/` (or `~\\`) replaced by the home directory of `env`.

    Raises:
        SetupFault: there is none.
    """
    if value == "~" or value[:2] in {"~/", "~\\"}:
        return home_dir(env) / value[2:]
    return pathlib.Path(value)


def home_dir(env: Mapping[str, str]) -> pathlib.Path:
    """The home directory in this environment.

    Raises:
        SetupFault: there is none; says what to set.
    """
    try:
        return pathlib.Path(find_home(env))
    except NoHomeError as error:
        raise SetupFault(str(error), code="no_home", hint=REMEDY) from error


def find_paths(client: ClientContext) -> ConfigPaths:
    """The paths of one client; nothing is opened."""
    user = client.config_dir if client.config_dir is not None else user_dir(client.env)
    return ConfigPaths(
        shipped=shipped("profiles"),
        prompts=shipped("prompts"),
        user=user,
        project=client.cwd / ".aimux",
        installation=beside(),
    )


Complain = Callable[[str, str, str], None]  # where, message, suggestion


def read_environment(
    env: Mapping[str, str], keys: Mapping[str, Kind], complain: Complain
) -> Iterator[tuple[str, str, object]]:
    """Variable, dotted key and value for every setting that `env` names.

    `keys` are the known leaves with their types. A variable of ours that is close to a known one is
    taken for a typing error and reported; others may belong to somebody else.
    """
    names = {variable: key for key in keys for variable in variables(key)}
    if env.get("MCP_TRANSPORT", "").strip():  # below AIMUX_*, which comes later and replaces it
        word = env["MCP_TRANSPORT"].strip().lower()
        yield "MCP_TRANSPORT", "server.transport.type", TRANSPORT_ALIASES.get(word, word)
    if env.get("PORT", "").strip():
        yield "PORT", "server.transport.port", env["PORT"].strip()
    for variable in sorted(env, key=lambda each: (len(each), each)):
        text = env[variable]
        if not variable.startswith(PREFIX) or not text.strip():
            continue
        if variable in names:
            value = from_text(keys[names[variable]], text)
            if names[variable] == "server.transport.type" and isinstance(value, str):
                value = TRANSPORT_ALIASES.get(value.lower(), value.lower())
            yield variable, names[variable], value
        elif variable not in FOREIGN and not variable.startswith(ROLE_PREFIX):
            import difflib  # only mistakes pay for it

            close = difflib.get_close_matches(variable, names, n=1, cutoff=0.85)
            if close:
                complain(variable, f"unknown variable {variable}", close[0])


def variables(key: str) -> list[str]:
    """The variables that set a key: with its section, and without it for `server`."""
    name = key.upper().replace(".", "_")
    short = name.removeprefix("SERVER_")
    return [PREFIX + name] if short == name else [PREFIX + name, PREFIX + short]


def read_flags(
    flags: Mapping[str, object], keys: Mapping[str, Kind]
) -> Iterator[tuple[str, object]]:
    """Dotted key and value of every flag; unknown ones come through for `check` to report."""
    for flag, value in flags.items():
        key = flag.replace("-", "_")
        if key not in keys and f"server.{key}" in keys:
            key = f"server.{key}"
        if isinstance(value, str) and key in keys:
            yield key, from_text(keys[key], value)
        else:
            yield key, value


def parse_role(text: str) -> Route:
    """CLI, model and effort of `cli:model:effort`, `cli=…,model=…,effort=…` or a JSON object.

    Raises:
        ValueError: no CLI is named, or a part has no meaning.
    """
    if text.strip().startswith("{"):
        parts = orjson.loads(text)
        unknown = sorted(set(parts) - {"cli", "model", "effort"})
        if unknown:
            raise ValueError(f"{unknown[0]} is not one of cli, model, effort")
        if not all(isinstance(each, str) for each in parts.values()):
            raise ValueError("the parts of a role are texts")
        if not parts.get("cli"):
            raise ValueError("it names no cli")
        route = Route(**parts)
    else:
        try:
            route = parse_override(text)
        except PeerFault as fault:
            raise ValueError(fault.message) from fault
    if route.effort and route.effort not in EFFORTS:
        raise ValueError(f"effort {route.effort} is not one of {', '.join(EFFORTS)}")
    return route
