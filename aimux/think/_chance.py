"""Chance computed: expectation, bandits, Bayes, Markov decisions, hidden states, tree search."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import attrs

from ._base import rounded
from ._fields import Count, Figure, Json, Range, Share

EXACT: Final = 1e-6  # how far probabilities may be from summing to 1
SWEEPS: Final = 200
STATES: Final = 200
SETTLED: Final = 1e-9
DRAWS: Final = 2_000

Shares = Mapping[str, Share]


@attrs.frozen(kw_only=True)
class Outcome:
    """What may happen."""

    name: str = ""
    probability: Share
    value: Figure


@attrs.frozen(kw_only=True)
class Arm:
    """What can be tried, with what it brought so far."""

    name: str
    pulls: Annotated[int, Range(0, 1_000_000)] = 0
    reward: Annotated[Figure, "sum of rewards"] = 0.0


@attrs.frozen(kw_only=True)
class Transition:
    """Where an action leads from a state."""

    state: str
    action: str
    next: str
    probability: Share = 1.0
    reward: Figure = 0.0


@attrs.frozen(kw_only=True)
class TreeNode:
    """A node of a search tree."""

    id: str
    parent: str = ""
    trials: Annotated[int, Range(0, 1_000_000)] = 0
    value: Annotated[Figure, "sum of values"] = 0.0


def summed(chances: Mapping[str, float], what: str, warnings: list[str]) -> dict[str, float]:
    """Probabilities that sum to 1, brought there with a warning."""
    total = sum(chances.values())
    if abs(total - 1) <= EXACT:
        return dict(chances)
    if total <= 0:
        warnings.append(f"{what} sum to 0: taken as equal")
        return dict.fromkeys(chances, 1 / len(chances)) if chances else {}
    warnings.append(f"{what} sum to {rounded(total)}: brought to 1")
    return {name: each / total for name, each in chances.items()}


def expectation(outcomes: Sequence[Outcome], warnings: list[str]) -> Json:
    """Expected value, variance and deviation, and the outcome that weighs most."""
    names = [each.name or f"outcome {at}" for at, each in enumerate(outcomes, 1)]
    keyed = {str(at): each.probability for at, each in enumerate(outcomes)}
    chances = list(summed(keyed, "probabilities", warnings).values())
    expected = sum(p * each.value for p, each in zip(chances, outcomes, strict=True))
    variance = sum(
        p * (each.value - expected) ** 2 for p, each in zip(chances, outcomes, strict=True)
    )
    most = max(range(len(outcomes)), key=lambda at: chances[at] * outcomes[at].value)
    return {
        "expectedValue": rounded(expected, 6),
        "variance": rounded(variance, 6),
        "standardDeviation": rounded(math.sqrt(variance), 6),
        "dominantOutcome": {
            "name": names[most],
            "probability": rounded(chances[most], 6),
            "value": outcomes[most].value,
        },
    }


def bandit(arms: Sequence[Arm], epsilon: float, draws: int, seed: int) -> Json:
    """Which arm to pull next by UCB1, by Thompson sampling and by epsilon-greedy."""
    tried = sum(each.pulls for each in arms)
    means = {each.name: each.reward / each.pulls if each.pulls else 0.0 for each in arms}
    bounds = {
        each.name: means[each.name] + math.sqrt(2 * math.log(tried) / each.pulls)
        if each.pulls and tried > 1
        else math.inf
        for each in arms
    }
    untried = [each.name for each in arms if not each.pulls]
    best = max(arms, key=lambda each: means[each.name]).name
    dice = random.Random(seed)  # noqa: S311  # repeatable on purpose
    wins = dict.fromkeys((each.name for each in arms), 0)
    is_share = all(0 <= each.reward <= each.pulls for each in arms)
    for _ in range(draws if is_share else 0):
        drawn = {
            each.name: dice.betavariate(1 + each.reward, 1 + each.pulls - each.reward)
            for each in arms
        }
        wins[max(drawn, key=lambda name: drawn[name])] += 1
    explore = epsilon / len(arms)
    return {
        "arms": [
            {
                "name": each.name,
                "mean": rounded(means[each.name]),
                "ucb1": None if math.isinf(bounds[each.name]) else rounded(bounds[each.name]),
                "thompson": rounded(wins[each.name] / draws) if is_share else None,
                "epsilonGreedy": rounded(explore + (1 - epsilon if each.name == best else 0)),
            }
            for each in arms
        ],
        "nextArm": untried[0] if untried else max(bounds, key=lambda name: bounds[name]),
        "bestMean": best,
        "untriedArms": untried,
    }


def bayes(
    priors: Shares, likelihoods: Mapping[str, Shares], evidence: Sequence[str], warnings: list[str]
) -> Json:
    """Posteriors after each piece of evidence; `likelihoods` are hypothesis -> evidence."""
    chances = summed(priors, "priors", warnings)
    steps: list[Json] = []
    for seen in evidence:
        missing = [name for name in chances if seen not in likelihoods.get(name, {})]
        if missing:
            warnings.append(f"no likelihood of {seen} under {', '.join(missing)}: left out")
            continue
        joint = {name: chance * likelihoods[name][seen] for name, chance in chances.items()}
        total = sum(joint.values())
        if not total:
            warnings.append(f"{seen} is impossible under every hypothesis: left out")
            continue
        chances = {name: each / total for name, each in joint.items()}
        steps.append(
            {"evidence": seen, "posterior": {k: rounded(v, 6) for k, v in chances.items()}}
        )
    best = max(chances, key=lambda name: chances[name]) if chances else None
    odds = None
    if best is not None and chances[best] < 1:
        odds = rounded(math.log(chances[best] / (1 - chances[best]))) if chances[best] else None
    return {
        "posterior": {name: rounded(each, 6) for name, each in chances.items()},
        "updates": steps,
        "mostLikely": best,
        "logOdds": odds,
    }


def decide(
    transitions: Sequence[Transition], gamma: float, sweeps: int, warnings: list[str]
) -> Json:
    """Values of states and the best action in each, by value iteration."""
    table: dict[str, dict[str, list[Transition]]] = {}
    for each in transitions:
        table.setdefault(each.state, {}).setdefault(each.action, []).append(each)
    states = sorted({*table, *(each.next for each in transitions)})
    if len(states) > STATES:
        warnings.append(f"{len(states)} states: at most {STATES} are computed")
        return {"values": {}, "policy": {}, "sweeps": 0, "converged": False}
    for state, actions in table.items():
        for action, ways in actions.items():
            keyed = {str(at): each.probability for at, each in enumerate(ways)}
            chances = summed(keyed, f"chances of {action} in {state}", warnings)
            actions[action] = [
                attrs.evolve(each, probability=min(1.0, chances[str(at)]))
                for at, each in enumerate(ways)
            ]
    values = dict.fromkeys(states, 0.0)
    done, change = 0, math.inf
    while done < sweeps and change > SETTLED:
        fresh = {
            state: max(
                (_worth(ways, values, gamma) for ways in table.get(state, {}).values()), default=0.0
            )
            for state in states
        }
        change = max((abs(fresh[each] - values[each]) for each in states), default=0.0)
        values, done = fresh, done + 1
    policy = {
        state: max(sorted(actions), key=lambda name: _worth(actions[name], values, gamma))
        for state, actions in sorted(table.items())
    }
    return {
        "values": {state: rounded(each) for state, each in values.items()},
        "policy": policy,
        "sweeps": done,
        "converged": change <= SETTLED,
        "terminalStates": [state for state in states if state not in table],
    }


def _worth(ways: Sequence[Transition], values: Mapping[str, float], gamma: float) -> float:
    return sum(each.probability * (each.reward + gamma * values[each.next]) for each in ways)


def hidden(
    start: Shares,
    moves: Mapping[str, Shares],
    emits: Mapping[str, Shares],
    seen: Sequence[str],
    warnings: list[str],
) -> Json:
    """How likely observations are (forward), and the likeliest states behind them (Viterbi)."""
    chances = summed(start, "start", warnings)
    states = list(chances)
    forward = {each: chances[each] * emits.get(each, {}).get(seen[0], 0.0) for each in states}
    best = dict(forward)
    paths = {each: [each] for each in states}
    total = 0.0  # log of the likelihood, kept apart so that long sequences do not vanish
    for at, symbol in enumerate(seen):
        if at:
            forward = {
                to: sum(forward[each] * moves.get(each, {}).get(to, 0.0) for each in states)
                * emits.get(to, {}).get(symbol, 0.0)
                for to in states
            }
            steps = {
                to: max(states, key=lambda each: best[each] * moves.get(each, {}).get(to, 0.0))
                for to in states
            }
            best = {
                to: best[one] * moves.get(one, {}).get(to, 0.0) * emits.get(to, {}).get(symbol, 0.0)
                for to, one in steps.items()
            }
            paths = {to: [*paths[one], to] for to, one in steps.items()}
        scale, peak = sum(forward.values()), max(best.values(), default=0.0)
        if not scale:
            warnings.append(f"observation {symbol} cannot happen here")
            return {"likelihood": 0.0, "logLikelihood": None, "path": [], "filtered": {}}
        total += math.log(scale)
        forward = {each: value / scale for each, value in forward.items()}
        best = {each: value / peak for each, value in best.items()}
    end = max(states, key=lambda each: best[each])
    return {
        "likelihood": rounded(math.exp(total), 8),
        "logLikelihood": rounded(total, 6),
        "path": paths[end],
        "filtered": {each: rounded(value) for each, value in forward.items()},
    }


def search(nodes: Sequence[TreeNode], exploration: float) -> Json:
    """The leaf that UCT would try next, and the child of the root tried most."""
    known = {each.id: each for each in nodes}
    children: dict[str, list[TreeNode]] = {}
    for each in nodes:
        if each.parent in known and each.parent != each.id:
            children.setdefault(each.parent, []).append(each)
    roots = [each for each in nodes if each.parent not in known]
    if not roots:
        return {"selectedPath": [], "bestChild": None, "uct": {}}
    scores: dict[str, float | None] = {}
    at, path = roots[0], [roots[0].id]
    while at.id in children and len(path) <= len(nodes):
        above = max(at.trials, 1)
        for each in children[at.id]:
            scores[each.id] = (
                rounded(each.value / each.trials
                        + exploration * math.sqrt(math.log(above) / each.trials))
                if each.trials
                else None
            )  # fmt: skip
        fresh = [each for each in children[at.id] if not each.trials]
        at = fresh[0] if fresh else max(children[at.id], key=lambda each: scores[each.id] or 0.0)
        path.append(at.id)
    own = children.get(roots[0].id, [])
    return {
        "selectedPath": path,
        "bestChild": max(own, key=lambda each: each.trials).id if own else None,
        "uct": scores,
    }


@attrs.frozen(kw_only=True)
class Parameters:
    """What an algorithm works on; each takes what it needs."""

    outcomes: Annotated[Sequence[Outcome], "bandit, bayesian: [{name, probability, value}]"] = ()
    arms: Annotated[Sequence[Arm], "bandit: [{name, pulls, reward}]"] = ()
    epsilon: Annotated[Share, "bandit: share of exploring"] = 0.1
    seed: Annotated[Count, "bandit: of the dice"] = 0
    priors: Annotated[Shares, "bayesian: hypothesis -> chance"] = attrs.field(factory=dict)
    likelihoods: Annotated[Mapping[str, Shares], "bayesian: hypothesis -> evidence -> chance"] = (
        attrs.field(factory=dict)
    )
    evidence: Annotated[Sequence[str], "bayesian: what was seen, in order"] = ()
    transitions: Annotated[
        Sequence[Transition], "mdp: [{state, action, next, probability, reward}]"
    ] = ()
    gamma: Annotated[Share, "mdp: worth of tomorrow"] = 0.9
    start: Annotated[Shares, "hmm: state -> chance"] = attrs.field(factory=dict)
    moves: Annotated[Mapping[str, Shares], "hmm: state -> next state -> chance"] = attrs.field(
        factory=dict
    )
    emissions: Annotated[Mapping[str, Shares], "hmm: state -> observation -> chance"] = attrs.field(
        factory=dict
    )
    observations: Annotated[Sequence[str], "hmm: what was seen, in order"] = ()
    nodes: Annotated[Sequence[TreeNode], "mcts: [{id, parent, trials, value}]"] = ()
    exploration: Annotated[float, Range(0, 100), "mcts: how much to explore"] = 1.4142
