"""Columns of text: identifiers, free text, or categories; free text is made anew of its words."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gantlet.modalities.tables.categories import CategoryColumn, fit_categories
from gantlet.modalities.tables.columns import Drawn, Seeds
from gantlet.modalities.tables.hashing import ODD, mixed, uniform
from gantlet.modalities.tables.identifiers import (
    FEWEST,
    OFTEN,
    PatternColumn,
    Renewed,
    absent,
    counts_of,
    patterns_of,
)

VOCABULARY = 5_000  # words kept, the most frequent
LOOKED_AT, COUNTED = 20_000, 1 << 20  # texts that are taken apart; cells that are counted
MOSTLY, OFTEN_ENOUGH = 0.8, 0.5  # share of distinct cells: of any text, of one of many words
SURE = 200  # rows from which mostly distinct cells of no few patterns are no categories
WORDS, NAMES = 3.0, 1.5  # words in a text on average, and in a name
LONGEST = 64  # characters of an identifier


@dataclass(frozen=True, eq=False)
class WordsColumn(Renewed):
    """Free text; decoded rows hold its frequent words, in lengths as they were, and no sense."""

    type: pa.DataType
    words: tuple[str, ...]
    shares: tuple[int, ...]
    lengths: tuple[int, ...]  # words of a text, at even quantiles
    between: str  # words
    rows: tuple[int, int]
    why: str

    kind = "free text"

    def join(self, drawn: Sequence[Drawn], seeds: Seeds) -> pa.Array:
        seed = mixed(seeds.hash ^ (seeds.number.astype(np.uint64) * ODD))
        lengths = np.array(self.lengths)[(uniform(seed, 1) * len(self.lengths)).astype(np.int64)]
        starts = np.append(0, np.cumsum(lengths))
        within = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
        draws = uniform(np.repeat(seed, lengths) + within.astype(np.uint64), 2)
        bounds = np.cumsum(self.shares)
        chosen = np.searchsorted(bounds, draws * bounds[-1], side="right")
        words = pa.array(self.words, pa.large_string()).take(pa.array(chosen))
        lists = pa.LargeListArray.from_arrays(starts, words)
        texts = pc.call_function("binary_join", [lists, pa.scalar(self.between, pa.large_string())])
        empty = absent(drawn[0], self.rows)
        return texts.take(pa.array(np.arange(len(texts)), mask=empty)) if empty.any() else texts

    def plain(self) -> dict[str, Any]:
        return {
            "words": list(self.words),
            "shares": list(self.shares),
            "lengths": list(self.lengths),
            "between": self.between,
            "rows": list(self.rows),
            "why": self.why,
        }


def words_column(kind: pa.DataType, plain: Mapping[str, Any]) -> WordsColumn:
    """The inverse of `WordsColumn.plain`."""
    absent_rows, present = plain["rows"]
    return WordsColumn(
        type=kind,
        words=tuple(plain["words"]),
        shares=tuple(plain["shares"]),
        lengths=tuple(plain["lengths"]),
        between=plain["between"],
        rows=(absent_rows, present),
        why=plain["why"],
    )


def fit_texts(cells: pa.Array) -> CategoryColumn | PatternColumn | WordsColumn:
    """What these texts or bytes are."""
    rows = counts_of(cells)
    if rows[1] < FEWEST:
        return fit_categories(cells)
    present = cells.drop_null() if rows[0] else cells
    rng = np.random.default_rng(0)
    if len(present) > COUNTED:
        present = present.take(pa.array(rng.integers(0, len(present), COUNTED)))
    share = len(present.unique()) / len(present)
    if share < OFTEN_ENOUGH:
        return fit_categories(cells)
    some = present
    if len(some) > LOOKED_AT:
        some = present.take(pa.array(np.sort(rng.permutation(len(present))[:LOOKED_AT])))
    told = f"{share:.0%} of the cells are distinct" if share < 1 else "every cell is distinct"
    return _made_anew(cells, some.to_pylist(), share, told) or fit_categories(cells)


def _made_anew(
    cells: pa.Array, some: Sequence[Any], share: float, told: str
) -> PatternColumn | WordsColumn | None:
    """The column as identifiers or free text; none where its cells are categories."""
    rows = counts_of(cells)
    if not pa.types.is_large_string(cells.type):
        texts = [content.decode("latin1") for content in some]
        if share < MOSTLY or rows[1] < SURE or max(map(len, texts)) > LONGEST:
            return None
        return _patterned(cells, texts, rows, f"{told}; fresh bytes are drawn")
    words = sum(len(text.split()) for text in some) / len(some)
    if words >= WORDS:
        return _worded(cells, some, rows, f"{told}, of {words:.1f} words")
    if share < MOSTLY:
        return None
    short = [text for text in some if len(text) <= LONGEST and text.isascii()]
    shapes = len({re.sub(r"[0-9A-Za-z]", "x", text) for text in some})
    is_patterned = share == 1 and shapes <= max(1, len(some) // FEWEST) and words < NAMES
    if len(short) == len(some) and (is_patterned or (rows[1] >= SURE and words < NAMES)):
        return _patterned(cells, short, rows, f"{told}, of {shapes:,} shapes; drawn anew")
    return _worded(cells, some, rows, told) if rows[1] >= SURE else None


def _patterned(
    cells: pa.Array, texts: Sequence[str], rows: tuple[int, int], why: str
) -> PatternColumn:
    found = patterns_of(texts, pa.types.is_large_string(cells.type))
    patterns, shares = zip(*found, strict=True)
    return PatternColumn(cells.type, patterns, shares, rows, why)


def _worded(cells: pa.Array, texts: Sequence[str], rows: tuple[int, int], why: str) -> WordsColumn:
    """Words, or characters where few words are frequent, that OFTEN rows share."""
    between, pieces = " ", [text.split() for text in texts]
    frequent = _frequent(pieces)
    if sum(n for _, n in frequent) < len(pieces):  # fewer than one a text
        between, pieces = "", [list(text) for text in texts]
        frequent = _frequent(pieces) or [("x", 1)]
    words, shares = zip(*frequent, strict=True)
    lengths = np.quantile([len(some) for some in pieces], np.linspace(0, 1, 101), method="nearest")
    return WordsColumn(
        type=cells.type,
        words=words,
        shares=shares,
        lengths=tuple(map(int, lengths)),
        between=between,
        rows=rows,
        why=f"{why}; made of its {len(words):,} most frequent {'words' if between else 'letters'}",
    )


def _frequent(pieces: Sequence[Sequence[str]]) -> list[tuple[str, int]]:
    """What is in at least OFTEN rows, and in how many."""
    in_rows = Counter(piece for some in pieces for piece in set(some))
    return [(piece, n) for piece, n in in_rows.most_common(VOCABULARY) if n >= OFTEN]
