"""Directories and files of a project at a ref."""

from __future__ import annotations

import mimetypes

from starlette.responses import Response

from testbed.gitlab.core.errors import not_found
from testbed.gitlab.repositories.commits import last_commit_of
from testbed.gitlab.repositories.reading import blob_at, tree_at
from testbed.gitlab.web.locating import Place, locate
from testbed.gitlab.web.markup import Links, code_lines, markdown
from testbed.gitlab.web.rendering import address
from testbed.gitlab.web.summaries import directory
from testbed.gitlab.web.visits import Views, Visit

__all__ = ["views"]

views = Views()

SHOWN_BYTES = 512 * 1024
"""Of a file; larger ones are offered as they are."""

IMAGES = frozenset({"image/gif", "image/jpeg", "image/png", "image/svg+xml", "image/webp"})


@views.project("/tree/{address:path}")
def tree(visit: Visit) -> Response:
    """A directory."""
    place = locate(visit.repository, visit.args["address"])
    found = tree_at(place.commit, place.path)
    if found is None:
        return _other_view(visit, "blob", place)
    return visit.show(
        "tree.html",
        project=visit.project,
        ref=place.ref,
        path=place.path,
        head=place.commit,
        entries=directory(found),
        branches=sorted(visit.repository.branches.local),
    )


@views.project("/blob/{address:path}")
def blob(visit: Visit) -> Response:
    """A file."""
    place = locate(visit.repository, visit.args["address"])
    found = blob_at(place.commit, place.path)
    if found is None:
        return _other_view(visit, "tree", place)
    content, _ = found
    name = place.path.rpartition("/")[2]
    image = _kind(name) in IMAGES
    readable = not image and not content.is_binary and content.size <= SHOWN_BYTES
    text = content.data.decode(errors="replace") if readable else ""
    rendered = None
    if readable and name.lower().endswith((".md", ".markdown")) and "plain" not in visit.request.query_params:
        rendered = markdown(text, Links(address(visit.project), place.ref, place.path.rpartition("/")[0]))
    return visit.show(
        "blob.html",
        project=visit.project,
        ref=place.ref,
        path=place.path,
        head=last_commit_of(visit.repository, place.commit, place.path) or place.commit,
        size=content.size,
        image=image,
        readable=readable,
        rendered=rendered,
        markdown_file=name.lower().endswith((".md", ".markdown")),
        lines=code_lines(text, name) if readable and rendered is None else [],
    )


@views.project("/raw/{address:path}")
def raw(visit: Visit) -> Response:
    """The bytes of a file. Whatever they are, no browser runs them."""
    place = locate(visit.repository, visit.args["address"])
    found = blob_at(place.commit, place.path)
    if found is None:
        raise not_found("File")
    content, _ = found
    kind = _kind(place.path)
    if kind not in IMAGES:
        kind = "application/octet-stream" if content.is_binary else "text/plain; charset=utf-8"
    headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    return Response(content.data, headers=headers, media_type=kind)


def _other_view(visit: Visit, view: str, place: Place) -> Response:
    """A directory that was asked for as a file, or the other way round."""
    there = blob_at(place.commit, place.path) if view == "blob" else tree_at(place.commit, place.path)
    if there is None:
        raise not_found("File")
    return visit.go(address(visit.project, view, place.ref, place.path))


def _kind(name: str) -> str | None:
    return mimetypes.guess_type(name)[0]
