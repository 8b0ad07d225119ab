"""``bighpc answer``: answers what people ask in the discussions of merge requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import gitlab
from gitlab.v4.objects import Project, ProjectMergeRequest
from rich.console import Console

from gitops.answer.explanation import describe, find
from gitops.answer.permission import refusal
from gitops.answer.question import Explain, Misunderstood, Preview
from gitops.answer.thread import FRESH, Progress, Waiting, claim, marker, say, waiting
from gitops.checkout import git, tree_at
from gitops.connection import Connection, gitlab_asked
from gitops.errors import CommandError
from gitops.markdown import LIMIT, cut
from gitops.parallel import run_all
from gitops.pulumi import engine
from gitops.pulumi.plan import Plan
from gitops.pulumi.stacks import check_known
from gitops.pulumi.state import State, read_state
from gitops.review.command import Wanted, look

__all__ = ["Request", "answer"]

_SILENT: Final = (
    "No pipeline has answered within an hour. Look whether the merge request's pipeline has the job, and ask again."
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """Whom to answer, and how."""

    directory: Path
    """A checkout of the project, with `origin` where the merge requests are."""
    out: Path
    """Where reports and logs go."""
    project: str
    """By path or number."""
    number: int | None
    """One merge request's ``iid``; None: all open ones."""
    limit_s: float
    """Seconds for one preview."""
    hand_over: bool
    """Run no code of a merge request here: its own pipeline is started, which answers with its own credentials."""


def answer(request: Request, console: Console) -> int:
    """Answer the questions that wait, and say how many there were.

    Args:
        request: whom to answer.
        console: where progress goes.

    Raises:
        CommandError: when GitLab cannot be asked, or does not take an answer.
    """
    connection = Connection.for_telling()
    project = connection.project(request.project)
    answered = 0
    with gitlab_asked(
        f"about {request.project}",
        "Look whether GITLAB_TOKEN or REVIEW_TOKEN has the scope api and its user the role Developer or more.",
    ):
        client = connection.client()
        client.auth()
        if client.user is None:
            raise CommandError("GITLAB_TOKEN belongs to no account", "Use a token of a user, a group or a project.")
        me = int(client.user.id)
        for number in _numbers(project, request.number):
            merge_request = project.mergerequests.get(number)
            answering = _Answering(request, project, merge_request, me, console)
            for each in list(waiting(merge_request, me, datetime.now(UTC))):
                said = answering.give(each)
                answered += said is not None
                if said:
                    console.print(f"!{number}, note {each.note['id']}: {said}", markup=False, soft_wrap=True)
    if not answered:
        console.print("nobody waits for an answer")
    return answered


def _numbers(project: Project, number: int | None) -> list[int]:
    if number is not None:
        return [number]
    since = (datetime.now(UTC) - FRESH).isoformat()
    listed = project.mergerequests.list(iterator=True, state="opened", updated_after=since)
    return sorted(int(each.get_id() or 0) for each in listed)


@dataclass
class _Answering:
    """The answers on one merge request."""

    request: Request
    project: Project
    merge_request: ProjectMergeRequest
    me: int
    console: Console
    started: str = ""
    """Address of the pipeline that answers what is handed over: one for all questions."""

    def give(self, asked: Waiting) -> str | None:
        """Answer one question, and say what was done; None when there was nothing to do."""
        busy = asked.progress is Progress.WORKING or (asked.progress is not None and self.request.hand_over)
        if busy and not asked.stale:
            return None
        if isinstance(asked.question, Misunderstood):
            text = f"{asked.question.reason}. {asked.question.remedy}"
            return self._at_once(asked, text[0].upper() + text[1:], "misunderstood")
        why_not = refusal(self.project, self.merge_request, asked.note)
        if why_not is not None:
            return self._at_once(asked, why_not, "refused")
        if self.request.hand_over:
            return self._hand_over(asked)
        number = claim(self.merge_request, asked, self.me, "⏳ Somebody looks at it.")
        if number is None:
            return "somebody else answers"
        head = marker(asked.note["id"], Progress.DONE)
        say(self.merge_request, asked, number, self._text(asked, asked.question, head))
        return "answered"

    def _at_once(self, asked: Waiting, text: str, said: str) -> str:
        number = claim(self.merge_request, asked, self.me, text)
        if number is None:
            return "somebody else answers"
        say(self.merge_request, asked, number, f"{marker(asked.note['id'], Progress.DONE)}\n{text}")
        return said

    def _hand_over(self, asked: Waiting) -> str:
        if asked.progress is not None:
            return self._at_once(asked, _SILENT, "given up")
        number = claim(
            self.merge_request, asked, self.me, "⏳ The merge request's pipeline will answer.", Progress.HANDED_OVER
        )
        if number is None:
            return "somebody else answers"
        try:
            self.started = self.started or str(self.merge_request.pipelines.create().web_url)
        except gitlab.GitlabError as error:
            text = f"No pipeline of this merge request can be started: {error.error_message}"
            return self._at_once(replace(asked, answer=number), text, "cannot be handed over")
        return f"handed over to {self.started}"

    def _text(self, asked: Waiting, question: Preview | Explain, head: str) -> str:
        """The answer; that it cannot be given is one too."""
        out = self.request.out / f"{self.merge_request.iid}-{asked.note['id']}"
        out.mkdir(parents=True, exist_ok=True)
        commit = str(self.merge_request.sha)
        try:
            with self._tree(commit) as tree:
                if isinstance(question, Preview):
                    return self._preview(question, tree, out, head)
                lines = _explain(question.resource, tree, out, self.request.limit_s, self.console)
                footer = f"Describes commit {commit[:8]}"
                return cut([head, *lines, "---", footer], LIMIT, "the job's log").strip()
        except CommandError as error:
            return f"{head}\nIt cannot be told: {error.reason}.\n\n{error.remedy}"

    def _preview(self, question: Preview, tree: Path, out: Path, head: str) -> str:
        wanted = Wanted(
            directory=tree,
            out=out,
            base=self.merge_request.diff_refs["base_sha"],
            stacks=[question.stack] if question.stack else (),
            refresh=question.refresh,
            limit_s=self.request.limit_s,
            target=None,
        )
        return look(wanted, self.console).render(marker=head)

    @contextmanager
    def _tree(self, commit: str) -> Iterator[Path]:
        """The merge request's code: this checkout when it is at that commit."""
        directory = self.request.directory
        if git(directory, "rev-parse", "HEAD").strip() == commit:
            yield directory
            return
        git(directory, "fetch", "--quiet", "origin", f"refs/merge-requests/{self.merge_request.iid}/head")
        fetched = git(directory, "rev-parse", "FETCH_HEAD").strip()
        if fetched != commit:
            raise CommandError(
                f"origin has {fetched[:8]} as the head of !{self.merge_request.iid}, GitLab says {commit[:8]}",
                "Look whether origin of the checkout is that project, and ask again.",
            )
        with tree_at(directory, commit) as tree:
            yield tree


def _explain(resource: str, tree: Path, out: Path, limit_s: float, console: Console) -> list[str]:
    known = check_known(tree, ())
    reads: dict[str, Callable[[Callable[[str], None]], State]] = {
        f"state of {name}": partial(_recorded, tree, name) for name in known
    }
    states = run_all(reads, console)
    having = list(dict.fromkeys(each.stack for each in find(resource, states, ())))
    plans = _previews(having or known, tree, out, limit_s, console)
    return list(describe(resource, find(resource, states, plans), states, plans, tree))


def _recorded(tree: Path, stack: str, tell: Callable[[str], None]) -> State:
    tell("asks the engine")
    return read_state(tree, stack)


def _previews(stacks: Sequence[str], tree: Path, out: Path, limit_s: float, console: Console) -> list[Plan]:
    jobs = {f"preview of {name}": partial(engine.run, engine.preview(name, tree, out, limit_s)) for name in stacks}
    return run_all(jobs, console)
