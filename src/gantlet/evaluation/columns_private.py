"""Of rows with columns: what do they give away of those that were trained on?"""

from collections.abc import Generator
from typing import Any

from gantlet.evaluation.columns import Tables
from gantlet.evaluation.figures import Figure, Finding, Panel, Table
from gantlet.evaluation.judged import More, interval
from gantlet.metrics.privacy import FEWEST, Privacy, privacy
from gantlet.modalities.base import Progress

ROWS = 8  # pairs of columns whose rare combinations come back most often
SURE = 1e-4  # p-value below which chance is no explanation
NOTABLE = 0.02  # share beyond the hold-out's that is worth a word
PAGE = "what-rows-give-away"


def columns_private(tables: Tables) -> Generator[Progress, None, More]:
    """Copies, membership and rare combinations; nothing where no rows were held out."""
    if len(tables.held_out.values) < FEWEST:
        return More((), (), (), "")
    yield Progress(0, 0, "looking for rows and combinations that were trained on")
    found = privacy(
        tables.train.values, tables.held_out.values, tables.fake.values,
        tables.reference.is_categorical, tables.seed,
    )  # fmt: skip
    panels: tuple[Panel, ...] = (_pairs(tables, found),) if found.rare_pairs else ()
    return More(_figures(tables, found), panels, tuple(_findings(found)), _words(tables, found))


def _figures(tables: Tables, found: Privacy) -> tuple[Figure, ...]:
    common: dict[str, Any] = {
        "m": len(tables.train.values), "n": len(tables.fake.values), "unit": "%", "page": PAGE,
    }  # fmt: skip
    held = f"{len(tables.held_out.values):,} held-out rows"
    return (
        Figure(
            name="exact_rows", title="Rows equal to a training row", better="near",
            **interval(found.exact.fake), real=found.exact.real.value,
            words=f"{len(found.exact_rows):,} rows; real against real is what {held} share with "
            f"the training rows. p = {found.exact.p_value:.2g} that chance brings as many more.",
            definition="Share of generated rows that agree with a training row in every column "
            "but identifiers, missing values included.", **common,
        ),
        Figure(
            name="membership", title="Membership inference (AUC)", better="near",
            **interval(found.membership), real=0.5,
            words="How well it can be guessed from the generated rows alone who was trained on; "
            f"50 % is guessing, p = {found.membership_p_value:.2g}.",
            definition="AUC of the distance to the nearest generated row, training rows against "
            "held-out ones. Hayes et al. 2019; Chen et al. 2020.", **common,
        ),
        Figure(
            name="rare_combinations", title="Rare combinations that come back", better="near",
            **interval(found.rare.fake), real=found.rare.real.value,
            words="Of pairs of values in generated rows that at most two training rows hold, "
            f"those that one or two do hold. p = {found.rare.p_value:.2g} that chance brings as "
            "many more than in held-out rows.",
            definition="Σ pairs held by 1 or 2 training rows / Σ pairs held by at most 2, over "
            "all pairs of columns.", **common,
        ),
    )  # fmt: skip


def _pairs(tables: Tables, found: Privacy) -> Table:
    names = tables.reference.names
    return Table(
        title="Where rare combinations come back",
        columns=("column", "column", "generated", "held-out"),
        rows=tuple(
            (names[one.first], names[one.second], f"{one.fake:.2%}", f"{one.real:.2%}")
            for one in found.rare_pairs[:ROWS]
        ),
        words="Shares of rows whose two values occur together in one or two training rows.",
    )  # fmt: skip


def _findings(found: Privacy) -> list[Finding]:
    leaks = []
    exact, rare = found.exact, found.rare
    if exact.p_value < SURE and exact.fake.low > exact.real.value:
        leaks.append(
            Finding(
                kind="rows_copied", severity="fault", figure="exact_rows",
                words=f"{exact.fake.value:.1%} of the generated rows equal a training row "
                f"(held-out rows: {exact.real.value:.1%}).",
                advice="do not hand these rows on; leave the equal ones out, or end earlier",
            )
        )  # fmt: skip
    if found.membership_p_value < SURE and found.membership.low > 0.5 + NOTABLE:
        leaks.append(
            Finding(
                kind="membership_shows", severity="fault", figure="membership",
                words="Who was trained on can be guessed from the generated rows (AUC "
                f"{found.membership.value:.0%}).",
                advice="train on more rows, or end earlier",
            )
        )  # fmt: skip
    if rare.p_value < SURE and rare.fake.value > rare.real.value + NOTABLE:
        leaks.append(
            Finding(
                kind="rare_combinations_return", severity="warning", figure="rare_combinations",
                words="Rare combinations of training rows come back more often than chance has "
                f"it: {rare.fake.value:.0%} against {rare.real.value:.0%} in held-out rows.",
                advice="look at which columns; round or leave out those of unique values",
            )
        )  # fmt: skip
    return leaks


def _words(tables: Tables, found: Privacy) -> str:
    looked = f"Looked through were {len(tables.train.values):,} of {tables.trained:,} training rows"
    leaks = _findings(found)
    first = leaks[0].words if leaks else "No copies, members or rare combinations beyond chance."
    return f"{first} {looked}. Nothing found is no proof that nothing is given away."
