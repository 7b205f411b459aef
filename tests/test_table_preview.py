"""A table is shown as a picture of its first rows."""

import io

import numpy as np
import pandas as pd
from PIL import Image

from gantlet.modalities.tables.frames import records_of
from gantlet.modalities.tables.preview import row_thumbnail, table_preview

FRAME = pd.DataFrame(
    {"a": [1, 10**9] * 50, "b": ["x" * 500, None] * 50, "c": [0.1, np.nan] * 50, "日": [True] * 100}
)


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))


def test_a_preview_shows_no_more_than_fits_a_screen():
    preview = table_preview(records_of(FRAME))
    assert preview.media_type == "image/png"
    height, width = pixels(preview.content).shape
    assert height < 600
    assert width < 1000
    wide = table_preview(records_of(pd.DataFrame(np.ones((3, 1000)))))
    assert pixels(wide.content).shape[1] < 3000


def test_numbers_stand_to_the_right_and_texts_to_the_left():
    def ink(values):
        shown = pixels(table_preview(records_of(pd.DataFrame({"a name": values}))).content)
        return np.flatnonzero((shown[32:50] < 128).any(0))

    assert ink([1]).min() > ink(["1"]).max()


def test_missing_values_are_paler_than_those_that_are_there():
    def darkest(value):
        frame = pd.DataFrame({"a": pd.Series([value, "y"], dtype="str")})
        return int(pixels(table_preview(records_of(frame)).content)[32:50].min())

    assert darkest(None) > 100 > darkest("missing")


def test_a_thumbnail_shows_the_columns_of_one_row():
    few = pixels(row_thumbnail(records_of(FRAME.iloc[:1])))
    many = pixels(row_thumbnail(records_of(pd.DataFrame(np.ones((1, 500))))))
    assert few.shape[0] < many.shape[0] < 300
    assert few.shape[1] < 400
