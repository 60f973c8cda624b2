"""Container images, tagged by the hash of what goes in and built once each."""

from __future__ import annotations

from infra.images.build import BuiltImage, build, held, needs, push
from infra.images.recipes import NAMES, content_hash

__all__ = ["NAMES", "BuiltImage", "build", "content_hash", "held", "needs", "push"]
