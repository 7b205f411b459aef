"""What kind of values a column of texts holds, told from all of its rows.

Numbers are tried first. Rows come in parts, and what numbers do not need is not kept of them: a
column that turns out to be text late has to be seen once more.
"""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from gantlet.modalities.tables.number_guess import NumberGuess
from gantlet.modalities.tables.settings import TableSettings
from gantlet.modalities.tables.text_guess import TextGuess

Kind = Literal["empty", "boolean", "int", "uint", "float", "comma", "date", "category", "text"]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a column of texts is, and how it is spelled."""

    kind: Kind
    nulls: tuple[str, ...] = ()  # the texts of missing values, the most frequent first
    has_blanks: bool = False  # around numbers
    form: str = ""  # of dates
    is_ambiguous: bool = False  # the day may be the month
    spelling: tuple[str, str] = ("", "")  # of true and false
    categories: tuple[str, ...] = ()


class Guess:
    """What one column may still be after the rows seen so far."""

    def __init__(self, settings: TableSettings, *, delimiter: str | None = None) -> None:
        """
        Args:
            delimiter: what parts the cells; none: these are texts for sure, whatever they say.
        """
        self._texts = TextGuess(settings, is_cells=delimiter is not None)
        self._numbers = NumberGuess(settings, delimiter) if delimiter is not None else None
        self._rows = 0
        self.again = False  # the rows seen so far have to be seen once more, after `restart`

    def see(self, texts: pa.Array) -> None:
        """More rows."""
        if self._numbers is not None and not self._numbers.see(texts):
            self._numbers = None
            self.again = self._rows > 0
        if self._numbers is None and not self.again:
            self.again = not self._texts.see(texts)
        self._rows += len(texts)

    def restart(self) -> None:
        """All rows will be seen anew."""
        self.again = False
        self._rows = 0
        self._texts.restart()

    def decided(self) -> Decision:
        """What the column is, all rows seen."""
        assert not self.again, "the rows have to be seen once more"
        if self._numbers is not None:
            return Decision(**self._numbers.decided())
        return Decision(**self._texts.decided())
