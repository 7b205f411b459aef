"""Every test runs on one thread, with the signatures of gantlet checked at each call."""

import torch
from jaxtyping import install_import_hook

# Small tensors run many times slower on two threads than on one when the machine is busy.
torch.set_num_threads(1)
# The numeric tower: an int is welcome where a float is asked for, as everywhere in Python.
install_import_hook(
    "gantlet", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)
