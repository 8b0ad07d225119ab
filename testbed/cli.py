"""The commands ``bighpc testbed ...``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from testbed.errors import UserError
from testbed.layout import DEFAULT_NAME, Layout
from testbed.progress import Progress

if TYPE_CHECKING:
    from testbed.status import Entry

__all__ = ["app"]

app = typer.Typer(name="testbed", help="A single-machine Kubernetes with everything around it.", no_args_is_help=True)

Name = Annotated[str, typer.Option("--name", help="Which testbed; several can run beside each other.")]


@app.command()
def prepare() -> None:
    """Install system packages and build the tools, once for all testbeds; `up` does that too."""
    from testbed import operations

    with _explained():
        progress = Progress()
        operations.prepare(progress)
        progress.done("packages and tools are there", progress.elapsed)


@app.command()
def up(
    name: Name = DEFAULT_NAME,
    simulated_nodes: Annotated[
        int | None, typer.Option(min=0, max=5000, help="Simulated compute nodes beside the real one.", show_default="3")
    ] = None,
    real_node: Annotated[
        bool | None,
        typer.Option("--real-node/--no-real-node", help="Run containers on this machine, as node testbed-0."),
    ] = None,
    port: Annotated[list[str] | None, typer.Option("--port", help="Fix a port: NAME=PORT; repeatable.")] = None,
) -> None:
    """Bring everything up that is not up yet, and wait until it is ready."""
    from testbed import operations
    from testbed.host.ports import parse_choices

    with _explained():
        layout, progress = Layout(name=name), Progress()
        wishes = operations.Wishes(
            simulated_nodes=simulated_nodes, real_node=real_node, ports=parse_choices(port or [])
        )
        context = operations.up(layout, wishes, progress)
        progress.done(f"testbed {name!r} is ready: KUBECONFIG={context.layout.kubeconfig}", progress.elapsed)


@app.command()
def deploy(name: Name = DEFAULT_NAME) -> None:
    """Bring the three stacks up on a running testbed, and wait until their applications answer."""
    from testbed.deployment import deploy as run
    from testbed.environment import of_commands
    from testbed.existing import load_context
    from testbed.summary import print_summary

    with _explained():
        context, progress = load_context(Layout(name=name)), Progress()
        environment = of_commands(context)
        # `pulumi` and `bighpc` are looked up on this process's PATH.
        os.environ["PATH"] = context.search_path
        deployed = run(context, environment, progress)
        progress.done(f"the platform is up on testbed {name!r}", progress.elapsed)
        print_summary(context, deployed)


@app.command()
def image(
    image: Annotated[str, typer.Argument(help="Which image; a wrong name shows those that there are.")],
    name: Name = DEFAULT_NAME,
    anew: Annotated[
        bool, typer.Option("--anew", help="Of the packages that there are now; else as it was made before.")
    ] = False,
) -> None:
    """Make an image of Debian packages, push it to a running testbed's registry, and print its name by digest."""
    from testbed.existing import load_context
    from testbed.images import IMAGES, publish

    with _explained():
        if image not in IMAGES:
            raise UserError(f"{image!r} is no image of the testbed; there are {', '.join(sorted(IMAGES))}")
        context, progress = load_context(Layout(name=name)), Progress()
        with progress.live(), progress.step(f"image {IMAGES[image]} (a minute the first time)"):
            reference = publish(context, IMAGES[image], progress.say, anew=anew)
        sys.stdout.write(f"{reference}\n")


@app.command()
def jupyterhub(
    environment: Annotated[str, typer.Argument(help="dev, preview or prod.")] = "dev", name: Name = DEFAULT_NAME
) -> None:
    """Give an environment a JupyterHub: its images, an application of GitLab, and settings in the stack's file."""
    from testbed import jupyterhub as hub
    from testbed.environment import of_commands
    from testbed.existing import load_context
    from testbed.stacks import ORDER

    with _explained():
        if environment not in ORDER:
            raise UserError(f"{environment!r} is no environment; there are {', '.join(ORDER)}")
        context, progress = load_context(Layout(name=name)), Progress()
        hub.configure(context, environment, of_commands(context), progress)
        progress.done(f"now `pulumi up --stack {environment}`; then {hub.hub_url(context, environment)}", 0)


@app.command()
def down(
    name: Name = DEFAULT_NAME,
    purge: Annotated[bool, typer.Option("--purge", help="Remove its data, keys and logs too.")] = False,
) -> None:
    """End everything; the data stay for the next time."""
    from testbed import operations

    with _explained():
        layout, progress = Layout(name=name), Progress()
        (operations.purge if purge else operations.down)(layout, progress)
        progress.done(f"testbed {name!r} is {'gone' if purge else 'down'}", progress.elapsed)


@app.command()
def status(
    name: Name = DEFAULT_NAME, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """Show every part of the testbed; ends with 1 when something is not ready."""
    from testbed.status import collect

    with _explained():
        entries = collect(Layout(name=name))
        if as_json:
            sys.stdout.write(json.dumps([entry.as_dict() for entry in entries], indent=2) + "\n")
        else:
            _print_table(entries)
        if not all(entry.ready for entry in entries):
            raise typer.Exit(1)


@app.command()
def logs(
    part: Annotated[str, typer.Argument(help="A process as `status` names it, or supervisord.")],
    name: Name = DEFAULT_NAME,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as the log grows.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many lines from its end.")] = 100,
) -> None:
    """Show the end of a process's log."""
    with _explained():
        directory = Layout(name=name).logs
        known = sorted(path.stem for path in directory.glob("*.log"))
        if part not in known:
            there = ", ".join(known) or f"none: testbed {name!r} was never brought up"
            raise UserError(f"{part!r} has no log; there are {there}")
        # -F: the file is replaced when it is rotated.
        command = ["tail", "-n", str(lines), *(["-F"] if follow else []), str(directory / f"{part}.log")]
        try:
            raise typer.Exit(subprocess.call(command))
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


@app.command()
def fault(
    fault: Annotated[str, typer.Argument(help="Which one; a wrong name shows those that there are.")],
    moment: Annotated[str, typer.Argument(help="begin or end.")],
    environment: Annotated[str, typer.Argument(help="Whose update, state or token it is.")] = "dev",
    name: Name = DEFAULT_NAME,
) -> None:
    """Make something go wrong on purpose, or end that; `bighpc drill` asks for it."""
    from testbed.existing import load_context
    from testbed.faults import FAULTS

    with _explained():
        if fault not in FAULTS:
            raise UserError(f"{fault!r} is no fault of the testbed; there are {', '.join(FAULTS)}")
        if moment not in {"begin", "end"}:
            raise UserError(f"a fault begins or ends; {moment!r} is neither begin nor end")
        act = FAULTS[fault].begin if moment == "begin" else FAULTS[fault].end
        sys.stdout.write(act(load_context(Layout(name=name)), environment) + "\n")


@app.command()
def env(name: Name = DEFAULT_NAME) -> None:
    """Print shell exports, for ``eval "$(bighpc testbed env)"``."""
    from testbed.environment import exports
    from testbed.existing import load_context
    from testbed.salts import keep_out

    with _explained():
        context = load_context(Layout(name=name))
        keep_out()
        sys.stdout.write(exports(context))


def _print_table(entries: Sequence[Entry]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("name", "kind", "ready", "pid", "version", "address, or why not ready"):
        table.add_column(column, overflow="fold")
    for entry in entries:
        ready = "[green]yes[/]" if entry.ready else "[red]no[/]"
        pid = str(entry.pid or "")
        table.add_row(
            entry.name, entry.kind, ready, pid, entry.version, escape(entry.reason or entry.url or entry.note)
        )
    # Narrower than this, columns are folded until nobody can read them.
    Console(width=max(Console().width, 120)).print(table)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn failures that people can do something about into one message and exit code 1."""
    try:
        yield
    except (UserError, ValueError, OSError) as error:
        Console(stderr=True, highlight=False).print("[red]error:[/] ", end="")
        Console(stderr=True, highlight=False, markup=False).print(str(error), soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run the same command again to go on\n")
        raise typer.Exit(130) from None
