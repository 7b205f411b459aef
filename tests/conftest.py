"""Every test is repeatable, on one thread, with gantlet's signatures checked at each call."""

import os
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook
from threadpoolctl import threadpool_limits

# On a busy machine several threads wait for one another many times longer than one works: torch's,
# those of libraries that are loaded, of those that are not yet, and of processes that tests start.
torch.set_num_threads(1)
threadpool_limits(1)
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
# The numeric tower: an int is welcome where a float is asked for, as everywhere in Python.
install_import_hook(
    "gantlet", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)
# A deadline would fail the first example, which pays for imports, on a busy machine.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """Tests that draw without a seed of their own draw the same in any order.

    Training flushes denormal numbers; Hypothesis, which draws them, says so in alarm.
    """
    torch.manual_seed(0)
    yield
    torch.set_flush_denormal(False)
