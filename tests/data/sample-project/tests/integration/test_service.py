import threading
import urllib.request
from http.server import ThreadingHTTPServer

from greeter import Handler


def test_the_service_answers_with_a_greeting():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/?name=Ada") as answer:
            assert answer.read() == b"Hello, Ada!"
        server.shutdown()
