"""The platform's label on every object, whoever declares it."""

from __future__ import annotations

from typing import Any

import pulumi

from infra.values import names

_RELEASE = "kubernetes:helm.sh/v3:Release"


def owned_by(platform: str) -> pulumi.ResourceTransformation:
    """Return what gives each object of Kubernetes below a component the platform's label.

    What a Helm release makes gets it by the chart's own value `labels`.
    """

    def label(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("kubernetes:") or args.type_ == _RELEASE:
            return None
        metadata: Any = args.props["metadata"]
        labels = {**metadata.get("labels", {}), names.OWNER: platform}
        whole = {**args.props, "metadata": {**metadata, "labels": labels}}
        return pulumi.ResourceTransformationResult(whole, args.opts)

    return label
