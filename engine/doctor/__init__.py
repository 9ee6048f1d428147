"""Reading a run's events: what happened, in numbers and in findings that a page can put into words. No torch."""

from engine.doctor.findings import Finding, findings
from engine.doctor.story import Story, tell

__all__ = ["Finding", "Story", "findings", "tell"]
