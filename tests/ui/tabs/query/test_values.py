"""What the Query tab's page is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.scene.demo import demo_scene
from hsi_studio.text.description import Phrase
from hsi_studio.ui.tabs.query.values import evidence_lines, examples, query_value
from hsi_studio.ui.viewer.heat_routes import heat_value, router


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(home=tmp_path)


@pytest.mark.slow
def test_before_a_question_the_page_knows_what_to_ask(studio: Studio) -> None:
    project = studio.new_project("demo")
    value = query_value(studio, project.id)
    json.dumps(value, allow_nan=False)
    assert value["answer"] is None
    assert value["state"] == "idle"
    assert value["engines"][0]["id"] == "described"
    assert "tall vegetation near water" in value["examples"]
    assert ["Class names alone", "names"] in value["map"]["choices"]
    assert heat_value(studio, project.id) is None
    studio.close()


def test_the_questions_offered_are_those_a_scene_can_answer() -> None:
    town = demo_scene()
    nm = town.bands.wavelength_nm
    assert nm is not None
    assert "vegetation near water" in examples(replace(town, dsm=None))
    assert not any("tall" in text for text in examples(replace(town, dsm=None)))
    infrared = replace(town, bands=replace(town.bands, wavelength_nm=nm + 700))
    assert "clay minerals" in examples(infrared)
    assert "dark and smooth" not in examples(infrared)
    camera = replace(town, bands=replace(town.bands, wavelength_nm=np.linspace(900, 1700, nm.size, dtype=np.float32)))
    assert "clay minerals" not in examples(camera)
    assert examples(replace(town, bands=replace(town.bands, wavelength_nm=None))) == ()


@pytest.mark.slow
def test_an_answer_is_plain_json_and_its_heat_can_be_fetched(studio: Studio) -> None:
    project = studio.new_project("demo")
    studio.queries.ask(project.id, "water")
    assert studio.queries.wait(project.id, 120).state == "done"
    value = query_value(studio, project.id)
    json.dumps(value, allow_nan=False)
    region = value["answer"]["regions"][0]
    assert region["description"]["phrases"][0]["evidence"]
    assert region["reasons"]
    heat = heat_value(studio, project.id)
    assert heat is not None
    server = FastAPI()
    server.include_router(router(studio))
    client = TestClient(server)
    answer = client.get(heat["url"])
    assert answer.status_code == 200
    assert len(answer.content) == 200 * 200
    assert client.get("/hsi/heat/nobody/x.bin").status_code == 404
    studio.queries.show_heat(project.id, False)
    assert heat_value(studio, project.id) is None
    studio.close()


def test_evidence_reads_as_lines() -> None:
    fact = {"meaning": "NDVI", "value": 0.9, "p10": 0.8, "p90": 0.95, "unit": "", "bands_nm": [660.0, 800.0]}
    lines = evidence_lines(Phrase("dense green vegetation", "plants", {"facts": {"ndvi": fact}, "pixels": 12}))
    assert lines == ["NDVI 0.9 (most pixels 0.8 to 0.95), bands at 660, 800 nm", "12 pixels"]
