"""Settings of the family for series."""

from dataclasses import dataclass

from gantlet.config import ConfigError, setting


@dataclass(frozen=True, kw_only=True)
class CourseSettings:
    """Sizes of both players."""

    memory: int = setting(96, "numbers in which G remembers the steps before")
    width: int = setting(128, "units in each hidden layer of a step of G")
    normals: int = setting(6, "normals in the mixture that each value is drawn from")
    dropout: float = setting(
        0.3, "share left out as G learns by likelihood: of hidden units, of what earlier steps tell"
    )
    forget: float = setting(
        0.5, "share of series of which G is not told what they hold as it learns by likelihood"
    )
    width_D: int = setting(64, "channels of D")

    def __post_init__(self) -> None:
        for name in ("dropout", "forget"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"network.options.{name} = {getattr(self, name)}: 0 ≤ share < 1")
