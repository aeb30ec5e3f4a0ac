"""What a model is worth on dev, while it is being trained."""

from __future__ import annotations

from model_export.config import Recipe
from model_export.data.batches import batch_dataset
from model_export.data.buckets import plan_epoch
from model_export.data.examples import Example
from model_export.evaluation.alignment import Aligner
from model_export.evaluation.metrics import Metrics, task_metrics, with_alignment
from model_export.evaluation.text_outputs import TextDecoder
from model_export.models import Seq2Seq
from model_export.training.prepare import PreparedData
from model_export.training.steps import evaluation_step


class DevEvaluation:
    """Measures a model's present weights.

    Args:
        recipe: Says what to measure.
        data: The dev examples.
        model: The model.
    """

    def __init__(self, recipe: Recipe, data: PreparedData, model: Seq2Seq) -> None:
        self._recipe = recipe
        self._data = data
        self._loss_of_batch = evaluation_step(model)
        self._decoder = TextDecoder(
            model,
            source_tokenizer=data.source_tokenizer,
            target_tokenizer=data.target_tokenizer,
            max_target_tokens=recipe.seq2seq_model.max_target_tokens,
            batch_size=recipe.evaluation.batch_size,
        )
        self._aligner: Aligner | None = None
        if recipe.data.links is not None and data.source_tokenizer is not None:
            self._aligner = Aligner(
                model,
                recipe.seq2seq_model,
                source_tokenizer=data.source_tokenizer,
                target_tokenizer=data.target_tokenizer,
                unit=recipe.data.links.unit,
            )

    def loss(self) -> float:
        """Mean loss of a target token of the part of dev looked at during training, in nats."""
        pairs = self._data.progress_dev_pairs
        sizes = self._recipe.training.batch_sizes
        plan = plan_epoch(pairs, batch_sizes=sizes, seed=0, epoch=0)
        results = [self._loss_of_batch(batch) for batch in batch_dataset(pairs, plan)]
        return sum(float(loss) for loss, _ in results) / sum(int(count) for _, count in results)

    def progress_metrics(self) -> dict[str, float]:
        """The task's measures on that part, by name, with greedy search; counts left out."""
        metrics = self._metrics(self._data.progress_dev).as_dict()
        return {name: value for name, value in metrics.items() if not name.endswith("_count")}

    def full_metrics(self) -> Metrics:
        """The task's measures on the whole of dev, with greedy search."""
        return self._metrics(self._data.dev)

    def _metrics(self, examples: tuple[Example, ...]) -> Metrics:
        outputs = self._decoder.decode_examples(examples)
        references = [example.references for example in examples]
        metrics = task_metrics(self._recipe, outputs, references)
        error_rate = self._aligner.error_rate(examples) if self._aligner else None
        return with_alignment(metrics, error_rate)
