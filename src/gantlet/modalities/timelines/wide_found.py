"""Whether a table is wide: which of its columns are steps, told by their names."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables.date_formats import candidates
from gantlet.modalities.tables.dates import MONTHS as MONTH_NAMES
from gantlet.modalities.tables.dates import parsed
from gantlet.modalities.tables.marks import DTYPE, as_json, marked
from gantlet.modalities.tables.records import Form, Records
from gantlet.modalities.timelines.days import units_of_day
from gantlet.modalities.timelines.settings import SeriesSettings
from gantlet.modalities.timelines.wide import Wide, unused

FEWEST = 2  # columns that are steps
DATED = 8  # columns named after times, more than half of all, from which on they are the steps
NUMBERED = re.compile(r"(.*?)[ _.:-]?([0-9]{1,9})")  # h_0, sold.12
YEAR = re.compile("(1[89]|20)[0-9]{2}")
DATE, YEARS, MONTH, STEP, VALUE = (
    "date",
    "year",
    "month",
    "step",
    "value",
)  # columns of the long table


class Steps(NamedTuple):
    """Columns that are steps, in order."""

    time: str  # what their names tell
    stamps: pa.Array
    channels: Mapping[str, tuple[str, ...]]
    format: str | None = None


def found_wide(records: Records, settings: SeriesSettings) -> Wide | None:
    """Which columns are steps, if they were said to be or most are named after times.

    Raises:
        SourceError: they were said to be, and none are; or a column holds the time besides.
    """
    table = records.table
    names = table.column_names
    if settings.wide is False or (settings.time in names and not settings.wide):
        return None
    if settings.time in names:
        raise SourceError(
            f"--wide and --time {settings.time}: in a wide table the names of columns tell the "
            "time; leave out one of the two"
        )
    dated = [steps for steps in (_dated(names), _years(names)) if steps is not None]
    clear = [steps for steps in dated if DATED <= len(steps.stamps) > len(names) / 2]
    if not settings.wide and not clear:
        return None
    told = (*dated, _months(names), _numbered(names))
    found = clear or [steps for steps in told if steps is not None]
    if not found:
        raise SourceError(
            "--wide: no columns are steps of one thing by their names, dates (2021-01-31), months "
            f"(Jan) or numbers (sold_1, sold_2); there are: {', '.join(names[:20])}"
        )
    steps = max(found, key=lambda one: len(one.stamps))
    known = {step for columns in steps.channels.values() for step in columns}
    kept = [name for name in names if name not in known]
    channels = {unused(name, kept): columns for name, columns in steps.channels.items()}
    time = unused(settings.time or steps.time, [*kept, *channels])
    fields = [_typed(field, records.form) for field in table.schema]
    schema, stamps, form = pa.schema(fields, table.schema.metadata), steps.stamps, steps.format
    if records.form == "pandas" and form is not None:  # which has stamps, and no formats
        stamps, form = stamps.cast(pa.timestamp("ns")), None
    return Wide(records.form, schema, time, stamps, form, channels)


def _typed(field: pa.Field, form: Form) -> pa.Field:
    """The same, of a type that takes numbers where the column is empty."""
    if not pa.types.is_null(field.type):
        return field
    dtype = {DTYPE: as_json("float64")} if form == "pandas" else {}
    return marked(field.with_type(pa.float64()), dtype)


def may_be_wide(table: pa.Table) -> str:
    """A sentence where most columns are numbered after one name; nothing where they are not."""
    steps = _numbered(table.column_names)
    if steps is None:
        return ""
    columns = next(iter(steps.channels.values()))
    if not DATED <= len(columns) * len(steps.channels) > table.num_columns / 2:
        return ""
    return f"If '{columns[0]}' to '{columns[-1]}' are steps, each row being a series, say --wide."


def _dated(names: Sequence[str]) -> Steps | None:
    """Columns named after dates or times of day, all written alike."""
    forms = {name: candidates(name) for name in names}
    counts = Counter(form for own in forms.values() for form in own)
    if not counts:
        return None
    form = max(counts, key=lambda one: counts[one])
    own = [name for name in names if form in forms[name]]
    stamps = parsed(pa.array(own), form)
    if stamps is None or len(own) < FEWEST or len(stamps.unique()) < len(own):
        return None
    order = np.argsort(stamps.to_numpy(zero_copy_only=False), kind="stable")
    channels = {VALUE: tuple(own[i] for i in order)}
    if units_of_day(stamps.type):
        return Steps(DATE, stamps.take(pa.array(order)), channels, form)
    return Steps(STEP, pa.array(np.arange(len(own))), channels)  # of a day that has no date


def _years(names: Sequence[str]) -> Steps | None:
    years = sorted(name for name in names if YEAR.fullmatch(name))
    if len(years) < FEWEST:
        return None
    return Steps(YEARS, pa.array([int(year) for year in years]), {VALUE: tuple(years)})


def _months(names: Sequence[str]) -> Steps | None:
    """Columns named after the months, in full or by three letters."""
    places = {form.lower(): i for i, month in enumerate(MONTH_NAMES) for form in (month, month[:3])}
    own = {places[name.lower()]: name for name in names if name.lower() in places}
    if len(own) < FEWEST:
        return None
    steps = sorted(own)
    return Steps(
        MONTH, pa.array([step + 1 for step in steps]), {VALUE: tuple(own[step] for step in steps)}
    )


def _numbered(names: Sequence[str]) -> Steps | None:
    """Columns numbered after one name each, all of those names that have the same numbers."""
    numbers: dict[str, dict[int, str]] = {}
    for name in names:
        match = NUMBERED.fullmatch(name)
        if match is not None:
            numbers.setdefault(match[1], {}).setdefault(int(match[2]), name)
    if not numbers:
        return None
    steps = sorted(max(numbers.values(), key=len))
    if len(steps) < FEWEST:
        return None
    channels = {
        stub or VALUE: tuple(own[step] for step in steps)
        for stub, own in numbers.items()
        if sorted(own) == steps
    }
    return Steps(STEP, pa.array(steps), channels)
