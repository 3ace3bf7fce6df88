"""The report on a build: one HTML file in English or Chinese that needs no network."""

from penchant.report.write import write_report

__all__ = ["write_report"]
