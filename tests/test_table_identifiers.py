"""Identifiers and free text: found, left out of the model, and made anew."""

import re
import uuid

import numpy as np
import pyarrow as pa
import pytest

from gantlet.modalities.tables.codec import Coded, fit_table
from gantlet.modalities.tables.records import Records

ROWS = 500
WORDS = [
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "the",
    "lazy",
    "dog",
    "and",
    "comes",
    "home",
]


def made_anew(cells: pa.Array, rows: int = 3_000, first: int = 0) -> tuple[str, pa.ChunkedArray]:
    """The kind of a column, and what is decoded for it beside a column of two categories."""
    table = pa.table({"k": np.arange(len(cells)) % 2, "c": cells})
    codec = fit_table(Records(table))
    coded = codec.coded(Records(table))
    picked = np.random.default_rng(1).integers(0, len(cells), rows)
    some = Coded(coded.codes[picked], coded.positions[picked])
    return codec.columns[1].kind, codec.decode_codes(some.codes, some.positions, first).table[1]


@pytest.mark.parametrize(
    ("step", "shuffled"), [(1, False), (1, True), (7, False), (-3, False), (1_000, True)]
)
def test_a_sequence_goes_on_beyond_its_last(step: int, shuffled: bool):
    values = 100 + step * np.arange(ROWS)
    order = np.random.default_rng(0).permutation(ROWS) if shuffled else np.arange(ROWS)
    kind, made = made_anew(pa.array(values[order]))
    assert kind == "identifier"
    assert made.to_pylist() == (values[-1] + step * np.arange(1, 3_001)).tolist()


def test_rows_decoded_in_parts_have_identifiers_of_their_own():
    _, once = made_anew(pa.array(np.arange(ROWS)), 100, first=0)
    _, then = made_anew(pa.array(np.arange(ROWS)), 100, first=100)
    assert then.to_pylist()[0] == once.to_pylist()[-1] + 1


def test_distinct_integers_at_uneven_steps_are_numbers():
    kind, _ = made_anew(pa.array(np.arange(ROWS) ** 2))
    assert kind == "number"


def test_uuids_are_fresh_and_keep_their_form():
    rng = np.random.default_rng(0)
    known = [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(ROWS)]
    kind, made = made_anew(pa.array(known))
    assert kind == "identifier"
    assert len(made.unique()) == len(made)
    assert not set(made.to_pylist()) & set(known)
    assert {uuid.UUID(text).version for text in made.to_pylist()} == {4}


def test_numbered_names_are_unique_as_far_as_their_digits_go():
    kind, made = made_anew(pa.array([f"user_{n:04d}" for n in np.arange(ROWS) * 17]))
    assert kind == "identifier"
    assert len(made.unique()) == len(made)
    assert all(re.fullmatch(r"user_\d{4}", text) for text in made.to_pylist())


def test_no_text_of_one_row_comes_back_as_an_identifier():
    rng = np.random.default_rng(0)
    known = ["".join(rng.choice(list("abcdefghij"), rng.integers(4, 12))) for _ in range(ROWS)]
    assert len(set(known)) == ROWS
    _, made = made_anew(pa.array(known))
    assert len(set(made.to_pylist()) & set(known)) < 0.01 * len(made)


def test_bytes_that_are_all_distinct_are_drawn_anew_in_their_length():
    rng = np.random.default_rng(0)
    kind, made = made_anew(pa.array([rng.bytes(16) for _ in range(ROWS)], pa.binary(16)))
    assert kind == "identifier"
    assert made.type == pa.binary(16)
    assert len(made.unique()) == len(made)


def test_free_text_is_made_of_its_frequent_words_and_keeps_lengths_and_nulls():
    rng = np.random.default_rng(0)
    known = [" ".join(rng.choice(WORDS, rng.integers(3, 12))) for _ in range(ROWS)]
    known[7] = "Mr Secret lives here at number nine"
    cells = pa.array([None if n % 5 == 0 else text for n, text in enumerate(known)])
    kind, made = made_anew(cells, 10_000)
    texts = [text for text in made.to_pylist() if text is not None]
    assert kind == "free text"
    assert set(" ".join(texts).split()) == set(WORDS)
    assert made.null_count / len(made) == pytest.approx(0.2, abs=0.02)
    lengths, real = [len(text.split()) for text in texts], [len(t.split()) for t in known]
    assert np.mean(lengths) == pytest.approx(np.mean(real), abs=0.2)


def test_nulls_of_free_text_come_back_where_they_were():
    rng = np.random.default_rng(0)
    known = [" ".join(rng.choice(WORDS, 9)) if n % 3 else None for n in range(ROWS)]
    table = pa.table({"t": known})
    codec = fit_table(Records(table))
    assert codec.blocks == (2,)
    back = codec.decode(codec.encode(Records(table))).table
    assert back["t"].is_null().equals(table["t"].is_null())


@pytest.mark.parametrize("rows", [3, 19])
def test_few_distinct_texts_are_categories(rows: int):
    kind, _ = made_anew(pa.array([f"id-{n:03d}" for n in range(rows)]), 5)
    assert kind == "category"


def test_decoding_is_a_function_of_the_sample_alone():
    cells = pa.array([f"{n:08x}-{n * 7919 % 9973:05d}" for n in range(ROWS)])
    assert made_anew(cells)[1].equals(made_anew(cells)[1])
