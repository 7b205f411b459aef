"""Arrow's functions on columns: made as pyarrow is imported, so that no type checker sees them."""

from typing import Any

import pyarrow.compute

pc: Any = pyarrow.compute
