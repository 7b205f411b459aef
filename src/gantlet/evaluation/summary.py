"""The summary of an evaluation: one verdict in a sentence, then what was found, worst first."""

from collections.abc import Sequence

from gantlet.evaluation.figures import Finding

ORDER = {"fault": 0, "warning": 1, "good": 2}


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Faults, then warnings, then what is good; each thing once."""
    seen: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.kind, finding.words), finding)
    return tuple(sorted(seen.values(), key=lambda finding: ORDER[finding.severity]))


def verdict(findings: Sequence[Finding]) -> str:
    """What a person should take away if they read one sentence."""
    faults = [finding for finding in findings if finding.severity == "fault"]
    warnings = [finding for finding in findings if finding.severity == "warning"]
    if faults:
        named = ", ".join(dict.fromkeys(_spoken(finding.kind) for finding in faults))
        return f"Something is wrong: {named}."
    if warnings:
        named = ", ".join(dict.fromkeys(_spoken(finding.kind) for finding in warnings))
        return f"No fault was found; worth knowing: {named}."
    return "No fault was found."


def _spoken(kind: str) -> str:
    return kind.replace("_", " ")
