"""What was found in the columns, a sentence each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from gantlet.modalities.tables.guessing import Decision

NAMED = 4  # columns; of more only the number is told


def column_notes(schema: pa.Schema, decisions: Mapping[int, Any]) -> tuple[str, ...]:
    """Missing values, dates, truths and decimals: how they are spelled, and in which columns."""
    nulls, truths, forms = defaultdict(list), defaultdict(list), defaultdict(list)
    commas: list[str] = []
    for index, found in decisions.items():
        if not isinstance(found, Decision):
            continue
        name = schema.names[index]
        if found.nulls:
            nulls[", ".join(f"'{text}'" for text in found.nulls)].append(name)
        if found.kind == "boolean":
            truths[" and ".join(found.spelling)].append(name)
        if found.kind == "date":
            forms[found.form, found.is_ambiguous].append(name)
        if found.kind == "comma":
            commas.append(name)
    return (
        *(
            f"Missing values are spelled {text} in {listed(names)}."
            for text, names in nulls.items()
        ),
        *(f"{text} are truths in {listed(names)}." for text, names in truths.items()),
        *(f"Commas are decimal signs in {listed(names)}." for names in [commas] if names),
        *(_date_note(form, doubt, names) for (form, doubt), names in forms.items()),
    )


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    if len(names) > NAMED:
        return f"{len(names)} columns"
    return ", ".join(f"'{name}'" for name in names)


def _date_note(form: str, is_ambiguous: bool, names: Sequence[str]) -> str:
    note = f"Dates or times are written {form} in {listed(names)}."
    if not is_ambiguous:
        return note
    settled = "--set data.day_first=true (or false) settles it"
    return f"{note} No row tells the day from the month; {settled}."
