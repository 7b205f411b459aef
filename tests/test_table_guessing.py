"""What a column of texts holds is told from all rows, and nothing of it is lost."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gantlet.modalities.tables.categories import fit_categories
from gantlet.modalities.tables.converting import as_brought, as_text, converted, decided_field
from gantlet.modalities.tables.guessing import Decision, Guess
from gantlet.modalities.tables.settings import TableSettings
from gantlet.modalities.tables.spelling import NULLS


def decided(*parts: list[str | None], delimiter: str | None = ";", **asked) -> Decision:
    guess = Guess(TableSettings(**asked), delimiter=delimiter)
    for _ in range(20):
        for part in parts:
            guess.see(pa.array(part, pa.string()))
        if not guess.again:
            return guess.decided()
        guess.restart()
    raise AssertionError("the guess never ends")


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "2", None], "int"),
        (["0", "-5", "9223372036854775807"], "int"),
        (["0", "18446744073709551615"], "uint"),
        (["1", "2.5", "1e5", "inf", "-0", "0.5"], "float"),
        (["1,5", "2", "-0,25"], "comma"),
        (["01234", "98765"], "text"),  # a ZIP code
        (["+49123456", "49123457"], "text"),  # a telephone
        (["18446744073709551617", "1"], "text"),
        (["9007199254740993", "1.5"], "text"),  # 2⁵³ + 1 is no float
        (["1e400"], "text"),
        (["1.5", "1,5"], "text"),
        (["true", "false", None], "boolean"),
        (["yes", "no"], "boolean"),
        (["True"], "boolean"),
        (["no", "no", "no"], "category"),
        (["a", "b", "a", "b", "a"], "category"),
        (["20200307", "20200308"], "date"),
        (["20200307", "20200399"], "int"),
        (["2020", "2021"], "int"),
        (["10:30", "23:59"], "date"),
        (["10:30", "24:59"], "text"),
        ([None, None], "empty"),
        (["?", " NA "], "empty"),
    ],
)
def test_kinds_are_the_narrowest_that_lose_nothing(texts, kind):
    assert decided(texts).kind == kind
    assert decided(*[[text] for text in texts]).kind == kind  # a row at a time


@pytest.mark.parametrize("null", NULLS)
def test_texts_for_a_missing_value_are_known_beside_numbers_dates_and_truths(null):
    for texts, kind in [(["1", "2"], "int"), (["1.5"], "float"), (["2020-01-02"], "date"),
                        (["yes", "no"], "boolean")]:  # fmt: skip
        found = decided([*texts, f" {null}"])
        assert found.kind == kind
        assert [text.strip() for text in found.nulls] == [null]


def test_in_a_column_of_texts_only_what_is_clearly_none_is_missing():
    assert decided(["a", "a", "a", " ?", "NA"]).nulls == (" ?", "NA")
    assert decided(["a", "a", "a", "None", "-"]).nulls == ()
    assert decided(["NA", "US", "NL", "NL", "NA", "US"]).nulls == ()  # Namibia
    assert decided(["1", "gone"], nulls=("gone",)).kind == "int"


def test_texts_of_a_frame_stay_texts_but_for_dates():
    assert decided(["1", "2", "NA"], delimiter=None).kind == "text"
    assert decided(["2020-01-01", "2020-01-02"], delimiter=None).kind == "date"


def test_commas_are_decimal_signs_only_where_they_part_no_cells():
    assert decided(["1,5", "2,5"], delimiter=",").kind == "text"
    assert decided(["1,5", "2,5"], delimiter=",", decimal=",").kind == "comma"
    assert decided(["1.5", "2.5"], decimal=",").kind == "text"


def test_all_rows_decide_between_day_and_month():
    assert decided(["3/4/2020"], ["5/13/2020"]).form == "%-m/%-d/%Y"
    assert decided(["3/4/2020"], ["13/5/2020"]).form == "%-d/%-m/%Y"
    both = decided(["3/4/2020"], ["5/6/2020"])
    assert (both.form, both.is_ambiguous) == ("%-m/%-d/%Y", True)
    told = decided(["3/4/2020"], ["5/6/2020"], day_first=True)
    assert (told.form, told.is_ambiguous) == ("%-d/%-m/%Y", False)


def test_a_format_that_fails_late_gives_way_to_one_that_fits_all():
    assert decided(["10/11/2020", "11/11/2020"], ["1/2/2020"], ["13/1/2020"]).form == "%-d/%-m/%Y"
    late = decided(["2020-01-01 10:00:00"], ["2020-01-01 11:00:00"], ["2020-01-01 9:00:00"])
    assert late.form == "%Y-%m-%d %-H:%M:%S"
    assert decided(["2020-01-01"], ["2020-01-02"], ["soon"]).kind == "text"


def test_a_number_that_turns_out_to_be_text_late_is_counted_from_the_first_row():
    assert decided(["1", "2"], ["1", "x"], ["2", "x"]).categories == ("1", "2", "x")


cells = st.one_of(
    st.none(),
    st.sampled_from(["yes", "no", "?", "NA", "01", "x, y", " ", "é", "2020-01-01", "1,5"]),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.dates().map(str),
    st.datetimes().map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=4),
)


@given(st.data())
def test_every_cell_comes_back_as_the_same_text_or_number(data):
    """Numbers may be spelled otherwise (1.50), blanks around them and other nulls go."""
    some = data.draw(st.lists(cells, min_size=1, max_size=3))
    texts = data.draw(st.lists(st.sampled_from(some), min_size=1, max_size=8))
    found = decided(texts, delimiter=",")
    values = converted(pa.array(texts, pa.string()), found)
    field = decided_field(pa.field("a", pa.string()), found, is_cells=True)
    assert values.type == field.type
    values.validate(full=True)
    for text, back in zip(texts, as_text(values, field).to_pylist(), strict=True):
        is_blank = text is not None and not text.strip() and found.kind not in ("text", "category")
        if text is None or is_blank or text in found.nulls or text.strip() in found.nulls:
            assert back is None
        elif found.kind == "float":
            assert float(back) == float(text)
        else:
            assert back == (text.strip() if found.has_blanks else text)


def test_categories_and_spelled_truths_are_brought_back_as_texts():
    texts = pa.array(["yes", "no", None, "yes"])
    found = decided(texts.to_pylist())
    field = decided_field(pa.field("a", pa.string()), found, is_cells=True)
    column = pa.chunked_array([converted(texts, found)])
    assert as_brought(column, field).to_pylist() == texts.to_pylist()


def test_what_keeps_numbers_from_being_numbers_is_named_and_only_that():
    numbers = [f"{number / 8}" for number in range(40)] * 10
    spoilt = fit_categories(pa.array([*numbers, "Low", "Low", "ERR"]))
    assert "numbers but for 'Low', 'ERR': if they stand for no value" in spoilt.why
    names = [f"{number}a" for number in range(40)]  # house numbers, say
    for texts in (numbers, names, [*numbers, *names]):
        assert "numbers but for" not in fit_categories(pa.array(texts)).why
