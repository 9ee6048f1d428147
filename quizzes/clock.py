"""The one place where practice reads the clock; everything else takes the time as an argument."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """This moment, UTC."""
    return datetime.now(UTC)


def day_of(at: datetime, zone: str | None) -> str:
    """The calendar day, ISO, that `at` falls on for somebody in time zone `zone`; UTC for an unknown zone."""
    try:
        local = at.astimezone(ZoneInfo(zone)) if zone else at.astimezone(UTC)
    except (KeyError, ValueError, OSError):  # what ZoneInfo raises for names that are missing, malformed or folders
        local = at.astimezone(UTC)
    return local.date().isoformat()
