"""Measures of predictions: inputs, then the kernel, then the reduction."""

from ._cross_entropy import cross_entropy
from ._divergence import kl_contributions, kl_divergence, reverse_kl_divergence
from ._guessing import expected_accuracy_bound, perplexity
from ._information import entropy, surprisal
from ._per_sample import PER_SAMPLE, index_of, per_sample, per_sample_frame
from ._samples import kl_from_samples
from ._symmetric import jeffreys_divergence, jensen_shannon_divergence

__all__ = [
    "PER_SAMPLE",
    "cross_entropy",
    "entropy",
    "expected_accuracy_bound",
    "index_of",
    "jeffreys_divergence",
    "jensen_shannon_divergence",
    "kl_contributions",
    "kl_divergence",
    "kl_from_samples",
    "per_sample",
    "per_sample_frame",
    "perplexity",
    "reverse_kl_divergence",
    "surprisal",
]
