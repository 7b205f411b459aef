"""What can be said of how series are read, besides what can be said of a table."""

from dataclasses import dataclass

from gantlet.config import ConfigError, setting
from gantlet.modalities.tables.settings import TableSettings


@dataclass(frozen=True, kw_only=True)
class SeriesSettings(TableSettings):
    """How series are read; what is not said is found."""

    time: str | None = setting(
        None,
        "column of the time, or its parts (year,month); none: the only one of dates, or so named",
    )
    entity: str | None = setting(None, "column that tells whose row it is; none: found, or one")
    wide: bool | None = setting(
        None, "each row is a series and columns are its steps; none: if they are named after times"
    )
    length: int | None = setting(
        None, "steps of a sample; none: the longest series where they are many and short, else 24"
    )
    stride: int = setting(1, "steps between the beginnings of windows cut from a long record")

    def __post_init__(self) -> None:
        if self.length is not None and self.length < 2:
            raise ConfigError(f"data.length = {self.length}: a series has at least 2 steps")
        if self.stride < 1:
            raise ConfigError(f"data.stride = {self.stride}: windows begin at least 1 step apart")
