"""Settings, profiles and roles of one client, from files, environment and flags."""

from ._explain import (
    Row as Row,
    explain as explain,
)
from ._find import (
    ClientContext as ClientContext,
    ConfigPaths as ConfigPaths,
    home_dir as home_dir,
    state_dir as state_dir,
    state_path as state_path,
    user_dir as user_dir,
)
from ._load import (
    Loader as Loader,
    Snapshot as Snapshot,
    every_problem as every_problem,
    load as load,
    load_skills as load_skills,
    shared_loader as shared_loader,
)
from ._merge import Origin as Origin
