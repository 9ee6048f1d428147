"""The gallery: every exhibit has data, a label and words, and is small enough to send."""

from __future__ import annotations

import gzip
import json

import pytest
from plotly.utils import PlotlyJSONEncoder
from streamlit.testing.v1 import AppTest

from lessons.gallery import EXHIBITS
from lessons.stage.scene import payload
from viz.label import KINDS

SCENES = [(exhibit, exhibit.make()) for exhibit in EXHIBITS]


@pytest.mark.parametrize(("exhibit", "scene"), [pair for pair in SCENES if pair[1]], ids=lambda x: getattr(x, "key", ""))
def test_scene_is_labelled_described_and_small(exhibit, scene) -> None:
    assert scene.label.split(" · ")[0] in KINDS
    assert len(scene.description) > 40 and scene.tables and all(table.rows for table in scene.tables)
    text = json.dumps(payload(scene, exhibit.key), cls=PlotlyJSONEncoder)
    assert len(gzip.compress(text.encode())) <= 400_000
    figure = scene.figure.to_plotly_json()
    assert "text" in figure["layout"]["title"] and scene.label.split(" · ")[0] in figure["layout"]["title"]["text"]
    for trace in figure["data"]:
        assert " " not in str(trace.get("meta", "")), "words are linked by a class name"


def test_keys_are_unique_and_pages_exist() -> None:
    from lessons.catalog import find

    assert len({exhibit.key for exhibit in EXHIBITS}) == len(EXHIBITS)
    assert all(find(exhibit.lesson) for exhibit in EXHIBITS)


def test_page_lists_every_scene_with_its_label() -> None:
    app = AppTest.from_string("from lessons import gallery\ngallery.page()", default_timeout=60).run()
    assert not app.exception
    listing = next(m.value for m in app.markdown if m.value.startswith("| scene"))
    for exhibit, scene in SCENES:
        assert (scene is not None) == (f"| [{exhibit.title}](#{exhibit.key}) | {scene.label if scene else ''}" in listing)
