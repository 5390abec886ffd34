"""CLIs that are ready and are not asked all the same."""

from ._client import Json
from ._screen import part_of, rows_of

LOGIN_WAY = "log in to it in a terminal, then"


def why_resting(health: Json, cli: str) -> str:
    """Why a turn of a CLI that is ready would be refused, or may be; empty if nothing is known."""
    found: list[str] = []
    breaker = part_of(part_of(health, "breakers"), cli)
    match breaker.get("state"):
        case "open":
            left_s = float(str(breaker.get("retry_after_seconds")))
            found.append(f"its breaker is open, {left_s:.0f} s more")
        case "half_open":
            found.append("its breaker lets one turn try it")
    for each in rows_of(health, "cooldowns"):
        if each.get("cli") == cli:
            left_s = float(str(each.get("seconds_left")))
            model = each.get("model") or "its default model"
            found.append(f"{model} rests {left_s:.0f} s more ({each.get('code')})")
    if refused := _refused_login(health, cli):
        found.append(f"its login was refused ({refused})")
    return "; ".join(found)


def way_back(health: Json, cli: str) -> str:
    """What has it asked again at once."""
    login = f"{LOGIN_WAY} " if _refused_login(health, cli) else ""
    return f"{login}aimux clis --reset {cli}"


def _refused_login(health: Json, cli: str) -> str:
    told = [each.get("verified") for each in rows_of(health, "clis") if each.get("name") == cli]
    return "".join(str(each) for each in told if each not in {None, "ok"})
