"""View 4: is anything copied?  No hold-out, no verdict."""

import math
from collections.abc import Generator

from gantlet.evaluation.figures import Figure, Finding, Panel, Picture, Pictures, View
from gantlet.evaluation.judged import Judged, interval, picture_of
from gantlet.evaluation.space import Space
from gantlet.evaluation.subject import Subject
from gantlet.metrics.copying import Copying, Repeats, TooSmall, copying
from gantlet.metrics.copying import repeats as repeats_of
from gantlet.metrics.neighbours import Neighbours
from gantlet.modalities.base import Progress

QUESTION = "Is anything copied?"
SHOWN = 8  # suspicious samples, each beside its training row
SURE = 1e-4  # p-value below which chance is no explanation
REPEATED = 0.05  # share of the samples beyond real data's own, from which on it is worth a word
COPIED = 0.02  # the same of near copies

PARTS = (
    "whole parts of the data were kept from training: samples at levels that only the training "
    "rows have lie nearer to these by that alone, so that near copies alone count as copying"
)
COPIES = "do not hand these samples on as new; train on more data, or end earlier"


def copying_view(
    subject: Subject, space: Space, near: Neighbours | None = None
) -> Generator[Progress, None, Judged]:
    """Near-copies of training rows, and of one another, held against rows kept from training.

    Args:
        near: how the generated and the reference interleave, where it is known.
    """
    yield Progress(0, 0, "looking for copies of training rows")
    own = None if near is None else near.own
    found = copying(space.train, space.held_out, space.fake, subject.seed, own_of_fake=own)
    if isinstance(found, TooSmall):
        told = repeats_of(space.train, space.fake, own=(None, own))
        return _no_verdict(space, found, _repeats(space, told))
    repeated = _repeats(space, found.repeats)
    by_parts = subject.split.by_parts
    figures = [*_figures(space, found, by_parts), repeated]
    view = View(
        name="copying", question=QUESTION, answer=_answer(subject, space, found),
        figures=tuple(figures), panels=(_suspects(subject, space, found),),
    )  # fmt: skip
    copies = _copies(found, by_parts)
    blind = [] if copies else _blind(space, found)
    return Judged(view, (*copies, *blind, *_repeated(repeated)))


def _no_verdict(space: Space, why: TooSmall, repeated: Figure) -> Judged:
    answer = f"No verdict: {why}. Without rows that the generator never saw, nearness to the "
    answer += "training rows cannot be told from chance. "
    answer += (
        "Train with keeping.hold_out=0.1, which is the default, and evaluate again; for samples "
        "of others, give --held-out DATA."
    )
    finding = Finding(
        kind="no_hold_out", severity="warning", words=f"Copying cannot be judged: {why}.",
        advice="keep more rows from training, or bring real data with --held-out",
    )  # fmt: skip
    view = View(name="copying", question=QUESTION, answer=answer, figures=(repeated,))
    return Judged(view, (finding, *_repeated(repeated)))


def _figures(space: Space, found: Copying, by_parts: bool) -> list[Figure]:
    common = {"m": len(space.train), "n": space.size, "space": space.label}
    c_t = found.c_t
    few = () if c_t.cells else ("too few rows of both kinds in every cell: no value",)
    parts = (PARTS,) if by_parts else ()
    return [
        Figure(
            name="copying_test", title="Copying test C_T", value=c_t.value,
            low=c_t.value - 1.96 * c_t.error, high=c_t.value + 1.96 * c_t.error, error=c_t.error,
            real=0.0, better="near", warnings=(*few, *parts),
            words=f"About 0 where nothing is copied, far below where it is; p = {c_t.p_value:.2g} "
            f"that chance brings one as low, over {c_t.cells} cells.",
            definition="Mean over cells of Mann and Whitney's z of the distances to training "
            "rows, generated against held-out. Meehan, Chaudhuri & Dasgupta 2020.",
            page="copying-test", **common,
        ),
        Figure(
            name="closer_to_train", title="Closer to training rows", unit="%", better="near",
            **interval(found.closer), real=0.5, warnings=parts,
            words="Generated samples nearer to training rows than to as many held-out ones; 50 % "
            f"by chance, p = {found.closer_p_value:.2g}.",
            definition="Share of samples whose nearest neighbour is a training row, of equally "
            "many training and held-out rows.",
            page="closer-to-train", **common,
        ),
        Figure(
            name="authenticity", title="Authenticity", unit="%", better="near",
            **interval(found.authenticity), real=found.authenticity_real.value,
            words="Samples no nearer to a training row than its own nearest neighbour is. Only "
            "what held-out rows score tells what is usual in this space.",
            definition="Share of samples with d(x, nearest training row) > that row's own nearest "
            "distance. Alaa et al. 2022; calibrated by held-out rows.",
            page="authenticity", **common,
        ),
        Figure(
            name="near_copies", title="Near copies of training rows", unit="%", better="lower",
            **interval(found.near), real=found.near_real,
            words=f"Nearer than all but 1 % of held-out rows; {found.exact:,} are exact copies. "
            f"p = {found.near_p_value:.2g} by chance.",
            definition="Share of samples whose distance to the nearest training row, over that "
            "row's own nearest distance, is below the held-out rows' 1 % quantile.",
            page="duplicates", **common,
        ),
    ]  # fmt: skip


def _blind(space: Space, found: Copying) -> list[Finding]:
    """A warning where the hold-out would not show a tenth of copies."""
    held = len(space.held_out)
    if held >= found.needed > 0:
        return []
    return [
        Finding(
            kind="small_hold_out", severity="warning", figure="near_copies",
            words=f"{held:,} held-out rows against {space.size:,} samples may miss a tenth of "
            "copies: that nothing was found is weak comfort.",
            advice="keep more rows from training, or bring real data with --held-out",
        )
    ]  # fmt: skip


def _repeats(space: Space, told: Repeats) -> Figure:
    return Figure(
        name="repeats", title="Repeats among the samples", unit="%", value=told.near,
        real=told.near_real, m=len(space.train), n=space.size, better="near", space=space.label,
        words=f"Samples with a near twin among the samples; {told.exact:.1%} have an exact one "
        f"(real rows: {told.exact_real:.1%}).",
        definition="Share of samples nearer to another sample than all but 1 % of the training "
        "rows are to one another, at equal sizes.",
        page="duplicates",
    )  # fmt: skip


def _is_nearer(found: Copying) -> bool:
    """Whether samples lie nearer to the training rows than held-out ones, by both tests."""
    return found.c_t.p_value < SURE and found.closer_p_value < SURE


def _copies(found: Copying, by_parts: bool) -> list[Finding]:
    """A finding where near copies, or the copying test, cannot be chance."""
    near = found.near_p_value < SURE and found.near.low > found.near_real + COPIED
    if not near and (by_parts or not _is_nearer(found)):
        return []
    words = (
        f"{found.near.value:.0%} of the samples are near copies of training rows (held-out rows: "
        f"{found.near_real:.0%})."
        if near
        else "Samples lie nearer to the training rows than data that were kept from training."
    )
    figure = "near_copies" if near else "copying_test"
    return [Finding(kind="copies", severity="fault", words=words, advice=COPIES, figure=figure)]


def _repeated(figure: Figure) -> list[Finding]:
    beyond = figure.value - figure.real
    error = math.sqrt(max(figure.real, 0.01) / figure.n)
    if beyond < REPEATED or beyond < 6 * error:
        return []
    return [
        Finding(
            kind="repeats", severity="fault", figure="repeats",
            words=f"The generator repeats itself: {figure.value:.0%} of the samples have a near "
            f"twin among the samples (real rows: {figure.real:.0%}).",
            advice="it has lost variety: use r1 and r2, raise objective.gamma, or train anew",
        )
    ]  # fmt: skip


def _suspects(subject: Subject, space: Space, found: Copying) -> Panel:
    rows: list[tuple[Picture, ...]] = []
    for suspect in found.suspects(SHOWN):
        place = space.train_rows[suspect.train : suspect.train + 1]
        made = subject.fake[suspect.fake : suspect.fake + 1]
        words = (
            f"generated; {suspect.as_near:.1%} of held-out rows come as near",
            f"training row, at {suspect.ratio:.2g} of its distance to the next one",
        )
        pictures = made, subject.rows[place]
        rows.append(
            tuple(picture_of(subject.modality, *pair) for pair in zip(pictures, words, strict=True))
        )
    return Pictures(
        title="The most suspicious samples beside their nearest training rows", rows=tuple(rows),
        words="Left generated, right the training row nearest to it. Likeness alone is no copy: "
        "held-out rows have neighbours too.",
    )  # fmt: skip


def _answer(subject: Subject, space: Space, found: Copying) -> str:
    by_parts = subject.split.by_parts
    copies = _copies(found, by_parts)
    compared = f"Compared with {len(space.train):,} of {len(subject.split.train):,} training rows"
    held = f"and {len(space.held_out):,} that were kept from training"
    if copies:
        return f"Yes. {copies[0].words} {compared} {held}."
    if by_parts and _is_nearer(found):
        return (
            "No near copies. Samples lie nearer to the training rows than what was kept from "
            f"training, but that is whole parts of the data. {compared} {held}."
        )
    return (
        f"Nothing points to it: samples are no nearer to the training rows than unseen data are. "
        f"{compared} {held}."
    )
