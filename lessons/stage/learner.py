"""Who the learner is: a random name in a cookie, so that answers and predictions are found again after a reload.

No account, no address, nothing that says who it is: whoever clears the cookie starts afresh.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import streamlit as st

COOKIE = "deltalab_learner"
YEAR_SECONDS = 365 * 24 * 3600
_FORM = re.compile(r"[0-9a-f]{32}")
_STATE = "deltalab_learner_cookie"

_SCRIPT = f"""
const named = () => document.cookie.match(/(?:^|; ){COOKIE}=([0-9a-f]{{32}})(?:;|$)/)?.[1];
export default function ({{ setStateValue }}) {{
  const id = named() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  document.cookie = `{COOKIE}=${{id}}; path=/; max-age={YEAR_SECONDS}; SameSite=Lax`;
  setStateValue("id", id);
}}
"""


def keep_learner() -> None:
    """Give this browser its cookie. Call it once on every page, before `learner_id`; it shows nothing."""
    if _from_cookie() is None:
        with st.container(key="learner-cookie"):
            _component()(key=_STATE, on_id_change=_nothing_to_do)


def learner_id() -> str | None:
    """32 hexadecimal digits; None for the moment of a first visit until the browser has answered."""
    return _from_cookie() or _valid((st.session_state.get(_STATE) or {}).get("id"))


def _from_cookie() -> str | None:
    return _valid(st.context.cookies.get(COOKIE))


def _valid(value: object) -> str | None:
    """What the browser sends is checked: it becomes a key in the store."""
    return value if isinstance(value, str) and _FORM.fullmatch(value) else None


@cache
def _component() -> Any:
    return st.components.v2.component("deltalab_learner", js=_SCRIPT)


def _nothing_to_do() -> None:
    """Streamlit wants a callback for each state a component reports."""
