"""Findings: what the image shows, written as a path such as "Pneumonia/Viral/COVID-19".

The hierarchy is that of Table 1 of Cohen et al. 2020 (Prospective Predictions): pneumonia,
its type, its genus or species.
"""

from dataclasses import dataclass

# The collection's own filter leaves these out (protocol of the paper's notebooks).
UNUSABLE = ("todo", "unknown", "")
PNEUMONIA = "Pneumonia"


@dataclass(frozen=True)
class Finding:
    """Hold the levels of a pneumonia finding; None where a level is not given.

    Parameters
    ----------
    kind : str or None
        The type: "Viral", "Bacterial", "Fungal", "Lipoid", "Aspiration".
    genus : str or None
        The genus or species. A further level ("H1N1", "MRSA") stays in the finding itself.
    """

    kind: str | None
    genus: str | None


def parse_finding(finding: str) -> Finding:
    """Split a finding at "/" into type and genus of pneumonia.

    Findings other than pneumonia ("Tuberculosis", "No Finding") have neither.

    Examples
    --------
    >>> parse_finding("Pneumonia/Viral/Influenza/H1N1")
    Finding(kind='Viral', genus='Influenza')
    >>> parse_finding("Pneumonia")
    Finding(kind=None, genus=None)
    """
    head, *levels = [part.strip() for part in finding.split("/")]
    if head != PNEUMONIA:
        return Finding(None, None)
    kind, genus = [*levels, "", ""][:2]
    return Finding(kind or None, genus or None)


def is_usable(finding: str) -> bool:
    """Tell whether a finding says something: not blank, "todo" or "Unknown".

    Examples
    --------
    >>> [is_usable(finding) for finding in ("No Finding", "todo", " ")]
    [True, False, False]
    """
    return finding.strip().casefold() not in UNUSABLE
