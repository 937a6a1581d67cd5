"""Charts for a notebook, as ``heirloom.plot``."""

from heirloom.report.notebook import curve, figure

__all__ = ["curve", "figure"]
