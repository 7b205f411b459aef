"""Gantlet trains a generative adversarial network on your own data with one command."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gantlet.api import evaluate, fit, load, sample, train
    from gantlet.gan import Gan

__version__ = "0.1.0"
__all__ = ["Gan", "evaluate", "fit", "load", "sample", "train"]

# Torch takes seconds to import; a name is looked up where it stands only when it is used.
_HOMES = {
    "Gan": "gantlet.gan",
    "evaluate": "gantlet.api",
    "fit": "gantlet.api",
    "load": "gantlet.api",
    "sample": "gantlet.api",
    "train": "gantlet.api",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gantlet' has no attribute '{name}'")
