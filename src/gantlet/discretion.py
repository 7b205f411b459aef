"""How freely a run may handle its rows: as it likes, or as a promise of privacy allows."""

from gantlet.config import ConfigError
from gantlet.engine.state import TrainState
from gantlet.engine.train import NonFinite
from gantlet.feed import ChanceFeed, Feed
from gantlet.folder import Folder
from gantlet.measure import Calibration, Meter
from gantlet.private_plan import promised, set_out
from gantlet.run import Run
from gantlet.session import Session, example
from gantlet.types import Batch

SILENT = Calibration(0.0, 0.0)  # that held-out rows had no part in: everything is even odds


class Discretion:
    """Nothing was promised: rows may be drawn, looked at and gone back to at will."""

    feed: type[Feed] = Feed
    keeps_best = True  # the state that held-out rows like best, beside the last

    def example(self, session: Session) -> Batch | None:
        """Rows that set up G before its first step."""
        return example(session)

    def set_out(self, state: TrainState, session: Session) -> None:
        """What else G is told of the rows before its first step."""

    def calibration(
        self, meter: Meter, state: TrainState, known: Calibration | None
    ) -> Calibration:
        """How D's logits are read, as held-out rows tell, if that is not known already."""
        return known or meter.calibration(state)

    def require_resumable(self, folder: Folder, minutes: float | None) -> None:
        """Whether the run may go on as it is asked to.

        Raises:
            ConfigError: it may not, and why.
        """

    def why_no_return(self, failure: NonFinite) -> str | None:
        """Why the run must not go back to its last checkpoint after a failure, if so."""
        del failure
        return None

    def promise(self, session: Session, steps: int) -> str | None:
        """What may be said of the generator after so many steps."""
        del session, steps
        return None


class Private(Discretion):
    """Whatever is learned of the rows costs privacy, and all of it is counted beforehand."""

    feed = ChanceFeed
    keeps_best = False

    def example(self, session: Session) -> Batch | None:
        del session
        return None

    def set_out(self, state: TrainState, session: Session) -> None:
        set_out(state, session)

    def calibration(
        self, meter: Meter, state: TrainState, known: Calibration | None
    ) -> Calibration:
        del meter, state, known
        return SILENT

    def require_resumable(self, folder: Folder, minutes: float | None) -> None:
        """Steps beyond those planned, or done again after a failure, would cost more than ε."""
        name = folder.path.name
        if minutes is not None:
            raise ConfigError(
                f"{name}: a private run cannot be given more minutes, for its steps are what "
                "spends privacy.epsilon; begin a new one"
            )
        if any(e["event"] == "ended" and e["is_failure"] for e in folder.logged()):
            raise ConfigError(
                f"{name}: this private run failed, and to do steps again would cost more than "
                "privacy.epsilon; begin a new one"
            )

    def why_no_return(self, failure: NonFinite) -> str | None:
        return f"{failure}; a private run does not go back: begin a new one"

    def promise(self, session: Session, steps: int) -> str | None:
        return promised(session.run, len(session.split.train), steps)


def discretion(run: Run) -> Discretion:
    """What the run's settings ask for."""
    return Private() if run.privacy.is_asked else Discretion()
