"""What confounded metadata means for whoever trains or tests on the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.audit.confounding import TRUE_NEGATIVE_RATE, Prediction, RuleResult, best_value, predict_group, rule_on
from hybridwing.audit.findings import EvidenceTable, Finding, Severity
from hybridwing.audit.sources import FEW, ClassSource
from hybridwing.audit.wording import count, interval_text, listed, of_text, share_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.audit.tables import AuditedTable, Group

_SERIOUS, _CAUTION, _LITTLE = 0.5, 0.15, 0.05
"""How far from chance a column surely is (recall + TNR - 1 at the unfavourable ends of the intervals) to be serious, to
need care, and to be spoken of at all."""
_VALUE_IN_WORDS = {
    "record": "Record {}",
    "side": "The side “{}”",
    "file type": "The file type “{}”",
    "file-name pattern": "The file-name pattern “{}”",
    "specimen-number pattern": "The specimen-number pattern “{}”",
    "white standard": "White standard in the file name: “{}”",
}


def measure_columns(
    train: AuditedTable, groups: Sequence[Group], *, seed: int
) -> tuple[list[RuleResult], list[Prediction]]:
    """Try every metadata column of the catalogue on every group; columns of one value say nothing and are left out."""
    rules, predictions = [], []
    for column, values in train.columns.items():
        value = best_value(values, train.hybrid)
        if value is not None:
            rules += [rule_on(column, value, group) for group in groups]
            predictions += [predict_group(column, train, group, seed=seed) for group in groups]
    return rules, predictions


def confounding_findings(
    train: AuditedTable, rules: Sequence[RuleResult], predictions: Sequence[Prediction]
) -> list[Finding]:
    """A finding for each column that predicts the label, and one for those that do not."""
    found, weak = [], []
    for column in dict.fromkeys(rule.column for rule in rules):
        own_rules = [rule for rule in rules if rule.column == column]
        own_predictions = [prediction for prediction in predictions if prediction.column == column]
        strength = _strength(own_rules, own_predictions)
        if strength >= _LITTLE:
            found.append((strength, _predictive(train, own_rules, own_predictions, _severity(strength))))
        else:
            weak.append((column, own_rules))
    findings = [finding for _, finding in sorted(found, key=lambda item: -item[0])]
    return findings + ([_harmless(train, weak)] if weak else [])


def source_findings(sources: Sequence[ClassSource], train: str) -> list[Finding]:
    """Classes of one record, and classes whose records were hardly trained on."""
    findings = []
    for table in dict.fromkeys(source.table for source in sources):
        own = [source for source in sources if source.table == table]
        single = [source for source in own if source.only_record]
        if single:
            findings.append(_single_record(own, single, table))
        unseen = [source for source in own if source.trained_on < FEW and source.images > 1]
        if table != train and unseen:
            findings.append(_hardly_trained(unseen, table, train))
    return findings


def _strength(rules: Sequence[RuleResult], predictions: Sequence[Prediction]) -> float:
    """How far the worst case surely is from chance: from the unfavourable ends of the intervals."""
    by_rule = [rule.recall.interval.low + rule.true_negatives.interval.low - 1 for rule in rules]
    by_rate = [one.even_interval.low - (1 - TRUE_NEGATIVE_RATE) for one in predictions]
    return max([*by_rule, *by_rate], default=0.0)


def _severity(strength: float) -> Severity:
    return "serious" if strength >= _SERIOUS else "caution" if strength >= _CAUTION else "note"


def _predictive(
    train: AuditedTable, rules: Sequence[RuleResult], predictions: Sequence[Prediction], severity: Severity
) -> Finding:
    told = _worth_telling(rules, train)
    worst = told[0]
    name = _VALUE_IN_WORDS[worst.column].format(worst.value)
    meaning = (
        f"A model can get this far without looking at a wing: whatever else the images with this {worst.column} have "
        "in common (background, ruler, light, camera) stands in for being a hybrid. A recall near these numbers "
        "proves nothing about wing patterns."
    )
    blind = [rule for rule in rules if rule.table == worst.table and not rule.recall.count]
    if blind:
        missed = listed([f"{rule.recall.total:,} {rule.group}" for rule in blind])
        meaning += (
            f" It has none of the {missed} in {worst.table}: a model that learned it ranks them below every non-hybrid "
            "that has it."
        )
    return Finding(
        "confounding",
        severity,
        f"{worst.column} predicts label",
        f"{name} alone, no picture needed, finds in {worst.table} "
        + listed(
            [
                f"{of_text(rule.recall)} {rule.group} (recall {rule.recall.share:.3f} at a true-negative rate of "
                f"{rule.true_negatives.share:.3f})"
                for rule in told
            ]
        )
        + ".",
        meaning,
        _remedy(worst.column),
        (_rule_table(rules, train), _prediction_table(predictions)),
    )


def _worth_telling(rules: Sequence[RuleResult], train: AuditedTable) -> list[RuleResult]:
    """Results on the table with the most hybrids, a reference before the catalogue; those well above chance."""
    tables = {rule.table for rule in rules if rule.table != train.name} or {train.name}
    sizes = {table: sum(rule.recall.total for rule in rules if rule.table == table) for table in sorted(tables)}
    largest = max(sizes, key=lambda table: sizes[table])
    own = sorted((rule for rule in rules if rule.table == largest), key=lambda rule: -rule.informedness)
    return [rule for rule in own if rule.informedness >= _CAUTION] or own[:1]


def _remedy(column: str) -> str:
    common = "State this rule's numbers beside the model's; a model is only worth what it adds to them."
    if column == "record":
        return (
            "Validate with whole records held out (hybridwing train --split record), balance records when sampling, "
            f"and mask or replace the background. {common}"
        )
    if column == "side":
        return f"Train and test on one side only, or on each apart; drop the rest. {common}"
    return (
        "Never give the model file names, and look at what else these images share; often it is the record or the "
        f"camera, so hold whole records out (hybridwing train --split record). {common}"
    )


def _rule_table(rules: Sequence[RuleResult], train: AuditedTable) -> EvidenceTable:
    rows = tuple(
        (
            f"{rule.group}, {rule.table}" + (" (chosen here)" if rule.table == train.name else ""),
            of_text(rule.recall),
            share_text(rule.recall),
            of_text(rule.true_negatives),
            share_text(rule.true_negatives),
        )
        for rule in rules
    )
    return EvidenceTable(
        f"The rule “{rules[0].column} is {rules[0].value}”, chosen on {train.name}; in brackets Wilson's 95 % "
        "intervals.",
        ("measured on", "hybrids with it", "recall", "non-hybrids without it", "true-negative rate"),
        rows,
    )


def _prediction_table(predictions: Sequence[Prediction]) -> EvidenceTable:
    rows = tuple(
        (
            f"{one.group}, {one.table}" + (" (each fifth by the other four)" if one.held_out else ""),
            f"{one.even_recall:.3f} ({interval_text(one.even_interval)})",
            share_text(one.recall),
            share_text(one.true_negatives),
            f"{one.roc_auc:.3f}",
        )
        for one in predictions
    )
    return EvidenceTable(
        f"Every {predictions[0].column} scored by its hybrid rate in training, ties at the threshold broken by lot; "
        "the challenge's own threshold calls none of the tied images a hybrid, so it can miss the 95 % by far.",
        ("measured on", "recall at 95 % TNR", "recall, challenge's threshold", "TNR there", "ROC AUC"),
        rows,
    )


def _harmless(train: AuditedTable, weak: Sequence[tuple[str, Sequence[RuleResult]]]) -> Finding:
    rows = tuple(
        (column, rule.value, f"{rule.group}, {rule.table}", share_text(rule.recall), share_text(rule.true_negatives))
        for column, rules in weak
        for rule in [max(rules, key=lambda rule: rule.informedness)]
    )
    return Finding(
        "confounding",
        "clear",
        "metadata without effect",
        f"{listed([column for column, _ in weak]).capitalize()} alone {'says' if len(weak) == 1 else 'say'} next to "
        "nothing about the label.",
        f"The best value of each, chosen on {train.name}, is nowhere surely more than {_LITTLE:.2f} above chance "
        "(recall + TNR − 1).",
        "Nothing to do.",
        (
            EvidenceTable(
                "Best single-value rule of each column, where it does best.",
                ("column", "value", "measured on", "recall", "true-negative rate"),
                rows,
            ),
        ),
    )


def _single_record(own: Sequence[ClassSource], single: Sequence[ClassSource], table: str) -> Finding:
    classes = len({(source.class_name, source.hybrid) for source in own})
    hybrids = [source.class_name for source in single if source.hybrid]
    images = sum(source.images for source in single)
    return Finding(
        "confounding",
        "caution",
        "class from one record",
        f"{len(single)} of {count(classes, 'class', 'classes')} in {table} come from one record only "
        f"({count(images, 'image')}).",
        "For these classes nobody can tell what is the butterfly and what is the photographer's bench: class and "
        "record "
        "are one and the same." + (f" Hybrids among them: {listed(hybrids)}." if hybrids else ""),
        "Do not quote a number for such a class alone. Look for images of it in another record, or mask the "
        "background and check that the model still tells it apart.",
        (
            EvidenceTable(
                f"Classes of {table} with a single record.",
                ("class", "record", "images", "images of the record in training"),
                tuple((s.class_name, s.record, s.images, s.trained_on) for s in single),
            ),
        ),
    )


def _hardly_trained(unseen: Sequence[ClassSource], table: str, train: str) -> Finding:
    top = unseen[0]
    whole = f"All {top.images:,}" if top.only_record else f"{top.images:,} of {top.class_images:,}"
    images = sum(source.images for source in unseen)
    return Finding(
        "confounding",
        "serious" if top.images >= FEW else "caution",
        "record hardly trained on",
        f"{whole} {top.class_name} in {table} come from record {top.record}, which has "
        f"{count(top.trained_on, 'image')} in {train}.",
        f"{count(images, 'image')} of {table} are from records with fewer than {FEW} images in {train}. Their "
        "backgrounds are new to the model; where they are non-hybrids, a threshold set on held-out training images "
        "will raise false alarms on them, and a threshold set on them hides how it does elsewhere.",
        "Hold whole records out in validation (hybridwing train --split record) to see this before the test does, "
        "and state the true-negative rate record by record.",
        (
            EvidenceTable(
                f"Classes of {table} by record, where {train} has fewer than {FEW} images of the record.",
                ("class", "record", "images", "of all of the class", "of the record in training", "of them this class"),
                tuple(
                    (s.class_name, s.record, s.images, s.class_images, s.trained_on, s.trained_on_class) for s in unseen
                ),
            ),
        ),
    )
