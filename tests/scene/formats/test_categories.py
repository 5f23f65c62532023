"""Names of classes as GDAL's many writers leave them: tags in three forms, an attribute table, files that lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio.scene.formats.categories import LARGEST_XML, from_aux_xml, from_tags, read_tags

TABLE = """<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable>
<FieldDefn index="0"><Name>count</Name><Usage>1000</Usage></FieldDefn>
<FieldDefn index="1"><Name>Value</Name><Usage>0</Usage></FieldDefn>
<FieldDefn index="2"><Name>what</Name><Usage>2</Usage></FieldDefn>
<Row><F>7</F><F>0</F><F>Nothing</F></Row>
<Row><F>7</F><F>4.0</F><F> Water </F></Row>
<Row><F>7</F><F>9</F><F></F></Row>
<Row><F>7</F><F>11</F><F>Road</F></Row>
</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"""


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        ({"class_names": '{"1": "Water", "7": "Soil", "0": "None", "x": "?"}'}, {1: "Water", 7: "Soil"}),
        ({"class_names": '["Unclassified", "Water", "Soil"]'}, {1: "Water", 2: "Soil"}),
        ({"class_names": '["Water", "Soil"]'}, {1: "Water", 2: "Soil"}),  # no entry for 0: the first is 1
        ({"class_names": "{Unlabelled, Water, Soil}"}, {1: "Water", 2: "Soil"}),  # ENVI's way, not JSON
        ({"class_1": "Water", "class_12": "Soil", "class_0": "None", "class_b": "?"}, {1: "Water", 12: "Soil"}),
        ({"area": "Berlin"}, {}),
    ],
)
def test_tags_name_classes_by_value(tags: dict[str, str], names: dict[int, str]) -> None:
    assert from_tags(tags) == names


def test_an_attribute_table_is_read_by_the_use_of_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "map.tif.aux.xml"
    file.write_text(TABLE, encoding="utf-8")
    assert from_aux_xml(file) == {4: "Water", 11: "Road"}
    file.write_text(TABLE.replace("<Usage>2</Usage>", "<Usage>0</Usage>"), encoding="utf-8")
    assert from_aux_xml(file) == {}  # nothing says which column holds the names


def test_a_file_that_is_broken_huge_or_declares_entities_names_nothing(tmp_path: Path) -> None:
    file = tmp_path / "map.tif.aux.xml"
    assert from_aux_xml(file) == {}
    for text in (TABLE[:-20], '<!DOCTYPE x [<!ENTITY a "b">]>' + TABLE, TABLE + " " * LARGEST_XML, "<PAMDataset/>"):
        file.write_text(text, encoding="utf-8")
        assert from_aux_xml(file) == {}


def test_tags_that_are_not_utf8_are_passed_over() -> None:
    class Old:
        def tags(self, band: int, ns: str | None) -> dict[str, str]:
            return {"name": b"Gr\xfcn".decode("utf-8")} if band else {"kept": "yes"}

    assert read_tags(Old(), 1) == {}
    assert read_tags(Old()) == {"kept": "yes"}
