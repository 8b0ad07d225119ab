"""A job's log: masked, kept in a file, sent piece by piece, again where GitLab lost something."""

from __future__ import annotations

import threading
import time
import zlib
from pathlib import Path
from typing import Any

from testbed.runner.masking import Masker
from testbed.runner.model import Job
from testbed.runner.protocol import Answer, Client, ProtocolError
from testbed.runner.stop import Reason, Stop

__all__ = ["JobLog"]

LIMIT = 4 * 1024 * 1024
"""Bytes of output that are collected, as in gitlab-runner."""

_PIECE = 512 * 1024
_KEEP_ALIVE = 5.0
"""Seconds without output after which GitLab is told that the job goes on; only then does it tell of a cancellation."""

_FINAL_LIMIT = 120.0
"""Seconds to get the rest of the log and the result through to GitLab."""

_RED, _GREEN, _YELLOW, _BOLD_CYAN, _RESET = "\033[31;1m", "\033[32;1m", "\033[0;33m", "\033[36;1m", "\033[0;m"


class JobLog:
    """Takes a job's output and sends it from a thread of its own."""

    first_interval = 3.0
    """Seconds between two pieces, until GitLab names another."""
    first_pause = 0.2
    """Seconds between two attempts to report the result; each further pause is twice as long."""

    def __init__(self, client: Client, job: Job, file: Path, stop: Stop) -> None:
        """Begin an empty log in a file, which only its owner may read."""
        self._client, self._job, self._stop = client, job, stop
        file.touch(mode=0o600)
        self._file = file.open("w+b")
        self._secrets = [job.token, *(each.value for each in job.variables if each.masked)]
        self._masker = Masker(self._secrets, job.features.token_mask_prefixes)
        self._lock = threading.Lock()
        self._size = self._sent = self._checksum = 0
        self._interval = self.first_interval
        self._full = False
        self._ending = threading.Event()
        self._sender = threading.Thread(target=self._send_always, name=f"log-{job.id}", daemon=True)
        self._sender.start()

    def write(self, data: bytes) -> None:
        """Add output of the script."""
        with self._lock:
            if self._full:
                return
            self._append(self._masker.feed(data))
            if self._size >= LIMIT:
                self._full = True
                notice = f"\n{_YELLOW}Job's log exceeded limit of {LIMIT} bytes; no more output is collected.{_RESET}\n"
                self._append(notice.encode())

    def line(self, text: str, style: str = "") -> None:
        """Add a line of the runner's own, whole and even when the script's output is too much."""
        with self._lock:
            self._append(self._masker.close())
            written = f"{style}{text}{_RESET}\n" if style else f"{text}\n"
            masker = Masker(self._secrets, self._job.features.token_mask_prefixes)
            self._append(masker.feed(written.encode()) + masker.close())

    def good(self, text: str) -> None:
        """Add a line that says that something went well."""
        self.line(text, _GREEN)

    def warn(self, text: str) -> None:
        """Add a warning."""
        self.line(f"WARNING: {text}", _YELLOW)

    def bad(self, text: str) -> None:
        """Add a line that says that something went wrong."""
        self.line(text, _RED)

    def section(self, name: str, title: str) -> _Section:
        """A part of the log that can be folded."""
        return _Section(self, name, title)

    def finish(self, state: str, **facts: Any) -> bool:
        """Send what is left and how the job ended; whether GitLab took note."""
        self._ending.set()
        self._sender.join()
        with self._lock:
            self._append(self._masker.close())
        limit = time.monotonic() + _FINAL_LIMIT
        pause = self.first_pause
        while time.monotonic() < limit:
            try:
                done = self._try_finish(state, facts)
            except ProtocolError:
                done = None
            if done is not None:
                return done
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
        return False

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _try_finish(self, state: str, facts: dict[str, Any]) -> bool | None:
        """One attempt; nothing means that there should be another."""
        while self._sent < self._size:
            answer = self._send_piece()
            if answer is None or answer.status not in (202, 416):
                return False if answer is not None and answer.status in (403, 404) else None
        output = {"checksum": f"crc32:{self._checksum:08x}", "bytesize": self._size}
        answer = self._client.update(self._job.id, self._job.token, state, output=output, **facts)
        if answer.status == 412:
            self._sent = 0
            return None
        if answer.status in (403, 404):
            return False
        return True if answer.status == 200 else None

    def _send_always(self) -> None:
        heard = time.monotonic()
        while not self._ending.wait(self._interval):
            try:
                answer = self._send_piece()
                if answer is None and time.monotonic() - heard > _KEEP_ALIVE:
                    answer = self._client.update(self._job.id, self._job.token, "running")
            except ProtocolError:
                continue  # What was not sent stays in the file and is sent later.
            if answer is not None:
                heard = time.monotonic()
                self._heed(answer)

    def _send_piece(self) -> Answer | None:
        """Send the next piece, if there is one."""
        with self._lock:
            self._file.seek(self._sent)
            data = self._file.read(_PIECE)
            self._file.seek(0, 2)
        if not data:
            return None
        answer = self._client.patch_trace(self._job.id, self._job.token, self._sent, data)
        if answer.status == 202:
            self._sent += len(data)
        elif answer.status == 416 and answer.offset is not None:
            self._sent = min(answer.offset, self._size)
        return answer

    def _heed(self, answer: Answer) -> None:
        """Do what GitLab's answer asks for."""
        if answer.interval is not None:
            self._interval = answer.interval
        if answer.job_status == "canceling":
            self._stop.ask(Reason.CANCELED)
        elif answer.job_status in ("canceled", "failed") or answer.status in (403, 404):
            self._stop.ask(Reason.ABORTED)

    def _append(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()
        self._size += len(data)
        self._checksum = zlib.crc32(data, self._checksum)


class _Section:
    """Writes the marks that GitLab's log view folds by."""

    def __init__(self, log: JobLog, name: str, title: str) -> None:
        self._log, self._name, self._title = log, name, title

    def __enter__(self) -> None:
        mark = f"\033[0Ksection_start:{int(time.time())}:{self._name}\r\033[0K"
        self._log.line(f"{mark}\033[0K{_BOLD_CYAN}{self._title}{_RESET}")

    def __exit__(self, *_: object) -> None:
        self._log.line(f"\033[0Ksection_end:{int(time.time())}:{self._name}\r\033[0K")
