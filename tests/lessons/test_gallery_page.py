"""The gallery: every exhibit has data, a label and words, and is small enough to send."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from plotly.utils import PlotlyJSONEncoder
from streamlit.testing.v1 import AppTest

from engine.recorded.weights import recorded_weights
from lessons.catalog import find
from lessons.gallery import EXHIBITS
from lessons.stage.scene import Scene, payload
from lessons.stage.weights_scenes import NAME
from lessons.text import read
from tests.lessons.prose import files
from viz.label import KINDS

SCENES = [(exhibit, exhibit.make()) for exhibit in EXHIBITS]


@pytest.mark.parametrize(("exhibit", "scene"), SCENES, ids=lambda x: getattr(x, "key", ""))
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
    assert len({exhibit.key for exhibit in EXHIBITS}) == len(EXHIBITS)
    assert all(find(exhibit.lesson) for exhibit in EXHIBITS)


def test_page_lists_every_scene_with_its_label() -> None:
    app = AppTest.from_string("from lessons import gallery\ngallery.page()", default_timeout=60).run()
    assert not app.exception
    listing = next(m.value for m in app.markdown if m.value.startswith("| scene"))
    for exhibit, scene in SCENES:
        assert f"| [{exhibit.title}](#{exhibit.key}) | {scene.label}" in listing


def test_every_linked_word_lights_a_part_of_some_picture() -> None:
    linked = {part for path in files() for part in re.findall(r"\[\[(?!term:)\w+:([^|\]]+)\|", path.read_text("utf-8"))}
    drawn = {trace.meta for _, scene in SCENES for trace in scene.figure.data}
    assert {"B", "NF4", "plane", "learned", "chosen"} <= linked <= drawn


def test_the_caption_of_recorded_weights_says_what_their_file_says() -> None:
    weights = recorded_weights(NAME)
    assert weights and weights.about["origin"] in read("gallery", "weights")


# Each picture at its home

VISITS = {
    "rlhf-and-dpo": ({}, {"objective": "reward"}),
    "prompt-and-prefix": ({}, {"method": "prefix"}),
}
"""Questions with which a page is opened, where one look does not show all of it."""
CHOICES = {
    "lora": ("lora-picture", ("city", "playback", "counting")),
    "full-fine-tuning": ("full-picture", ("landscape", "forgetting")),
    "qlora": ("qlora-picture", ("levels", "block", "error", "double")),
    "prompt-and-prefix": ("prompt-picture", ("attention", "way")),
    "choosing": ("choosing-picture", ("bars", "measured", "staircase")),
    "calculator": ("calculator-section", ("sum", "compare")),
}
"""Controls that choose which picture a page shows."""


def kind_of(scene: Scene) -> str:
    """What a picture is of: its title up to the model or matrix that it shows."""
    return scene.figure.layout.title.text.split(" · ")[0].split("<br>")[0]


@pytest.mark.parametrize("path", sorted({exhibit.lesson for exhibit in EXHIBITS}))
def test_every_exhibit_is_shown_on_the_page_that_it_calls_its_home(path, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    seen: list[Scene] = []
    monkeypatch.setattr("lessons.stage.payload", lambda scene, key: (seen.append(scene), payload(scene, key))[1])
    control, choices = CHOICES.get(path, ("", ("",)))
    for question in VISITS.get(path, ({},)):
        for choice in choices:
            app = AppTest.from_string(f"from lessons.{find(path).module} import page; page()", default_timeout=60)
            for name, value in question.items():
                app.query_params[name] = value
            if control:
                app.session_state[control] = choice
            assert not app.run().exception
    at_home = {kind_of(scene) for exhibit, scene in SCENES if exhibit.lesson == path}
    assert at_home <= {kind_of(scene) for scene in seen}
