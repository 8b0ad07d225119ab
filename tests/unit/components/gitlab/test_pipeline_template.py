from __future__ import annotations

from collections.abc import Callable

import pytest

from components.gitlab.pipeline_template import PipelineTemplate, PipelineTemplateArgs
from components.gitlab.project_spec import TemplateSpec
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]
FILES = {"templates/default.yml": "spec: {}\n", "README.md": "# Default\n"}


def template(*, catalog: bool) -> Callable[[], object]:
    spec = TemplateSpec(folder="default", catalog=catalog)
    args = PipelineTemplateArgs(spec=spec, project_id="7", branch="main", files=FILES)
    return lambda: PipelineTemplate("default", args)


def test_every_file_is_published_as_it_is_over_what_gitlab_put_there(build: Build) -> None:
    done = build(template(catalog=False))
    files = done.of("gitlab:index/repositoryFile:RepositoryFile")
    assert {file.inputs["filePath"]: file.inputs["content"] for file in files} == FILES
    assert all(file.inputs["overwriteOnCreate"] is True for file in files)


@pytest.mark.parametrize("catalog", [True, False])
def test_it_is_in_the_catalogue_only_when_asked_for(build: Build, catalog: bool) -> None:
    done = build(template(catalog=catalog))
    assert len(done.of("gitlab:index/projectCicdCatalog:ProjectCicdCatalog")) == int(catalog)
