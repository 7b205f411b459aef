"""What differential privacy costs: the census table Adult at several ε, beside no privacy.

    python benchmarks/private_tables.py --data FOLDER --epsilons 1 3 10

FOLDER holds tables/adult.csv. All is as in tables.py: a fifth of the rows is the test, and nothing
is set but ε, seed and one thread; δ and the noise are found. It needs gantlet[privacy].
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from table_peers import Row, arrow, frame, judged, pace, said
from tables import split


def main() -> int:
    """Trains once for each ε and prints a line each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds tables/")
    parser.add_argument("--epsilons", type=float, nargs="+", default=[1.0, 3.0, 10.0])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    source = options.data / "tables" / "adult.csv"
    if not source.exists():
        print(f"there is no {source}: nothing to do")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        train, test = split(source, options.seed, Path(folder))
        for epsilon in options.epsilons:
            said(_judged(train, test, epsilon, options.seed, Path(folder) / f"run-{epsilon:g}"))
    return 0


def _judged(train: Path, test: Path, epsilon: float, seed: int, out: Path) -> Row:
    import gantlet  # noqa: PLC0415 # torch takes seconds to import: not for --help

    known = frame(train)
    settings: dict[str, Any] = {"seed": seed, "threads": 1, "privacy": {"epsilon": epsilon}}
    began = time.process_time()
    gan = gantlet.train(known, out=out, settings=settings)
    seconds = time.process_time() - began
    made = arrow(gan.sample(len(known), seed=1))
    about = {"seconds": seconds, "pace": pace(gan.sample), "megabytes": 0.0}
    tables = arrow(known), arrow(frame(test))
    return judged("adult", f"ε = {epsilon:g}", seed, *tables, "income", (made, about))


if __name__ == "__main__":
    sys.exit(main())
