"""The examination: every rule in turn, causes before what follows from them."""

from typing import Any

from glassnet.history import History
from glassnet.insight.doctor import course, outcome, signals, steps, table
from glassnet.insight.doctor.diagnosis import Diagnosis, Finding
from glassnet.insight.doctor.patient import Patient
from glassnet.network import Network

RULES = (
    table.rows_mixed,
    table.constant_target,
    table.outlier_target,
    table.unscaled_target,
    table.unscaled_columns,
    table.constant_columns,
    table.duplicate_columns,
    steps.non_finite,
    steps.wrong_gradient,
    signals.symmetric_weights,
    signals.dead_units,
    signals.saturated_units,
    signals.vanishing_gradient,
    signals.exploding_gradient,
    steps.far_start,
    steps.small_updates,
    steps.large_updates,
    course.diverged,
    course.rising_loss,
    course.oscillating_loss,
    outcome.missing_class,
    outcome.no_better_than_constant,
    outcome.majority,
    course.plateau,
    outcome.cannot_overfit,
    outcome.local_minimum,
    outcome.learned_by_heart,
    course.overfitting,
)
FATAL = {"rows_mixed"}  # behind which nothing else means anything
# what explains that these go badly too, so that they would say nothing new
CAUSES = {
    *("constant_target", "outlier_target", "unscaled_target", "unscaled_columns", "non_finite"),
    *("wrong_gradient", "symmetric_weights", "dead_units", "saturated_units"),
    *("vanishing_gradient", "exploding_gradient", "small_updates", "large_updates", "diverged"),
}
FOLLOWING = {
    *(outcome.missing_class, outcome.cannot_overfit),
    *(outcome.local_minimum, outcome.learned_by_heart),
}


def diagnose(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    history: History | None = None,
    validation: Any = None,
    rates: bool = False,
    **how: Any,
) -> Diagnosis:
    """Look for reasons why a network does not learn; `Network.diagnose` tells the options."""
    patient = Patient(network, X, y, sample_weight, history, validation, how)
    findings: list[Finding] = []
    for rule in RULES:
        names = {finding.name for finding in findings}
        if names & FATAL or (rule in FOLLOWING and names & CAUSES):
            continue
        if (finding := rule(patient)) is not None:
            findings.append(finding)
    return Diagnosis(findings, patient.told, patient.rates if rates else None)
