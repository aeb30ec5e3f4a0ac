"""How a model's outputs are searched for; `docs/decoding.md` says what each option is good for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BeamSearch:
    """Follows several hypotheses at once and gives the best of them.

    Attributes:
        beam_width: Hypotheses followed, 1 to `Model.max_beam_width`.
        num_hypotheses: The most hypotheses returned, 1 to `beam_width`.
        length_penalty: alpha of Wu et al. 2016: prefers longer outputs; 0 (not at all) to 10.
        coverage_penalty: beta of Wu et al. 2016: prefers outputs that look at all of the source;
            0 (not at all) to 10.
        no_repeat_ngram_size: No so many tokens in a row come twice; 0: they may.
    """

    beam_width: int
    num_hypotheses: int = 1
    length_penalty: float = 0.0
    coverage_penalty: float = 0.0
    no_repeat_ngram_size: int = 0


@dataclass(frozen=True, slots=True)
class Sampling:
    """Draws every token at random, as probable as the model says unless told otherwise.

    Attributes:
        temperature: Below 1 prefers probable tokens more, above 1 less; 0.01 to 100.
        top_k: Draws from so many of the most probable tokens; 0: from all.
        top_p: Draws from the fewest tokens that have this probability together, above 0 to 1.
        seed: The same seed gives the same output, 32 bits. None: another at each call.
        num_samples: Outputs drawn for each text, 1 to 32, in the order in which they were drawn;
            two may be alike. A seed gives the same ones, however many are asked for.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int | None = None
    num_samples: int = 1
