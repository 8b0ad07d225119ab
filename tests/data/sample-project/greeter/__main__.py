"""Serves on all addresses, as a container does; ``PORT`` is 8080 unless set."""

import os
from http.server import ThreadingHTTPServer

from greeter import Handler

ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()
