"""A solved `live` head on a scene's features: probabilities of its nodes, leave-one-out, and what a saved model holds.

Notation: n nodes, N labels, M ≤ N labels the head was solved on, K classes, J kernels in use.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hsi_studio.errors import SceneMismatch
from hsi_studio.features.guide import pixel_numbers
from hsi_studio.features.spatial import IndexArray
from hsi_studio.methods.common.kernel_head import KernelHead, softmax
from hsi_studio.methods.common.kernel_sum import KernelSum
from hsi_studio.methods.common.threads import THREADS, share
from hsi_studio.methods.contract import Block, Fitted, State, WordsTold
from hsi_studio.methods.live.alone import Alone
from hsi_studio.methods.live.features import VERSION, LiveFeatures
from hsi_studio.methods.live.linear import Linear
from hsi_studio.methods.live.nearby import Nearby
from hsi_studio.methods.live.nodes import MOST_ALONE
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.methods.live.views import Kernel
from hsi_studio.methods.live.words import Gate
from hsi_studio.types import ClassSchema, FloatArray, IntArray, Scene

BETWEEN = 16_384  # pixels between superpixels at a time


@dataclass(frozen=True)
class Support:
    """The M ≤ N labels the head was solved on, in pixel order so that the order of clicks changes nothing."""

    features: tuple[FloatArray, ...]  # J arrays (M, C), in the kernels' own metrics
    position: npt.NDArray[np.int64]  # (M,) in the caller's LabelSet
    pixel: npt.NDArray[np.int64]  # (N,) of every label, in the caller's order; empty when loaded from a state


@dataclass
class LiveFitted(Fitted):
    """A solved head on a scene's features. Class scores of the nodes are made on first need and kept."""

    schema: ClassSchema
    params: LiveParams
    scene: Scene
    features: LiveFeatures
    support: Support
    kernels: tuple[Kernel, ...]  # J
    weights: npt.NDArray[np.float64]  # (J,)
    head: KernelHead
    temperature: float
    home_scene: str  # id of the scene the labels lie on
    linear: Linear = field(default_factory=Linear)
    left_out: IntArray | None = None  # (N,) set when loaded from a state
    nearby: Nearby = field(default_factory=Nearby)
    alone: Alone | None = None  # what single pixels say beside superpixels
    gate: Gate | None = None  # whether the labels agree with the class names; None = nothing is known of those
    prior: FloatArray | None = None  # (n, K) what the words add to the scores of the nodes
    without_words: LiveFitted | None = None  # the same head without that: what is saved
    _nodes: FloatArray | None = None  # (n, K)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def node_probabilities(self) -> FloatArray:
        """(n, K) float32, rows sum to 1."""
        with self._lock:
            if self._nodes is None:
                nodes = np.empty((self.features.count, len(self.schema)), dtype=np.float32)
                block = self._kernels.block

                def fill(first: int) -> None:
                    for start in range(first * block, nodes.shape[0], THREADS * block):
                        rows = slice(start, min(start + block, nodes.shape[0]))
                        nodes[rows] = self.probabilities_of(rows)

                share(fill)
                self._nodes = nodes
            return self._nodes

    def probabilities_of(self, rows: slice | npt.NDArray[np.int64]) -> FloatArray:
        """(m, K) of some nodes."""
        mixed = self.linear.mixed(softmax(self._scores(rows), self.temperature), self.features, rows)
        heard = self.nearby.beside(mixed, rows)
        if self.alone is not None and self.features.guide is None:  # a model of a large scene on a small one
            heard = self.alone.beside(heard, self.features.own_of_nodes(rows))
        return heard

    def probabilities_at(self, pixels: npt.NDArray[np.integer]) -> FloatArray:
        """(m, K) of some valid pixels, as numbers row by row."""
        spots = self.features.spots(pixels)
        if spots.weights is None:
            return self.probabilities_of(spots.node.astype(np.int64))
        nodes, place = np.unique(spots.weights.indices, return_inverse=True)
        parts = (spots.weights.data, place.astype(np.int32), spots.weights.indptr)
        among = sparse.csr_matrix(parts, shape=(pixels.size, nodes.size))
        found = np.asarray(among @ self.probabilities_of(nodes.astype(np.int64)), dtype=np.float32)
        return found if self.alone is None else self.alone.beside(found, self.features.own_values(pixels))

    def _between(self, nodes: FloatArray, rows: slice, cols: slice) -> FloatArray:
        """(h · w, K) of a window's pixels between superpixels."""
        features = self.features
        assert features.guide is not None
        pixels = pixel_numbers(rows, cols, features.index.shape[1])
        found = np.asarray(features.guide.at(pixels) @ nodes, dtype=np.float32)
        return found if self.alone is None else self.alone.beside(found, features.own_values(pixels))

    @cached_property
    def _kernels(self) -> KernelSum:
        return KernelSum(self.support.features, self.weights, self.head.dual, self.params.kernel_width)

    def _scores(self, rows: slice | npt.NDArray[np.int64]) -> FloatArray:
        """(m, K) class scores of some nodes."""
        scores = self._kernels.of(one.of(self.features, rows) for one in self.kernels)
        if self.prior is not None:
            scores += self.prior[rows]
        return scores

    def predict(self, block: Block) -> FloatArray:
        """(K, h, w) float32 summing to 1; NaN at invalid pixels. Raises SceneMismatch for another scene's block."""
        self._check_scene(block)
        nodes = self.node_probabilities()
        index = self.features.index[block.rows, block.cols]  # (h, w)
        if self.features.guide is None:
            out = np.take(nodes.T, np.maximum(index, 0), axis=1)  # (K, h, w)
        else:
            out = self._between(nodes, block.rows, block.cols).T.reshape(-1, *index.shape)
        out[:, index < 0] = np.nan
        return np.ascontiguousarray(out)

    def predict_best(self, block: Block) -> tuple[npt.NDArray[np.uint16], FloatArray]:
        """(h, w) label codes (class + 1, 0 where invalid) and (h, w) confidence: two look-ups a pixel, or of pixels
        between superpixels their weighted mean."""
        self._check_scene(block)
        nodes = self.node_probabilities()
        index = self.features.index[block.rows, block.cols]
        if self.features.guide is not None:
            return self._best_between(block, nodes, index)
        best = nodes.argmax(axis=1)
        # One entry more than nodes: index −1, an invalid pixel, takes the last.
        label = np.append(best + 1, 0).astype(np.uint16)
        confidence = np.append(nodes[np.arange(best.size), best], np.nan).astype(np.float32)
        return label[index], confidence[index]

    def _best_between(
        self, block: Block, nodes: FloatArray, index: IndexArray
    ) -> tuple[npt.NDArray[np.uint16], FloatArray]:
        label, confidence = np.empty(index.shape, dtype=np.uint16), np.empty(index.shape, dtype=np.float32)
        tall = max(1, BETWEEN // index.shape[1])  # rows

        def fill(first: int) -> None:
            for top in range(first * tall, index.shape[0], THREADS * tall):
                own = slice(top, min(top + tall, index.shape[0]))
                rows = slice(block.rows.start + own.start, block.rows.start + own.stop)
                found = self._between(nodes, rows, block.cols)  # (m, K)
                best = found.argmax(axis=1)
                label[own] = (best + 1).reshape(-1, index.shape[1])
                confidence[own] = found[np.arange(best.size), best].reshape(-1, index.shape[1])
                if not (inside := index[own] >= 0).all():
                    label[own][~inside] = 0
                    confidence[own][~inside] = np.nan

        share(fill)
        return label, confidence

    def _check_scene(self, block: Block) -> None:
        if block.scene.id != self.scene.id:
            raise SceneMismatch(
                f"The model stands on scene {self.scene.id}, the block is from {block.scene.id}: "
                "load the model for that scene, or fit it there."
            )

    def leave_one_out(self) -> IntArray:
        """(N,) class each label would get from a fit without it, in closed form; in the LabelSet's order.

        A class with one label is unknown once that is left out, so such a label counts as wrong. Weights of the
        kernels, shares of the discriminants and of single pixels and the power of `nearby` are kept, not chosen again
        without the label. Labels beyond MAX_SUPPORT took no part in the fit.
        """
        if self.left_out is not None:
            return self.left_out
        out = np.full(self.support.pixel.size, -1, dtype=np.int64)
        told = self.linear.left_out if self.nearby.left_out is None else self.nearby.left_out
        told = told if self.alone is None else self.alone.left_out
        found = self.head.left_out_scores() if told is None else told
        out[self.support.position] = found.argmax(axis=1)
        rest = np.flatnonzero(out < 0)
        if rest.size:
            out[rest] = self.probabilities_at(self.support.pixel[rest]).argmax(axis=1)
        return out

    @property
    def notes(self) -> tuple[str, ...]:
        """What is too small to be seen, where not every pixel is: scenes too large for what is kept of single ones."""
        features = self.features
        if features.own is not None or features.count == features.pixels:
            return ()
        size = f"{features.count:,} superpixels of about {round(features.pixels / features.count):,} pixels"
        seen = f"The scene has {features.pixels:,} pixels, so it is mapped on {size}"
        finer = (
            f"A part of it with up to {MOST_ALONE:,} pixels, opened by itself, is mapped with its single pixels too."
        )
        if features.guide is None:
            return (f"{seen}: nothing smaller is on the map. {finer}",)
        return (f"{seen}, with its pixels between them: what is smaller can be missing. {finer}",)

    def words_told(self) -> WordsTold | None:
        gate = self.gate
        return None if gate is None else WordsTold(gate.p, gate.tested, gate.alarms, self.without_words)

    def state(self) -> State:
        """Arrays and a JSON header from which `Live.from_state` makes the same map; the words stay with their scene."""
        if self.without_words is not None:
            return self.without_words.state()
        arrays: dict[str, np.ndarray[Any, Any]] = dict(self.features.basis.arrays())
        arrays |= {f"support_{j}": f for j, f in enumerate(self.support.features)}
        arrays |= {f"factor_{j}": k.factor for j, k in enumerate(self.kernels) if k.factor is not None}
        arrays |= {
            **{f"linear_weight_{e}": one.weight for e, one in enumerate(self.linear.heads)},
            **{f"linear_offset_{e}": one.offset for e, one in enumerate(self.linear.heads)},
            "shares": self.linear.shares,
            "weights": self.weights,
            "dual": self.head.dual,
            "label": self.head.label,
            "left_out": self.leave_one_out(),
        }
        if self.alone is not None:
            arrays |= {"alone_weight": self.alone.head.weight, "alone_offset": self.alone.head.offset}
        near = self.nearby.places
        if self.nearby.power and near is not None:
            arrays |= {"near_row": near.row, "near_col": near.col}
        bands = self.scene.bands
        if bands.wavelength_nm is not None:
            arrays["wavelength_nm"] = bands.wavelength_nm
        header = {
            "method": "live",
            "params": self.params.model_dump(mode="json"),
            "features_version": VERSION,
            "scene": self.home_scene,
            "bands": bands.count,
            "layers": int(self.params.recipe(self.scene).height_weight > 0),
            "temperature": self.temperature,
            "kernels": [[one.family, one.scale] for one in self.kernels],
            "linear": [list(place) for place in self.linear.places],
            "power": self.linear.power,
            "nearby": self.nearby.header(),
            **({} if self.alone is None else {"alone": self.alone.header()}),
            "classes": self.schema.to_json(),
        }
        return State(arrays, header)
