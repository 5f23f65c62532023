"""A map made on another class list, brought onto a project's by the classes' names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hsi_studio.types import ClassSchema, Prediction


def in_schema(prediction: Prediction, schema: ClassSchema) -> Prediction:
    """The same map with label codes = position in a larger schema + 1, so that codes outlive new classes."""
    lut = np.zeros(len(prediction.schema) + 1, dtype=np.uint16)
    for k, info in enumerate(prediction.schema.classes):
        lut[k + 1] = schema.index(info.id) + 1
    return replace(prediction, schema=schema, label=lut[prediction.label])


def called_as(prediction: Prediction, schema: ClassSchema) -> Prediction:
    """The same map, its classes with the names and colours that a project has for them now; the same object where they
    are those. A class that the project has no more keeps its own, marked where another has its name."""
    now = {info.id: info for info in schema.classes}
    taken = {info.name.casefold() for info in schema.classes}
    classes = []
    for info in prediction.schema.classes:
        if info.id in now:
            classes.append(replace(info, name=now[info.id].name, color=now[info.id].color))
        else:
            again = info.name.casefold() in taken
            classes.append(replace(info, name=f"{info.name} (deleted)") if again else info)
    named = ClassSchema(tuple(classes))
    return prediction if named == prediction.schema else replace(prediction, schema=named)


def onto(prediction: Prediction, schema: ClassSchema) -> Prediction:
    """The same map in a project's classes: by id, else by name; classes the project has not follow after its own."""
    classes = list(schema.classes)
    place = {info.id: k for k, info in enumerate(classes)}
    named = {info.name.casefold().strip(): k for k, info in reversed(list(enumerate(classes)))}
    lut = np.zeros(len(prediction.schema) + 1, dtype=np.uint16)
    for k, info in enumerate(prediction.schema.classes):
        at = place.get(info.id, named.get(info.name.casefold().strip()))
        if at is None:
            at = len(classes)
            classes.append(replace(info, reference_value=None))
        lut[k + 1] = at + 1
    return replace(prediction, schema=ClassSchema(tuple(classes)), label=lut[prediction.label])
