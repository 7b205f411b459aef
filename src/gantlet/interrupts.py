"""Ctrl-C and SIGTERM: the first one asks the run to end after its step, the second ends it."""

import signal
from types import FrameType, TracebackType

EXIT_CODES = {signal.SIGINT: 0, signal.SIGTERM: 75}  # 75: temporary failure, start it again
AT_ONCE = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Interrupts:
    """While entered, remembers the first signal and lets the second end the process."""

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> "Interrupts":
        for number in EXIT_CODES:
            self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType] - as it came

    @property
    def exit_code(self) -> int:
        """What the process should end with."""
        return EXIT_CODES[self.asked] if self.asked else 0

    @property
    def early_code(self) -> int:
        """The same where there is nothing yet to go on with: as a shell counts Ctrl-C."""
        return 128 + self.asked if self.asked == signal.SIGINT else self.exit_code

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        self.asked = signal.Signals(number)
        # Not what was before: a shell starts jobs in the background deaf to Ctrl-C.
        for other, action in AT_ONCE.items():
            signal.signal(other, action)
