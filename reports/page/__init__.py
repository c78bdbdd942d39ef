"""The report on disk: the tables, the figures, and one page that holds them all and needs no network."""

from reports.page.report import write

__all__ = ["write"]
