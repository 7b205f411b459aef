"""Whether texts are dates, truths, categories, or just texts."""

import re
from collections import Counter
from typing import Any

import pyarrow as pa

from gantlet.modalities.tables.date_formats import candidates
from gantlet.modalities.tables.dates import is_day_first, parsed
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.settings import TableSettings
from gantlet.modalities.tables.spelling import BOOLEANS, NULLS, SURE, TEXT_NULLS, counted

MOST_CATEGORIES = 100_000  # different texts that are kept as categories


class TextGuess:
    """What texts may still be after those seen so far."""

    def __init__(self, settings: TableSettings, *, is_cells: bool) -> None:
        """
        Args:
            is_cells: missing values and truths are spelled as texts here, too.
        """
        self._is_cells = is_cells
        self._sure_nulls = {*TEXT_NULLS, *settings.nulls} if is_cells else set[str]()
        self._possible_nulls = {*NULLS, *settings.nulls} if is_cells else set[str]()
        self._day_first = settings.day_first
        self._forms: list[str] | None = None  # that fit; none: no text seen yet
        self.restart()

    def restart(self) -> None:
        """All texts will be seen anew; the formats that did not fit are known."""
        self._values = 0
        self._nulls: Counter[str] = Counter()
        self._texts: set[str] | None = set()  # without those that may mean none; None: too many

    def see(self, texts: pa.Array) -> bool:
        """More texts. False: the earlier ones have to be seen anew."""
        different = pc.unique(texts).drop_null()
        nulls = self._null_texts(different)
        self._nulls.update(counted(texts, nulls))
        if nulls:
            known = pc.is_in(different, value_set=pa.array(nulls, pa.string()))
            different = different.filter(pc.invert(known))
        is_first = self._values == 0
        self._values += len(texts) - texts.null_count
        if self._texts is not None:
            self._texts.update(different.to_pylist())
            if len(self._texts) > MOST_CATEGORIES:
                self._texts = None
        return self._dates(different, is_first)

    def decided(self) -> dict[str, Any]:
        """What `Decision` takes."""
        nulls = [text for text, _ in self._nulls.most_common()]
        if self._texts is not None and not self._texts and self._is_cells:
            return {"kind": "empty", "nulls": tuple(nulls)}
        if self._forms:
            return {"kind": "date", "nulls": tuple(nulls), **self._decided_form(self._forms)}
        pair = self._truths()
        if pair:
            return {"kind": "boolean", "nulls": tuple(nulls), "spelling": pair}
        sure = [text for text in nulls if text.strip() in self._sure_nulls]
        if self._texts is not None and self._texts and all(map(_is_code, self._texts)):
            sure = [text for text in sure if text != "NA"]  # Namibia
        found = {"nulls": tuple(sure)}
        if not self._texts or len(self._texts) > self._values / 2:
            return {"kind": "text", **found}
        texts = self._texts | (set(nulls) - set(sure))
        return {"kind": "category", "categories": tuple(sorted(texts)), **found}

    def _null_texts(self, different: pa.Array) -> list[str]:
        """Those of these that may mean a missing value, blanks around them or not."""
        if not self._possible_nulls:
            return []
        short = different.filter(pc.less_equal(pc.utf8_length(different), self._longest_null()))
        return [text for text in short.to_pylist() if text.strip() in self._possible_nulls]

    def _longest_null(self) -> int:
        return 2 + max(map(len, self._possible_nulls))  # a blank on either side

    def _dates(self, different: pa.Array, is_first: bool) -> bool:
        if not len(different) or self._forms == []:
            return True
        if self._forms is None:
            self._forms = candidates(different[0].as_py())
        if is_first:
            self._forms = [form for form in self._forms if parsed(different, form) is not None]
            return True
        # Only what would be chosen is tried, with the day and the month either way: if it fails,
        # the others have to prove themselves on the earlier texts as well.
        tried = self._leading(self._forms)
        failed = {form for form in tried if parsed(different, form) is None}
        self._forms = [form for form in self._forms if form not in failed]
        return not self._forms or len(failed) < len(tried)

    def _leading(self, forms: list[str]) -> list[str]:
        order = is_day_first(forms[0])
        other = next((form for form in forms if is_day_first(form) not in (order, None)), None)
        return forms[:1] if order is None or other is None else [forms[0], other]

    def _decided_form(self, forms: list[str]) -> dict[str, Any]:
        leading = self._leading(forms)
        if len(leading) == 1:
            return {"form": forms[0]}
        wanted = [form for form in leading if is_day_first(form) is self._day_first]
        return {"form": (wanted or leading)[0], "is_ambiguous": self._day_first is None}

    def _truths(self) -> tuple[str, str] | None:
        if not self._is_cells or not self._texts:
            return None
        for place, pair in enumerate(BOOLEANS):
            if self._texts == set(pair) or (place < SURE and self._texts < set(pair)):
                return pair
        return None


def _is_code(text: str) -> bool:
    return re.fullmatch("[A-Z]{2}", text) is not None
