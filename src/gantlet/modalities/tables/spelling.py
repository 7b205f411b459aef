"""How missing values and truths are spelled in texts."""

from collections import Counter
from collections.abc import Collection

import pyarrow as pa

from gantlet.modalities.tables.kernels import pc

# A missing value, also in a column of texts; and those that are so only beside other types.
TEXT_NULLS = ("?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "<NA>", "NaT")
NULLS = (*TEXT_NULLS, "None", "none", "NONE", "Null", "-", "--", ".")
BOOLEANS = (
    ("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("yes", "no"), ("Yes", "No"),
    ("YES", "NO"), ("y", "n"), ("Y", "N"), ("t", "f"), ("T", "F"),
)  # fmt: skip
SURE = 3  # of these pairs are truths also where only one of the two occurs


def trimmed(texts: pa.Array) -> pa.Array:
    """Without blanks around; what is empty then is none."""
    bare = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare)


def without(texts: pa.Array, nulls: Collection[str]) -> pa.Array:
    """The texts, with none in the place of these."""
    if not nulls:
        return texts
    is_null = pc.is_in(texts, value_set=pa.array(list(nulls), pa.string()))
    return pc.if_else(is_null, pa.scalar(None, pa.string()), texts)


def counted(texts: pa.Array, some: Collection[str]) -> Counter[str]:
    """How often these occur."""
    if not some:
        return Counter()
    found = texts.filter(pc.is_in(texts, value_set=pa.array(list(some), pa.string())))
    return Counter({pair["values"]: pair["counts"] for pair in pc.value_counts(found).to_pylist()})
