"""What axe finds on a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe


def serious(page: Any, context: str | None = None) -> list[str]:
    """Findings of the two upper grades, each with the rule, the element and why; within a CSS selector where one is given."""
    found = Axe().run(page, context=context).response["violations"]
    return [
        f"{finding['id']}: {node['html'][:120]} {' '.join(check['message'] for check in node['any'])[:160]}"
        for finding in found
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]
