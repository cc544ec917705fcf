"""The model that the harness's own command line calls ``neuroglot``: any of ours, with neurons off.

lm_eval --model neuroglot --model_args pretrained=gemma3-270m,neurons=vi.json --tasks neuroglot_xnli_vi
"""

from contextlib import ExitStack

import torch

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.harness.lm import HarnessModel
from neuroglot.intervention.hooks import intervene, prove
from neuroglot.intervention.kinds import Intervention, kind_named
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet


class RegisteredModel(HarnessModel):
    """A model by name, intervened on from its first answer to its last."""

    def __init__(
        self,
        pretrained: str,
        neurons: str | None = None,
        kind: str = "zero",
        revision: str | None = None,
        dtype: str = "float32",
        precision: str = "auto",
        device: str | None = None,
        batch_size: int | str = 16,
        max_batch_size: int | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        """Loads a model and switches neurons off.

        Args:
            pretrained: What `LanguageModel.load` takes: ``gemma3-270m``, a folder, a GGUF file, a hub id.
            neurons: File of a neuron set; default: the model is left alone.
            kind: What is done to them: ``zero``, ``scale(0.5)``, ``constant(0)``; no kind that needs means.
            revision: As in `LanguageModel.load`, like the next two.
            dtype: Of weights and activations.
            precision: Of products.
            device: A device; the harness's default of a GPU gives way where there is none.
            batch_size: Answers generated at the same time; what is read is packed by length instead.
            max_batch_size: The harness passes it; nothing here depends on it.
            trust_remote_code: Run code that a hub repository brings along.

        Raises:
            NeuroglotError: The model or the set cannot be had, do not fit, or do not do what they say.
        """
        if kind_named(kind).reads:
            raise NeuroglotError(
                f"intervention {kind!r} needs mean activations, which only a run has", "kind"
            )
        if device and device.startswith("cuda") and not torch.cuda.is_available():
            device = "cpu"
        model = LanguageModel.load(
            pretrained,
            revision=revision,
            dtype=dtype,
            precision=precision,
            device=device,
            trust_remote_code=trust_remote_code,
        )
        super().__init__(model, batch_size)
        self._on = ExitStack()
        if neurons is not None:
            act = Intervention(NeuronSet.load(neurons), kind)
            with model.products():
                prove(model, [act])
            self._on.enter_context(intervene(model, act))
