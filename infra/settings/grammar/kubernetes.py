"""Kubernetes' own rules: names, labels, annotations, quantities.

Of a quantity's spellings those without exponent, and with a digit before the point. Sources:
https://kubernetes.io/docs/concepts/overview/working-with-objects/names/,
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ and
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from infra.settings.grammar.text import HIGHEST_PORT, SecretsPlace, is_plain, matching

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
_FACTORS = {
    "": "1", "m": "1e-3", "k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12", "P": "1e15",
    **{f"{letter}i": str(2 ** (10 * power)) for power, letter in enumerate("KMGTP", start=1)},
}  # fmt: skip
_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_PART = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_PART}(?:\.{_PART})*"
_WORD = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_MIB = 2.0**20
_PIB = 2.0**50
# More than any node has.
_MOST_CORES = 100_000
# https://kubernetes.io/docs/setup/best-practices/cluster-large/
MOST_PODS = 150_000


def amount(quantity: str) -> float:
    """Return a Kubernetes quantity in its base unit (cores, bytes or a count).

    Raises:
        ValueError: if it is not a quantity.
    """
    match = _QUANTITY.fullmatch(quantity)
    if not match:
        raise ValueError('a Kubernetes quantity such as "500m", "2" or "1.5Gi"')
    # Exactly first: 350m is 0.35.
    return float(Decimal(match[1]) * Decimal(_FACTORS[match[2] or ""]))


def _cores(value: str) -> str:
    cores = amount(value)
    if value[-1] in "kMGTPi":
        raise ValueError('cores, such as "500m", "2" or "1.5"')
    # The API server rounds up what is finer, and then refuses what it has rounded.
    if abs(cores * 1000 - round(cores * 1000)) > 1e-6:  # noqa: PLR2004
        raise ValueError("cores in whole thousandths")
    if not 0 < cores <= _MOST_CORES:
        raise ValueError(f"between 1m and {_MOST_CORES} cores")
    return value


def _bytes(least: float, least_text: str) -> AfterValidator:
    def check(value: str) -> str:
        if value.endswith("m"):
            raise ValueError('bytes, such as "512Mi": m is a thousandth of a byte')
        if not least <= amount(value) <= _PIB:
            raise ValueError(f"between {least_text} and 1Pi of bytes")
        return value

    return AfterValidator(check)


def _namespace(value: str) -> str:
    if value == "default" or value.startswith("kube-"):
        raise ValueError(
            "a namespace of the platform's own; default and kube-… are the cluster's, and quota "
            "and Pod Security would be set on them"
        )
    return value


_label = matching(
    _LABEL, "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit", 63
)
_name = matching(
    _SUBDOMAIN,
    "1 to 253 of a-z, 0-9, - and ., each part between points beginning and ending with one of "
    "a-z 0-9",
)
_label_value = matching(
    f"(?:{_WORD})?",
    "a label's value: at most 63 of A-Z, a-z, 0-9, -, _ and ., beginning and ending with a letter "
    "or digit",
    63,
)
_qualified = matching(
    rf"(?:(?=[^/]{{1,253}}/){_SUBDOMAIN}/)?{_WORD}",
    "a label's key: at most 63 of A-Z, a-z, 0-9, -, _ and ., with a domain and / before it or none",
    253 + 1 + 63,
)


def _annotation(value: str) -> str:
    # The API server takes them in any case.
    _qualified(value.lower())
    return value


def _annotations(value: Mapping[str, str]) -> Mapping[str, str]:
    for text in value.values():
        if not is_plain(text.replace("\n", "").replace("\t", "")):
            raise ValueError("values without control characters but ends of lines and tabs")
    return value


# A number is taken as its text; of a boolean pydantic makes none.
_number = Field(coerce_numbers_to_str=True)
Cpu = Annotated[str, _number, AfterValidator(_cores)]
Memory = Annotated[str, _number, _bytes(16 * _MIB, "16Mi")]
Storage = Annotated[str, _number, _bytes(64 * _MIB, "64Mi")]
Label = Annotated[str, AfterValidator(_label)]
NamespaceName = Annotated[str, AfterValidator(_label), AfterValidator(_namespace)]
ObjectName = Annotated[str, AfterValidator(_name)]
SecretName = Annotated[str, AfterValidator(_name), SecretsPlace()]
LabelKey = Annotated[str, AfterValidator(_qualified)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
Labels = Mapping[LabelKey, LabelValue]
NodeSelector = Labels
AnnotationKey = Annotated[str, AfterValidator(_annotation)]
Annotations = Annotated[Mapping[AnnotationKey, str], AfterValidator(_annotations)]
Port = Annotated[int, Field(ge=1, le=HIGHEST_PORT)]
NodePort = Annotated[int, Field(ge=30000, le=32767)]
Replicas = Annotated[int, Field(ge=1, le=20)]
