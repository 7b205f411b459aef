"""What can be said of how a table is read; everything is found where nothing is said."""

from dataclasses import dataclass

from gantlet.config import setting


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """How tables are read. Those on delimiter, encoding and the like matter to texts only."""

    bad_share: float = setting(0.1, "share of the rows that may have a wrong number of cells")
    delimiter: str | None = setting(None, "what parts the cells; none: found")
    header: bool | None = setting(None, "the first row holds names; none: found")
    encoding: str | None = setting(None, "of the text, e.g. utf-8, latin-1; none: found")
    quote: str = setting('"', "what encloses cells that hold the delimiter; empty: nothing does")
    decimal: str | None = setting(
        None, "the decimal sign; none: found, column by column", one_of=(None, ".", ",")
    )
    day_first: bool | None = setting(
        None, "3/4/2020 is the third of April; none: found where a date shows it"
    )
    nulls: tuple[str, ...] = setting((), "texts that mean a missing value, besides the usual ones")
    cache: str | None = setting(None, "folder of large tables; none: the user's cache folder")
