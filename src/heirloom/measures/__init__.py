"""Measures: pure functions from arrays, counts and texts to numbers; formula, unit and source stand in each docstring."""

OF_MODELS = (
    *("test_perplexity", "test_loss_by_frequency", "test_elbo"),
    *("test_stop_rate", "test_completion_tokens", "test_exact_match", "test_token_f1", "test_rouge_l"),
)
"""Measures of a generation's model on held-out rows. Others of text and images are of the rows that its parent wrote: at generation 1 these
are the origin's under every regime."""


def is_of_model(metric: str) -> bool:
    """Return whether a metric is of a generation's model, and not of the rows that its parent wrote."""
    return metric.split(".", maxsplit=1)[0] in OF_MODELS
