"""Issue boards of groups and projects, with their lists."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import select

from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.api.labels import label_entity
from testbed.gitlab.api.milestones import milestone_entity
from testbed.gitlab.core.access import lineage
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import bad_request, missing, not_found, parameter_error, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import CommaSeparated, NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Board, BoardList, Container, Label, Milestone, Project, User

__all__ = ["routes"]

routes = Routes(anonymous=False)

RowT = TypeVar("RowT", Label, Milestone)


class CreateBoard(Params):
    """POST .../boards."""

    name: NotEmpty


class UpdateBoard(Params):
    """PUT .../boards/:board_id."""

    name: str | None = None
    assignee_id: int | None = None
    milestone_id: int | None = None
    labels: CommaSeparated | None = None
    weight: int | None = None
    hide_backlog_list: bool | None = None
    hide_closed_list: bool | None = None


class CreateList(Params):
    """POST .../boards/:board_id/lists."""

    label_id: int | None = None
    assignee_id: int | None = None
    milestone_id: int | None = None
    iteration_id: int | None = None


class MoveList(Params):
    """PUT .../boards/:board_id/lists/:list_id."""

    position: int


def board_entity(call: Call, board: Board) -> dict[str, Any]:
    """A board with its lists."""
    container = board.container
    labels = call.session.scalars(select(Label).where(Label.id.in_(board.label_ids)).order_by(Label.name))
    assignee = call.session.get(User, board.assignee_id) if board.assignee_id else None
    owner: dict[str, Any]
    if isinstance(container, Project):
        owner = {
            "project": {
                "id": container.id,
                "name": container.name,
                "name_with_namespace": f"{container.namespace.full_name} / {container.name}",
                "path": container.path,
                "path_with_namespace": container.full_path,
                "web_url": call.forge.url(container.full_path),
            }
        }
    else:
        web_url = call.forge.url(container.web_path)
        owner = {"group": {"id": container.id, "name": container.name, "web_url": web_url}}
    return {
        "id": board.id,
        "name": board.name,
        "hide_backlog_list": board.hide_backlog_list,
        "hide_closed_list": board.hide_closed_list,
        **owner,
        "lists": [_list_entity(call, board, each) for each in board.lists],
        "milestone": milestone_entity(board.milestone, call.forge) if board.milestone else None,
        "assignee": user_basic(assignee, call.forge),
        "labels": [label_entity(label, container) for label in labels],
        "weight": board.weight,
    }


@routes.get("/:container/boards")
def list_boards(call: Call) -> Page:
    """The boards."""
    statement = select(Board).where(Board.of(call.container())).order_by(Board.id)
    return call.page(statement, Board.id, lambda row: board_entity(call, row))


@routes.get("/:container/boards/{board_id}")
def get_board(call: Call) -> dict[str, Any]:
    """One board."""
    return board_entity(call, _board(call))


@routes.post("/:container/boards")
def create_board(call: Call, params: CreateBoard) -> dict[str, Any]:
    """Create a board without lists."""
    container = call.container(Level.PLANNER)
    owner = {"project" if isinstance(container, Project) else "namespace": container}
    return board_entity(call, call.add(Board(name=params.name, lists=[], **owner)))


@routes.put("/:container/boards/{board_id}")
def update_board(call: Call, params: UpdateBoard) -> dict[str, Any]:
    """Change what a board is called and which issues it shows."""
    board = _board(call, Level.PLANNER)
    owners = lineage(board.container)
    if params.labels is not None:
        found = call.session.scalars(select(Label.id).where(Label.of(*owners), Label.name.in_(params.labels)))
        board.label_ids = list(found)
    if params.milestone_id:
        _row(call, Milestone, params.milestone_id, owners)
    for name, value in params.given("labels").items():
        setattr(board, name, (value or None) if name.endswith("_id") else value)
    call.session.flush()
    call.session.refresh(board)
    return board_entity(call, board)


@routes.delete("/:container/boards/{board_id}")
def delete_board(call: Call) -> None:
    """Remove a board."""
    call.session.delete(_board(call, Level.PLANNER))


@routes.get("/:container/boards/{board_id}/lists")
def list_lists(call: Call) -> Page:
    """The lists of a board, from left to right."""
    board = _board(call)
    return call.page_of(board.lists, lambda each: _list_entity(call, board, each))


@routes.get("/:container/boards/{board_id}/lists/{list_id}")
def get_list(call: Call) -> dict[str, Any]:
    """One list."""
    board = _board(call)
    return _list_entity(call, board, _list(call, board))


@routes.post("/:container/boards/{board_id}/lists")
def create_list(call: Call, params: CreateList) -> dict[str, Any]:
    """Add a list at the right end."""
    board = _board(call, Level.PLANNER)
    given = {name: value for name, value in params.given().items() if value is not None}
    names = ", ".join(CreateList.model_fields)
    if len(given) != 1:
        rule = "are mutually exclusive" if given else "are missing, exactly one parameter must be provided"
        raise parameter_error(f"{names} {rule}")
    if "iteration_id" in given:
        raise bad_request("Iteration not found!")
    owners = lineage(board.container)
    if params.label_id is not None and _row(call, Label, params.label_id, owners) is None:
        raise rejected(400, {"error": "Label not found!"})
    if params.milestone_id is not None and _row(call, Milestone, params.milestone_id, owners) is None:
        raise rejected(400, {"error": "Milestone not found!"})
    if params.assignee_id is not None and call.session.get(User, params.assignee_id) is None:
        raise rejected(400, {"error": "Assignee not found!"})
    if any(getattr(each, name) == value for each in board.lists for name, value in given.items()):
        kind = next(iter(given)).removesuffix("_id")
        raise rejected(400, {f"{kind}_id": ["has already been taken"]})
    board.lists.append(BoardList(position=len(board.lists), **given))
    call.session.flush()
    return _list_entity(call, board, board.lists[-1])


@routes.put("/:container/boards/{board_id}/lists/{list_id}")
def move_list(call: Call, params: MoveList) -> dict[str, Any]:
    """Move a list to another place."""
    board = _board(call, Level.PLANNER)
    found = _list(call, board)
    others = [each for each in board.lists if each is not found]
    others.insert(max(0, params.position), found)
    _renumber(others)
    call.session.flush()
    return _list_entity(call, board, found)


@routes.delete("/:container/boards/{board_id}/lists/{list_id}")
def delete_list(call: Call) -> None:
    """Remove a list."""
    board = _board(call, Level.PLANNER)
    board.lists.remove(_list(call, board))
    _renumber(board.lists)


def _board(call: Call, at_least: Level = Level.NONE) -> Board:
    container = call.container(at_least)
    number = call.number("board_id", "Board")
    found = call.session.scalar(select(Board).where(Board.of(container), Board.id == number))
    if found is None:
        raise not_found("Board") if call.kind == "groups" else missing()
    return found


def _list(call: Call, board: Board) -> BoardList:
    number = call.number("list_id", "List")
    for each in board.lists:
        if each.id == number:
            return each
    raise missing()


def _row(call: Call, model: type[RowT], number: int, owners: list[Container]) -> RowT | None:
    return call.session.scalar(select(model).where(model.of(*owners), model.id == number))


def _renumber(lists: list[BoardList]) -> None:
    for position, each in enumerate(lists):
        each.position = position


def _list_entity(call: Call, board: Board, each: BoardList) -> dict[str, Any]:
    entity: dict[str, Any] = {
        "id": each.id,
        "label": None,
        "position": each.position,
        "max_issue_count": 0,
        "max_issue_weight": 0,
        "limit_metric": None,
    }
    if each.label is not None or each.label_id is not None:
        label = each.label or call.session.get(Label, each.label_id)
        entity["label"] = label_entity(label, board.container) if label else None
    if each.assignee_id is not None:
        entity["assignee"] = user_basic(call.session.get(User, each.assignee_id), call.forge)
    if each.milestone_id is not None:
        milestone = call.session.get(Milestone, each.milestone_id)
        entity["milestone"] = milestone_entity(milestone, call.forge) if milestone else None
    return entity
