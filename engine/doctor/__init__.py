"""Reading a run's events: what happened, in numbers and in findings that a page can put into words. No torch."""

from engine.doctor.diagnoses import diagnose
from engine.doctor.findings import Finding, findings
from engine.doctor.signs import Diagnosis
from engine.doctor.story import Story, tell

__all__ = ["Diagnosis", "Finding", "Story", "diagnose", "findings", "tell"]
