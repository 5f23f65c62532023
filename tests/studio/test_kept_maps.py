"""Maps in memory: so many of a home, so many bytes of all homes, and what is said of a map goes with it."""

from __future__ import annotations

from hsi_studio.features.memory import MemoryBudget
from hsi_studio.studio.kept_maps import KeptMaps


def test_the_maps_of_all_owners_keep_to_one_number_of_bytes() -> None:
    together = MemoryBudget(lambda: 300)
    homes: list[KeptMaps[tuple[str, int], str]] = [KeptMaps(8, together=together) for _ in range(60)]
    for number, home in enumerate(homes):
        home.put(("project", 1), f"map {number}", 100)
    assert [number for number, home in enumerate(homes) if home.get(("project", 1))] == [57, 58, 59]
    assert together.count() == (3, 300)


def test_of_one_home_the_one_looked_at_longest_ago_goes_with_what_was_said_of_it() -> None:
    said = {("p", key): "92 %" for key in range(4)}
    together = MemoryBudget(lambda: 10_000)
    kept: KeptMaps[tuple[str, int], str] = KeptMaps(3, lambda key: said.pop(key), together)
    for key in range(3):
        kept.put(("p", key), "map", 10)
    assert kept.get(("p", 0)) == "map"
    kept.put(("p", 3), "map", 10)
    assert ("p", 1) not in said
    kept.drop(lambda key: key[1] == 0)  # its model was deleted
    assert sorted(said) == [("p", 2), ("p", 3)]
    assert together.count() == (2, 20)
