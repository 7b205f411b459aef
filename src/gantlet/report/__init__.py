"""An evaluation as one self-contained page: opens offline, prints, and can be listened to."""

from gantlet.report.comparison import render_comparison
from gantlet.report.page import render

__all__ = ["render", "render_comparison"]
