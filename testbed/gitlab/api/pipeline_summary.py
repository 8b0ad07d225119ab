"""Pipelines in passing, as other entities show them."""

from __future__ import annotations

from typing import Any

from testbed.gitlab.api.entities import web_url
from testbed.gitlab.forge import Forge
from testbed.gitlab.store import Pipeline

__all__ = ["pipeline_summary"]


def pipeline_summary(pipeline: Pipeline, forge: Forge) -> dict[str, Any]:
    """A pipeline in passing."""
    return {
        "id": pipeline.id,
        "iid": pipeline.iid,
        "project_id": pipeline.project_id,
        "sha": pipeline.sha,
        "ref": pipeline.ref,
        "status": pipeline.status,
        "source": pipeline.source,
        "created_at": pipeline.created_at,
        "updated_at": pipeline.updated_at,
        "web_url": f"{web_url(pipeline.project, forge)}/-/pipelines/{pipeline.id}",
    }
