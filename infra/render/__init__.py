"""The Pulumi program as plain Kubernetes manifests, without Pulumi's engine or a cluster."""

from infra.render.files import REDACTED, write
from infra.render.manifests import Identity, Manifest
from infra.render.program import render

__all__ = ["REDACTED", "Identity", "Manifest", "render", "write"]
