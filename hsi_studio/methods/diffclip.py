"""`diffclip`: mask-diffusion pre-training, then few-shot fine-tuning against class prompts.

Source: J. Zhang, X. Cao et al., "DiffCLIP: few-shot language-driven multimodal classifier", AAAI 2025 (eq. 1–16).

    unlabelled patches ─ mask, noise ─▶ shared encoder ─▶ decoder a modality ─▶ x̂_0          stage 1, once a scene
    labelled patches ────────────────▶ that encoder ─▶ unit vectors ─┐
    K prompts ─ text transformer from scratch ─▶ unit vectors ───────┴─▶ contrastive loss     stage 2, every fit
    every pixel or every 2nd ─▶ encoder ─▶ cosine to the K prompts ─▶ smoothing within edges  the map

What the published code does and this does not, because the paper says otherwise or it spoils the figures:
it pre-trains on the labelled shots only (here: `unlabelled` patches of the whole valid scene); keeps the best of 150
epochs on labelled pixels that stay in the test set (here: the averaged last weights, nothing selects); draws a random
diffusion step for every test pixel (here t = 0); puts kept LiDAR tokens back at wrong places; counts equal classes in a
batch as negatives; encodes a prompt per sample; augments the modalities apart.

What differs from the paper by default, and what turns it off (preset `paper` turns off all of it):
- `tokens` foveated: 25 tokens a patch instead of 121; `inputs` components: noise-whitened bands;
- class targets, learned temperature, small noise, mixing, left-out tokens, averaged weights in stage 2;
- `smoothing` and `stride`: unlabelled pixels take part in the map (transductive); 0 and 1 turn it off;
- `keep_front_end`: the pre-trained linear projection is kept, the paper makes a new one;
- WordPiece tokens of the embedded sentence encoder instead of CLIP's, which cannot be shipped.

Leave-one-out is not the network's: it would need a training a label. It is exact leave-one-out of class-balanced
least squares on label-free averages of the same patches: honest about each label, and a floor for the network.

Halo: none to the caller; a window is read with the margin it needs. Cost: one encoder pass per lattice pixel.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest, LabelProblem, SceneMismatch
from hsi_studio.features.cache import Arrays, FeatureCache, cache_key
from hsi_studio.methods import Block, Context, Params, State
from hsi_studio.methods.diffclip_cache import FOLDER, VERSION, Made, encoder_key, load_encoder, store_encoder
from hsi_studio.methods.diffclip_inputs import Scaling, SceneInputs, fit_scaling
from hsi_studio.methods.diffclip_map import filled, steps_for
from hsi_studio.methods.diffclip_params import PRESETS, DiffClipParams
from hsi_studio.methods.live_checks import check_scene, enough_labels
from hsi_studio.methods.live_head import kernel, solve, thin
from hsi_studio.types import ClassInfo, ClassSchema, FloatArray, IntArray, LabelSet, Progress, PromptSet, Scene

if TYPE_CHECKING:
    import torch

    from hsi_studio.methods.nn.diffclip_finetune import ClassSource
    from hsi_studio.methods.nn.diffclip_net import ImageSide

CONTEXT = 77  # tokens a sentence at most
LOO_WIDTH, LOO_RIDGE, MAX_LOO = 2.0, 0.02, 2500  # of the least-squares check of the labels


@dataclass
class DiffClipFitted:
    """A trained network on a scene. Class scores of lattice pixels are made on first need and kept."""

    schema: ClassSchema
    params: DiffClipParams
    inputs: SceneInputs
    image: ImageSide
    prototypes: FloatArray  # (K, E) unit vectors
    inverse_temperature: float
    left_out: IntArray  # (N,)
    home_scene: str
    device: str
    history: dict[str, Any]  # losses, temperature, seconds: for people
    _scores: FloatArray | None = None  # (H/stride, W/stride, K), NaN where not known
    _done: npt.NDArray[np.bool_] | None = None  # (H/stride,) lattice rows that are known
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def warm(self, ctx: Context) -> None:
        """Run the network over the whole scene now, looking at cancel several times a second. Raises Cancelled."""
        height = self.inputs.scene.shape[0]
        self._ensure(slice(0, height), ctx.check, ctx.progress)

    def predict(self, block: Block) -> FloatArray:
        """(K, h, w) float32 summing to 1; NaN at invalid pixels. Raises SceneMismatch for another scene's block."""
        if block.scene.id != self.inputs.scene.id:
            raise SceneMismatch(
                f"The model stands on scene {self.inputs.scene.id}, the block is from {block.scene.id}: "
                "load the model for that scene, or fit it there."
            )
        p = self.params
        steps = steps_for(p.stride, p.smoothing)
        out = filled(self.inputs, self._known, self._classify, block.rows, block.cols, steps, p.edge_strength)
        return np.ascontiguousarray(out.transpose(2, 0, 1))  # (K, h, w)

    def embed(self, block: Block) -> FloatArray:
        """(h, w, E) unit vectors of every pixel; NaN at invalid ones."""
        valid = block.valid
        row, col = np.nonzero(valid)
        out = np.full((*valid.shape, self.prototypes.shape[1]), np.nan, dtype=np.float32)
        out[valid] = self._vectors(row + block.rows.start, col + block.cols.start)
        return out

    def leave_one_out(self) -> IntArray:
        """(N,) class the labels' patches would get from the others: see the module's header."""
        return self.left_out

    def state(self) -> State:
        """Arrays and a JSON header from which `DiffClip.from_state` makes the same map."""
        scene, scaling = self.inputs.scene, self.inputs.scaling
        arrays: Arrays = {f"net.{name}": value.cpu().numpy() for name, value in self.image.state_dict().items()}
        arrays |= scaling.arrays()
        arrays |= {"prototypes": self.prototypes, "left_out": np.asarray(self.left_out)}
        arrays |= {"bands": scaling.bands, "mean": scaling.centre}
        if scene.bands.wavelength_nm is not None:
            arrays["wavelength_nm"] = scene.bands.wavelength_nm
        header = {
            "method": "diffclip",
            "params": self.params.model_dump(mode="json"),
            "features_version": VERSION,
            "scene": self.home_scene,
            "bands": scene.bands.count,
            "layers": int(scaling.height_centre.size),
            "inverse_temperature": self.inverse_temperature,
            "history": self.history,
            "classes": [
                {"id": c.id, "name": c.name, "color": c.color, "reference_value": c.reference_value}
                for c in self.schema.classes
            ],
        }
        return State(arrays, header)

    def _probabilities(self, z: torch.Tensor) -> FloatArray:
        """(m, E) → (m, K)."""
        import torch

        with torch.inference_mode():
            logits = self.inverse_temperature * z @ torch.tensor(self.prototypes, device=z.device).T
            p: FloatArray = logits.softmax(dim=1).cpu().numpy()
        return p

    def _vectors(self, row: npt.NDArray[np.int64], col: npt.NDArray[np.int64]) -> FloatArray:
        """(m, E) of any pixels, patch by patch."""
        import torch

        from hsi_studio.methods.nn.diffclip_net import CHUNK_TOKENS, scene_tokens
        from hsi_studio.methods.nn.tokens import layout

        which = layout(self.params.tokens, self.params.patch)
        out = np.empty((row.size, self.prototypes.shape[1]), dtype=np.float32)
        chunk = max(1, CHUNK_TOKENS // (1 + len(which)))
        with torch.inference_mode():
            for start in range(0, row.size, chunk):
                at = slice(start, start + chunk)
                tokens = scene_tokens(self.inputs, which, row[at], col[at], self.device)
                t = torch.zeros(tokens[0].shape[0], dtype=torch.long, device=self.device)
                out[at] = self.image(tokens, t).cpu().numpy()
        return out

    def _classify(self, row: npt.NDArray[np.int64], col: npt.NDArray[np.int64]) -> FloatArray:
        import torch

        return self._probabilities(torch.tensor(self._vectors(row, col), device=self.device))

    def _known(self, rows: slice, cols: slice) -> FloatArray:
        """(h, w, K) with NaN off the lattice."""
        scores = self._ensure(rows)
        stride = self.params.stride
        out = np.full((rows.stop - rows.start, cols.stop - cols.start, len(self.schema)), np.nan, dtype=np.float32)
        first_r, first_c = -(-rows.start // stride), -(-cols.start // stride)
        lattice = scores[first_r : -(-rows.stop // stride), first_c : -(-cols.stop // stride)]
        out[first_r * stride - rows.start :: stride, first_c * stride - cols.start :: stride] = lattice
        return out

    def _ensure(
        self,
        rows: slice,
        check: Callable[[], None] = lambda: None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> FloatArray:
        """The lattice's scores, known at least in `rows`."""
        from hsi_studio.methods.nn.diffclip_net import lattice_embeddings, strips
        from hsi_studio.methods.nn.tokens import layout

        height, width, _ = self.inputs.scene.shape
        stride = self.params.stride
        which = layout(self.params.tokens, self.params.patch)
        with self._lock:
            if self._scores is None or self._done is None:
                shape = (-(-height // stride), -(-width // stride), len(self.schema))
                self._scores = np.full(shape, np.nan, dtype=np.float32)
                self._done = np.zeros(shape[0], dtype=bool)
            started = time.perf_counter()
            parts = list(strips(self.inputs, which, self.params.width * len(self.image.fronts), stride))
            parts = [p for p in parts if p.stop > rows.start and p.start < rows.stop]
            for number, part in enumerate(parts):
                mine = slice(part.start // stride, -(-part.stop // stride))
                if self._done[mine].all():
                    continue
                passed = time.perf_counter() - started
                left = passed / number * (len(parts) - number) if number else None
                progress(Progress("Running the network over the scene", number, len(parts), left))
                for r, c, z in lattice_embeddings(
                    self.inputs, which, self.image, part, stride, self.device, check
                ):  # fmt: skip
                    self._scores[r // stride, c // stride] = self._probabilities(z)
                self._done[mine] = True
            return self._scores


class DiffClip:
    """The `diffclip` method. Its only state is a bounded cache of scalings and encoders, which can be dropped."""

    name: ClassVar[str] = "diffclip"
    title: ClassVar[str] = "DiffCLIP"
    source: ClassVar[str] = (
        "J. Zhang, X. Cao et al., DiffCLIP: few-shot language-driven multimodal classifier, AAAI 2025; ours: foveated "
        "tokens, class targets, smoothing within edges"
    )
    Params: ClassVar[type[Params]] = DiffClipParams
    needs: ClassVar[frozenset[str]] = frozenset({"text", "pretraining"})
    halo_px: ClassVar[int] = 0
    presets: ClassVar[dict[str, dict[str, Any]]] = PRESETS
    quick: ClassVar[dict[str, Any]] = {
        "width": 32, "depth": 1, "heads": 4, "text_depth": 1, "patch": 3, "unlabelled": 32, "pretrain_epochs": 2,
        "epochs": 1, "min_steps": 30, "batch": 32, "smoothing": 10, "lr": 2e-3, "stride": 1, "average": 0.8,
    }  # fmt: skip

    def __init__(self, cache: FeatureCache | None = None) -> None:
        self.cache = cache or FeatureCache(300_000_000)

    def prepare(self, scene: Scene, params: DiffClipParams, ctx: Context) -> None:
        """Fit the scaling and pre-train the encoder, or find both in the cache. Raises BadValues, Cancelled."""
        inputs = self._inputs(scene, params, ctx)
        if params.use_pretraining:
            self._encoder(inputs, params, ctx)
        ctx.progress(Progress("Ready to fine-tune", 1.0, 1.0, 0.0))

    def fit(
        self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: DiffClipParams, ctx: Context
    ) -> DiffClipFitted:
        """Fine-tune. Every class of the schema needs a label: see `LabelSet.only_labelled`.

        Raises TooFewLabels, LabelProblem (a label on an invalid pixel), BadRequest (template), BadValues, Cancelled,
        and what the tokenizer or encoder raises.
        """
        enough_labels(labels)
        _on_data(scene, labels)
        inputs = self._inputs(scene, params, ctx)
        encoder = self._encoder(inputs, params, ctx) if params.use_pretraining else None
        import torch

        from hsi_studio.methods.nn.diffclip_finetune import finetune
        from hsi_studio.methods.nn.diffclip_net import scene_tokens
        from hsi_studio.methods.nn.diffclip_pretrain import new_image_side
        from hsi_studio.methods.nn.tokens import layout

        order = np.lexsort((labels.label, labels.col, labels.row))  # the order of clicks changes nothing
        row, col, label = (a[order].astype(np.int64) for a in (labels.row, labels.col, labels.label))
        which = layout(params.tokens, params.patch)
        tokens = scene_tokens(inputs, which, row, col, ctx.device, ctx.check)
        image = new_image_side(
            inputs.scaling.channels, len(which), params, ctx.device, torch.Generator().manual_seed(ctx.seed)
        )
        if encoder is not None:
            _load(image, encoder, params.keep_front_end)
        source = class_source(labels.schema, prompts, params, ctx)
        started = time.perf_counter()

        def report(fraction: float, loss: float) -> None:
            ctx.check()
            ctx.progress(_training("Fine-tuning", fraction, loss, started, 0.0))

        tuned = finetune(
            image,
            source,
            tokens,
            torch.as_tensor(label, device=ctx.device),
            which,
            params,
            ctx.device,
            ctx.seed,
            report,
        )
        left_out = np.empty(len(labels), dtype=np.int64)
        left_out[order] = label_check([x.cpu().numpy() for x in tokens], which.areas(), label, len(labels.schema))
        history = {
            "loss": [
                round(float(np.mean(part)), 5) for part in np.array_split(tuned.losses, min(20, len(tuned.losses)))
            ],
            "temperature": round(1.0 / tuned.inverse_temperature, 5),
            "seconds": round(time.perf_counter() - started, 2),
        }
        return DiffClipFitted(
            labels.schema, params, inputs, tuned.image, tuned.prototypes.cpu().numpy(), tuned.inverse_temperature,
            left_out, scene.id, ctx.device, history,
        )  # fmt: skip

    def from_state(self, state: State, scene: Scene, ctx: Context) -> DiffClipFitted:
        """The fitted model on `scene`, its own or another with the same bands. Raises SceneMismatch."""
        import torch

        from hsi_studio.methods.nn.diffclip_pretrain import new_image_side
        from hsi_studio.methods.nn.tokens import layout

        header, arrays = state.header, state.arrays
        check_scene(state, scene, VERSION)
        params = DiffClipParams.model_validate(header["params"])
        scaling = Scaling.from_arrays(arrays)
        which = layout(params.tokens, params.patch)
        image = new_image_side(scaling.channels, len(which), params, ctx.device, torch.Generator().manual_seed(0))
        image.load_state_dict(
            {name[4:]: torch.tensor(value) for name, value in arrays.items() if name.startswith("net.")}
        )
        return DiffClipFitted(
            ClassSchema(tuple(ClassInfo(**c) for c in header["classes"])), params, SceneInputs(scene, scaling), image,
            arrays["prototypes"], float(header["inverse_temperature"]), arrays["left_out"], header["scene"], ctx.device,
            header["history"],
        )  # fmt: skip

    def _inputs(self, scene: Scene, params: DiffClipParams, ctx: Context) -> SceneInputs:
        components = params.components if params.inputs == "components" else None
        use_dsm = params.use_dsm and scene.dsm is not None
        key = cache_key(scene.id, "diffclip_scaling", VERSION, {"components": components, "dsm": use_dsm})

        def report(fraction: float) -> None:
            ctx.check()
            ctx.progress(Progress("Learning the scene's scale", 0.1 * fraction, 1.0))

        folder = ctx.cache_dir / "features" if ctx.cache_dir is not None else None
        arrays = self.cache.get(key, lambda: fit_scaling(scene, components, use_dsm, report).arrays(), folder)
        return SceneInputs(scene, Scaling.from_arrays(arrays))

    def _encoder(self, inputs: SceneInputs, params: DiffClipParams, ctx: Context) -> Arrays:
        """Weights of the pre-trained image side: from memory, from disk, or made now and stored."""
        key = encoder_key(inputs.scene, params, ctx.device)
        folder = ctx.cache_dir / FOLDER if ctx.cache_dir is not None else None

        def find_or_make() -> Arrays:
            found = load_encoder(folder, key) if folder is not None else None
            if found is not None:
                return found[0]
            arrays, made = _pretrain(inputs, params, ctx)
            if folder is not None:
                store_encoder(folder, key, arrays, made)
            return arrays

        return self.cache.get(key, find_or_make)


def _pretrain(inputs: SceneInputs, params: DiffClipParams, ctx: Context) -> tuple[Arrays, Made]:
    """Stage 1 on patches drawn from the whole valid scene, without replacement."""
    from hsi_studio.methods.nn.diffclip_net import scene_tokens
    from hsi_studio.methods.nn.diffclip_pretrain import pretrain
    from hsi_studio.methods.nn.tokens import layout

    row, col = np.nonzero(inputs.scene.valid)
    count = min(params.unlabelled, row.size)
    drawn = np.sort(np.random.default_rng(params.pretrain_seed).choice(row.size, count, replace=False))
    which = layout(params.tokens, params.patch)
    tokens = scene_tokens(inputs, which, row[drawn], col[drawn], ctx.device, ctx.check)
    started = time.perf_counter()

    def report(fraction: float, loss: float) -> None:
        ctx.check()
        ctx.progress(_training(f"Pre-training on {count:,} unlabelled patches", fraction, loss, started, 0.1))

    image, losses = pretrain(tokens, which, params, ctx.device, report)
    arrays = {name: value.cpu().numpy().copy() for name, value in image.state_dict().items()}
    made = Made(
        count, params.pretrain_epochs, losses[0], losses[-1], time.perf_counter() - started,
        datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
    return arrays, made


def _training(message: str, fraction: float, loss: float, started: float, base: float) -> Progress:
    passed = time.perf_counter() - started
    left = passed * (1 - fraction) / fraction if fraction > 0.02 else None
    said = f"{message}, loss {loss:.3f}" if np.isfinite(loss) else message
    return Progress(said, base + (1 - base) * fraction, 1.0, left)


def _load(image: ImageSide, arrays: Arrays, keep_front_end: bool) -> None:
    """Pre-trained weights into a new image side; its head stays new, its front ends too unless they are kept."""
    import torch

    own = image.state_dict()
    for name, value in arrays.items():
        if name.startswith("encoder.") or (keep_front_end and name.startswith("fronts.")):
            own[name] = torch.tensor(value)
    image.load_state_dict(own)


def _on_data(scene: Scene, labels: LabelSet) -> None:
    outside = np.flatnonzero(~scene.valid[labels.row, labels.col])
    if outside.size:
        first = int(outside[0])
        raise LabelProblem(
            f"{outside.size} labels lie on pixels without data, the first at row {labels.row[first]}, "
            f"column {labels.col[first]}: remove them."
        )


def class_sentences(
    schema: ClassSchema, prompts: PromptSet, template: str
) -> tuple[list[str], npt.NDArray[np.float32]]:
    """All sentences, and (K, S) weights that average each class's. Classes without any get the template."""
    if "{class}" not in template:
        raise BadRequest(f"The template {template!r} has no {{class}}: put it where the class name belongs.")
    sentences: list[str] = []
    owner: list[int] = []
    for k, info in enumerate(schema.classes):
        for sentence in prompts.sentences.get(info.id) or (template.replace("{class}", info.name),):
            sentences.append(sentence)
            owner.append(k)
    weights = np.zeros((len(schema), len(sentences)), dtype=np.float32)
    weights[owner, np.arange(len(sentences))] = 1.0
    return sentences, weights / weights.sum(axis=1, keepdims=True)


def class_source(schema: ClassSchema, prompts: PromptSet, params: DiffClipParams, ctx: Context) -> ClassSource:
    """What the class side is trained from, on the device."""
    import torch

    from hsi_studio.methods.nn.diffclip_finetune import ClassSource

    if not params.use_text:
        return ClassSource(len(schema), {})
    sentences, weights = class_sentences(schema, prompts, params.template)
    tensors = {"mean": torch.tensor(weights, device=ctx.device)}
    if params.text_encoder != "scratch":
        from hsi_studio.text.encoders import get_encoder

        vectors = get_encoder(params.text_encoder, ctx.cache_dir).encode(sentences)  # (S, D')
        tensors["frozen"] = torch.tensor(vectors, device=ctx.device)
        return ClassSource(len(schema), tensors)
    from hsi_studio.text.tokens import token_set

    tokens = token_set(sentences, params.tokenizer, params.tokenizer_source, CONTEXT)
    tensors["ids"] = torch.tensor(tokens.ids, device=ctx.device)
    tensors["lengths"] = torch.tensor(tokens.lengths, device=ctx.device)
    return ClassSource(len(schema), tensors, len(tokens.vocabulary), CONTEXT)


def label_check(
    tokens: list[npt.NDArray[np.float32]], areas: FloatArray, label: npt.NDArray[np.int64], classes: int
) -> npt.NDArray[np.int64]:
    """(N,) leave-one-out class of least squares on the centre and the mean of each patch, which turning leaves alone.

    `tokens`: (N, T, C_m) a modality. Labels beyond MAX_LOO are told by a solution they took no part in.
    """
    weights = areas / areas.sum()
    centre = int(np.argmin(areas)) if len(areas) < 9 else _centre(areas)
    parts = [np.concatenate([x[:, centre], np.einsum("ntc,t->nc", x, weights)], axis=1) for x in tokens]
    features = np.concatenate(parts, axis=1).astype(np.float32)
    spread = float(np.sqrt(features.var(axis=0).sum()))
    features /= spread if spread > 0 else 1.0
    kept = thin(label, MAX_LOO)
    gram = kernel(features[kept], features[kept], LOO_WIDTH).astype(np.float64)
    head = solve(gram, label[kept], classes, LOO_RIDGE)
    out: npt.NDArray[np.int64] = (kernel(features, features[kept], LOO_WIDTH) @ head.dual).argmax(axis=1)
    out[kept] = head.left_out_scores().argmax(axis=1)
    return out


def _centre(areas: FloatArray) -> int:
    """Position of the centre pixel's token: the middle of the single-pixel ones, which come in row order."""
    return int((areas == 1).sum()) // 2


METHOD = DiffClip()
