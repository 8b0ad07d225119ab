"""Runs one Pulumi program.

Started by path with the *program's* Python, which has the Pulumi SDK and nothing of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["main"]

REPORTED = 32
"""Exit code for "failed, and the user has been told why"."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a Pulumi program.")
    for name in ("monitor", "engine", "project", "stack", "organization", "root-directory", "pwd"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--parallel", type=int, default=0)
    parser.add_argument("program")
    parser.add_argument("arguments", nargs="*")
    return parser.parse_args()


def _own_traceback(error: Exception) -> str:
    """The traceback without the frames before the program's own, which say nothing to its author."""
    frames = traceback.extract_tb(error.__traceback__)
    started = max((index for index, frame in enumerate(frames) if "runpy" in frame.filename), default=-1)
    own = [frame for frame in frames[started + 1 :] if not frame.filename.startswith("<frozen ")]
    # limit=0 leaves the message alone: an error in the program's syntax has no frame.
    return "".join(traceback.format_exception(error, limit=-len(own)))


def _run(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


def main() -> int:
    """Run the program and return the exit code."""
    # Python put this file's directory first: the program must not find our modules by their short names.
    sys.path[:] = [path for path in sys.path if path != str(Path(__file__).parent)]
    options = _arguments()
    try:
        import pulumi
        import pulumi.runtime
    except ImportError:
        traceback.print_exc()
        print(  # noqa: T201
            f"The Pulumi SDK cannot be imported by {sys.executable}: install the project's requirements into it, or "
            "set the runtime option virtualenv in Pulumi.yaml to the environment that has them.",
            file=sys.stderr,
        )
        return 1
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=options.monitor,
            engine=options.engine,
            project=options.project,
            stack=options.stack,
            parallel=options.parallel,
            dry_run=options.dry_run,
            organization=options.organization,
            root_directory=options.root_directory,
        )
    )
    os.chdir(options.pwd)
    program = Path(options.program).absolute()
    sys.argv = [options.program, *options.arguments]
    if program.is_dir() and not (program / "__main__.py").is_file():
        pulumi.log.error(f"there is no Python program to run in {program}: it has no __main__.py")
        return REPORTED
    # Resources that were never waited for are normal after a failure; asyncio's complaints only hide the reason.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with ThreadPoolExecutor(max_workers=4 * max(options.parallel, 1)) as executor:
        loop.set_default_executor(executor)
        try:
            loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _run(options.program)))
        except pulumi.RunError as error:
            pulumi.log.error(str(error))
            return 1
        except KeyboardInterrupt:
            return REPORTED
        except Exception as error:
            pulumi.log.error("Program failed with an unhandled exception:\n" + _own_traceback(error))
            return REPORTED
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
