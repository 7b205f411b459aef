"""Differential privacy as it is asked for, and what noise it takes, told by Opacus.

All accounting is the library's: the privacy random variables of Gopi, Lee & Wutschitz 2021,
*Numerical composition of differential privacy*, an upper bound on ε for one row more or less.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from gantlet.config import ConfigError, setting

ACCOUNTANT = "prv"  # as the library names it
ERROR = 0.005  # of its ε, which is never too small
COUNTED = 0.1  # share of the budget that goes to the sums that G sets out from
FINE = 5e-3  # share of ε that may be left over
TRIES = 30

History = list[tuple[float, float, int]]  # (noise, rate, how often), as the library takes them


@dataclass(frozen=True, kw_only=True)
class PrivacySettings:
    """How little one row may matter to what is learned; without an ε nothing is promised."""

    epsilon: float | None = setting(
        None, "ε: how much likelier one row may make anything, as a logarithm; none: no privacy"
    )
    delta: float | None = setting(
        None, "δ: the chance that ε does not hold; found: a tenth of 1 / training rows"
    )
    clip: float = setting(1.0, "length that the gradient of each row is shortened to")
    noise: float | None = setting(
        None, "deviation of the noise on a step's gradient, over clip; found from ε and δ"
    )
    noise_counts: float | None = setting(
        None, "the same of the counts that G sets out from, over what a row adds; found"
    )

    def __post_init__(self) -> None:
        for name in ("epsilon", "clip", "noise", "noise_counts"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"privacy.{name} = {value}: it must be positive and finite")
        if self.delta is not None and not 0 < self.delta < 1:
            raise ConfigError(f"privacy.delta = {self.delta}: a chance lies between 0 and 1")
        if self.epsilon is None:
            for name in ("delta", "noise", "noise_counts"):
                if getattr(self, name) is not None:
                    raise ConfigError(
                        f"privacy.{name} = {getattr(self, name)}: nothing is private without "
                        "privacy.epsilon; set that, too"
                    )

    @property
    def is_asked(self) -> bool:
        """Whether the run promises anything."""
        return self.epsilon is not None


class Spending(NamedTuple):
    """What uses up privacy: sums over all rows once, and steps that see each row by chance."""

    noise_counts: float
    noise: float
    rate: float  # chance of each row to be in a step
    steps: int


def usual_delta(rows: int) -> float:
    """A tenth of 1 / rows, rounded down to one digit: no single row is given up for the rest."""
    size = 10.0 ** math.floor(math.log10(0.1 / rows))
    return float(f"{math.floor(0.1 / rows / size + 1e-9) * size:.0e}")


def spent(spending: Spending, delta: float) -> float:
    """The ε that this has cost at δ.

    Raises:
        ConfigError: Opacus is not installed.
    """
    return _epsilon(_history(spending), delta)


def noises(epsilon: float, delta: float, rate: float, steps: int) -> tuple[float, float]:
    """The noise of the counts and that of each step at which all of it costs ε, or barely less.

    A Gaussian's cost goes with 1 / noise², of which the counts get a set share.

    Raises:
        ConfigError: Opacus is not installed, or ε is too small or too large to work with.
    """
    guess = math.sqrt(2 * math.log(1.25 / delta)) / epsilon
    alone = _least(lambda noise: [(noise, 1.0, 1)], guess, epsilon, delta)
    of_counts = alone / math.sqrt(COUNTED)
    return of_counts, _least(
        lambda noise: _history(Spending(of_counts, noise, rate, steps)),
        max(0.7, alone * rate * math.sqrt(steps)), epsilon, delta,
    )  # fmt: skip


def _history(spending: Spending) -> History:
    entries = [(spending.noise_counts, 1.0, 1), (spending.noise, spending.rate, spending.steps)]
    return [entry for entry in entries if entry[2]]


def _least(
    history: Callable[[float], History], guess: float, epsilon: float, delta: float
) -> float:
    """The least noise at which it costs at most ε, or hardly more than that.

    ε falls nearly as a power of the noise, so few tries on a line between logarithms suffice.
    """
    noise, slope = guess, -1.2
    before: tuple[float, float] | None = None
    for _ in range(TRIES):
        cost = _epsilon(history(noise), delta)
        if epsilon * (1 - FINE) <= cost <= epsilon:
            return noise
        here = math.log(noise), math.log(cost)
        if before is not None and here[0] != before[0]:
            slope = min(-0.3, (here[1] - before[1]) / (here[0] - before[0]))
        before = here
        noise = math.exp(here[0] + (math.log(epsilon * (1 - FINE / 2)) - here[1]) / slope)
    raise ConfigError(
        f"privacy.epsilon = {epsilon:g}: no noise was found for it; ask for between 0.1 and 100"
    )


def _epsilon(history: History, delta: float) -> float:
    accountant: Any = accountants().create_accountant(mechanism=ACCOUNTANT)
    accountant.history = history
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on its own grid
        return float(accountant.get_epsilon(delta=delta, eps_error=ERROR))


def accountants() -> Any:
    """The library's module of accountants.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        from opacus import accountants as found  # noqa: PLC0415 - seconds, and few ask for it
    except ImportError as error:
        raise ConfigError(
            "privacy.epsilon: what noise it takes is worked out by Opacus, which is not "
            "installed: pip install 'gantlet[privacy]'"
        ) from error
    return found
