"""Of rows with columns: do boosted trees tell them, by what, and do they learn from them?"""

from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np

from gantlet.evaluation.columns import Tables
from gantlet.evaluation.figures import Chart, Figure, Finding, Panel, Series, Table
from gantlet.evaluation.judged import More, interval
from gantlet.metrics.boosted import BoostedTest, Transfer, boosted_two_sample, transfer
from gantlet.modalities.base import Progress

SHOWN = 12  # columns that give the generated away
TARGETS = 5  # columns that are predicted, the last ones
CLASSES = 12  # of a column that is predicted, at most
TOLD = 0.6  # AUC from which on it is worth a word by what
EASILY = 0.9
SURE = 1e-4
CHANCE = 0.01  # p up to which rows are told
USELESS = 0.5  # of what real rows are worth above chance, below which the generated teach little
SIDES = "fake", "stand_in", "baseline"


class Target(NamedTuple):
    """A column predicted on real rows by trees grown on each side."""

    name: str
    fake: Transfer
    real: Transfer
    baseline: Transfer

    @property
    def worth(self) -> float:
        """What generated rows teach, in shares of what real ones do beyond no dependence."""
        floor = self.baseline.score.value
        return (self.fake.score.value - floor) / (self.real.score.value - floor)


def columns_told(tables: Tables) -> Generator[Progress, None, More]:
    """The boosted two-sample test, what gives the generated away, and what they teach."""
    kinds = tables.reference.is_categorical
    tests = {}
    for place, (name, values) in enumerate(_sides(tables).items()):
        yield Progress(place, len(SIDES), "growing trees to tell real from generated rows")
        tests[name] = boosted_two_sample(tables.reference.values, values, kinds, tables.seed)
    targets: list[Target] = []
    for place, target in enumerate(wanted := _targets(tables)):
        yield Progress(place, len(wanted), "growing trees to predict columns")
        found = _target(tables, target)
        if found is not None:
            targets.append(found)
    test = tests["fake"]
    figures = [_told(tables, tests), *(_taught(tables, one) for one in targets[:1])]
    panels: list[Panel] = []
    if test.auc.low > TOLD:
        panels.append(_evidence(tables, test))
    if targets:
        panels.append(_table(targets))
    return More(
        tuple(figures), tuple(panels), tuple(_findings(tables, test, targets)), _words(tests),
        denied=("indistinguishable",) if test.p_value <= CHANCE else (),
    )  # fmt: skip


def _sides(tables: Tables) -> dict[str, np.ndarray]:
    sides = tables.fake.values, tables.stand_in.values, tables.baseline
    return dict(zip(SIDES, sides, strict=True))


def _targets(tables: Tables) -> list[int]:
    """The last categories of few values, or where there are none the last number."""
    side = tables.reference
    few = [
        place
        for place, is_code in enumerate(side.is_categorical)
        if is_code and 2 <= len(side.categories[place]) <= CLASSES
    ]
    return few[::-1][:TARGETS] or [len(side.names) - 1]


def _target(tables: Tables, target: int) -> Target | None:
    """None where there is nothing to learn or to be tested on."""
    kinds, test = tables.reference.is_categorical, tables.stand_in.values
    if tables.reference.values.shape[1] < 2:
        return None
    sets = tables.fake.values, tables.reference.values, tables.baseline
    try:
        scores = [transfer(rows, test, target, kinds) for rows in sets]
    except ValueError:
        return None
    return Target(tables.reference.names[target], *scores)


def _common(tables: Tables) -> dict[str, Any]:
    size = len(tables.reference.values)
    count = len(tables.reference.names)
    return {"m": size, "n": size, "space": f"{count:,} columns"}


def _told(tables: Tables, tests: dict[str, BoostedTest]) -> Figure:
    test = tests["fake"]
    return Figure(
        name="boosted_auc", title="Told apart by boosted trees (AUC)", **interval(test.auc),
        real=tests["stand_in"].auc.value, baseline=tests["baseline"].auc.value, better="lower",
        unit="%", page="boosted-trees",
        words="The chance that a generated row is rated less real than a real one; 50 % is "
        f"guessing, p = {test.p_value:.2g} that it guesses. Shuffled columns are the trivial "
        "generator.",
        definition="Mean AUC over five folds of gradient-boosted trees that see categories and "
        "missing values as such. Lopez-Paz & Oquab 2017; interval of LeDell et al. 2015, "
        "widened.",
        **_common(tables),
    )  # fmt: skip


def _taught(tables: Tables, target: Target) -> Figure:
    return Figure(
        name="transfer", title=f"Useful to predict {target.name} ({target.fake.measure})",
        **interval(target.fake.score), real=target.real.score.value,
        baseline=target.baseline.score.value, better="higher", page="transfer",
        words=f"Trees grown on generated rows predict {target.name} of real ones as well as this; "
        "grown on as many real rows, as well as real against real says.",
        definition=f"{target.fake.measure} on real rows that nobody was trained on. Train on "
        "synthetic, test on real: Esteban, Hyland & Rätsch 2017.",
        **_common(tables),
    )  # fmt: skip


def _evidence(tables: Tables, test: BoostedTest) -> Chart:
    order = np.argsort(-test.evidence, kind="stable")[:SHOWN]
    order = order[test.evidence[order] > 0]
    names = tuple(tables.reference.names[place] for place in order)
    return Chart(
        title="What gives the generated away", shape="bar",
        series=(
            Series(
                name="evidence lost", x=tuple(float(k) for k in range(len(order))),
                y=tuple(test.evidence[order].tolist()), kind="fake",
            ),
        ),
        names=names, x_label="column", y_label="share of the evidence",
        words="How much of the gap between the trees' mean verdicts on real and generated rows "
        "goes when a column is shuffled. Columns that tell the same share it.",
    )  # fmt: skip


def _table(targets: list[Target]) -> Table:
    return Table(
        title="What can be learned from generated rows",
        columns=("column", "measure", "from generated", "from real", "from shuffled columns"),
        rows=tuple(
            (
                one.name, one.fake.measure,
                *(f"{side.score.value:.3f}" for side in (one.fake, one.real, one.baseline)),
            )
            for one in targets
        ),
        words="Boosted trees that predict a column from all others, grown on each of the three, "
        "tested on real rows that none of them saw.",
    )  # fmt: skip


def _findings(tables: Tables, test: BoostedTest, targets: list[Target]) -> list[Finding]:
    found = []
    if test.auc.low > TOLD and test.p_value < SURE:
        easily = test.auc.low > EASILY
        worst = np.argsort(-test.evidence, kind="stable")[:3]
        names = ", ".join(tables.reference.names[place] for place in worst)
        found.append(
            Finding(
                kind="easily_told_by_trees" if easily else "told_by_trees",
                severity="warning", figure="boosted_auc",
                words="Boosted trees tell generated rows from real ones "
                f"{'nearly always' if easily else 'often'} (AUC {test.auc.value:.0%}), above all "
                f"by {names}.",
                advice="train longer; look at these columns below",
            )
        )  # fmt: skip
    for one in targets[:1]:
        learnable = one.real.score.low > one.baseline.score.high
        if learnable and one.fake.score.high < one.real.score.low and one.worth < USELESS:
            found.append(
                Finding(
                    kind="teaches_little", severity="warning", figure="transfer",
                    words=f"What is learned of {one.name} from generated rows is worth "
                    f"{max(one.worth, 0):.0%} of what real rows teach.",
                    advice="train longer: how columns hang together comes last",
                )
            )  # fmt: skip
    return found


def _words(tests: dict[str, BoostedTest]) -> str:
    test = tests["fake"]
    if test.p_value > CHANCE:
        return "Boosted trees that look at all columns do hardly better than guessing."
    how = "nearly always" if test.auc.value > EASILY else "often" if test.auc.value > TOLD else ""
    return (
        f"Boosted trees that look at all columns tell the rows {how or 'seldom'} (AUC "
        f"{test.auc.value:.0%}; shuffled columns {tests['baseline'].auc.value:.0%})."
    )
