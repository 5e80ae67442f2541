"""Numbers and frames in, files out: charts, pages and tables of an answer."""

from simulator.reporting.folder import NotAReport, prepare, write

__all__ = ["NotAReport", "prepare", "write"]
