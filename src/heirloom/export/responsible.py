"""Croissant's terms of responsible AI, as far as manifests, columns and the method say them. What nobody has stated is said to be so.

The terms are those of Croissant RAI 1.0 (MLCommons 2024), with ``rai:hasSyntheticData`` as venues ask for it.
"""

from __future__ import annotations

from typing import Any

from heirloom.export.subject import RowCounts, Subject

_TAILS = (
    "What a model writes lacks some of what is rare in the rows that it was trained on, and more so with each generation "
    "(Shumailov et al. 2024, model collapse). Rare words, values and groups are under-represented in the synthetic rows."
)
_USES = (
    "Research on what models inherit when they are trained on the output of models. It is not intended as a substitute for "
    "human text or for observations, nor for training models that people are to rely on."
)
_IMPACT = (
    "Synthetic rows that reach training data unmarked make later models worse. Every row here says whether a model wrote it, "
    "and which one, so that it can be told apart and left out."
)


def terms(subjects: list[Subject], counts: list[RowCounts]) -> dict[str, Any]:
    """Return the terms of one or more datasets of one experiment.

    Parameters
    ----------
    counts
        Rows of each dataset, and how many of them a model wrote.
    """
    total = sum(count.total for count in counts)
    synthetic = sum(count.synthetic for count in counts)
    subject = subjects[0]
    share = RowCounts(total, synthetic, None).sentence
    is_synthetic = synthetic > 0
    return {
        "rai:hasSyntheticData": is_synthetic,
        "rai:dataCollection": f"{_collection(subject)} {share} were written by models." if is_synthetic else _collection(subject),
        "rai:dataCollectionType": ["Synthetic", "Existing datasets"] if is_synthetic else ["Existing datasets"],
        "rai:dataLimitations": [_limitation(subject, is_synthetic=is_synthetic)],
        "rai:dataBiases": [_TAILS if is_synthetic else "Those of the source; nobody has stated them."],
        "rai:dataUseCases": [_USES],
        "rai:dataSocialImpact": _IMPACT,
        "rai:personalSensitiveInformation": [_personal(subject)],
    }


def _collection(subject: Subject) -> str:
    if _is_law(subject):
        return f"Numbers drawn from the law `{subject.source['name']}` that the manifest of the real data names."
    return f"Real rows are from the source `{subject.source['name']}`, whose files and hashes are given as what this was derived from."


def _limitation(subject: Subject, *, is_synthetic: bool) -> str:
    if not is_synthetic:
        return "A sample of its source, divided for experiments on models that learn from models; no claim beyond that source holds."
    written = "text that no person wrote" if subject.is_text else "numbers that nobody observed"
    return f"The synthetic rows are {written}: they may be false, repetitive or senseless. Statistics of them are not those of the source."


def _personal(subject: Subject) -> str:
    if _is_law(subject):
        return "None: every number was drawn from a law or a model fitted to such numbers."
    return "Not stated: real rows are as their source has them, and nobody has examined them. Models may repeat what they have read."


def _is_law(subject: Subject) -> bool:
    """Return whether the real rows are drawn from a law, not read from files."""
    from heirloom.sources.input_files import ROLES

    return not any(source.role in ROLES for source in subject.real.inputs)
