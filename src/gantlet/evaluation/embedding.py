"""A map of real and generated samples in the plane: principal components, then neighbours."""

import numpy as np
from jaxtyping import Float
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from gantlet.evaluation.figures import Dot, Map
from gantlet.evaluation.judged import evenly
from gantlet.evaluation.space import Space
from gantlet.evaluation.subject import Subject

DOTS = 400  # of each kind
COMPONENTS = 50
PERPLEXITY = 30.0
AS_THEY_ARE = "each where it is"
BY_NEIGHBOURS = (
    "placed so that neighbours in feature space stay neighbours (t-SNE from "
    f"{COMPONENTS} principal components; distances between far groups mean nothing)"
)


def joint_map(subject: Subject, space: Space) -> Map:
    """t-SNE (van der Maaten & Hinton 2008) of both sets at once, begun from their PCA."""
    count = min(DOTS, space.size)
    real, fake = evenly(space.size, count), evenly(len(space.fake), count)
    places = embedded(np.concatenate([space.reference[real], space.fake[fake]]), subject.seed)
    rows = [subject.rows[space.sides.reference[real]], subject.fake[fake]]
    labels = [_names(subject, space.sides.reference[real], "real"), ["generated"] * count]
    draw = subject.modality.thumbnail or (lambda _row: b"")
    dots = [
        Dot(x=float(x), y=float(y), kind=kind, words=words, picture=draw(row))
        for kind, part, words_of, points in zip(
            ("real", "fake"), rows, labels, (places[:count], places[count:]), strict=True
        )
        for row, words, (x, y) in zip(part, words_of, points, strict=True)
    ]
    return Map(
        title="Both distributions in one map", dots=tuple(dots),
        words=f"{count:,} real and {count:,} generated samples, "
        f"{AS_THEY_ARE if space.reference.shape[1] <= 2 else BY_NEIGHBOURS}. Where the colours "
        "mix, the generator makes what there is; real dots alone are what it misses, generated "
        "dots alone are what does not exist.",
    )  # fmt: skip


def embedded(features: Float[np.ndarray, "n d"], seed: int) -> Float[np.ndarray, "n 2"]:
    """Places in the plane."""
    if features.shape[1] <= 2:
        return np.asarray(features, dtype=np.float64)
    components = min(COMPONENTS, *features.shape)
    reduced = PCA(components, svd_solver="randomized", random_state=seed).fit_transform(features)
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    return TSNE(
        perplexity=perplexity, init="pca", max_iter=500, random_state=seed, n_jobs=1
    ).fit_transform(reduced)


def _names(subject: Subject, rows: np.ndarray, kind: str) -> list[str]:
    if subject.labels is None or not subject.classes:
        return [kind] * len(rows)
    return [f"{kind}: {subject.classes[label]}" for label in subject.labels[rows]]
