"""The kinds of columns by name, and which one a column is."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from gantlet.modalities.tables.categories import (
    CategoryColumn,
    category_column,
    fit_categories,
)
from gantlet.modalities.tables.identifiers import (
    PatternColumn,
    SequenceColumn,
    fit_sequence,
    pattern_column,
    sequence_column,
)
from gantlet.modalities.tables.number_fit import fit_floats, fit_integers
from gantlet.modalities.tables.numbers import NumberColumn, number_column
from gantlet.modalities.tables.relations import (
    FormulaColumn,
    LookupColumn,
    formula_column,
    lookup_column,
)
from gantlet.modalities.tables.texts import WordsColumn, fit_texts, words_column

Drawable = NumberColumn | CategoryColumn | SequenceColumn | PatternColumn | WordsColumn
Column = Drawable | LookupColumn | FormulaColumn  # the last two follow from other columns


class Kind(NamedTuple):
    """A kind of column, and how it is read from JSON for cells of a type."""

    type: type
    read: Callable[[pa.DataType, Mapping[str, Any]], Column]


KINDS = {
    "numbers": Kind(NumberColumn, number_column),
    "categories": Kind(CategoryColumn, category_column),
    "sequence": Kind(SequenceColumn, sequence_column),
    "pattern": Kind(PatternColumn, pattern_column),
    "words": Kind(WordsColumn, words_column),
    "lookup": Kind(LookupColumn, lookup_column),
    "formula": Kind(FormulaColumn, formula_column),
}


def fit_column(cells: pa.Array, most_knots: int) -> Drawable:
    """What these cells are."""
    kind = cells.type
    if cells.null_count < len(cells):
        if pa.types.is_floating(kind):
            return fit_floats(cells, most_knots)
        if pa.types.is_integer(kind):
            return fit_sequence(cells) or fit_integers(cells, most_knots) or fit_categories(cells)
        if pa.types.is_decimal(kind):
            return fit_integers(cells, most_knots) or fit_categories(cells)
        if pa.types.is_temporal(kind):
            return fit_integers(cells, most_knots, "stamp") or fit_categories(cells)
        if kind in (pa.large_string(), pa.large_binary()) or pa.types.is_fixed_size_binary(kind):
            return fit_texts(cells)
    return fit_categories(cells)
