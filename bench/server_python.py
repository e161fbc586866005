"""A receiver with Python's standard library, which verifies the signature, parses the body and calls one handler,
for the comparison in bench/server.lua. Prints its port, and ends at the end of its input; argv[1] is the secret."""

import hashlib
import hmac
import http.server
import json
import os
import sys
import threading

SECRET = sys.argv[1].encode()
count = 0


def handle(event):
    global count
    count += 1


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, self.headers.get("X-Api-Video-Signature", "")):
            self.send_response(401)
        else:
            handle(json.loads(body))
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):  # ignores connections that are reset
        pass


server = Server(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
os._exit(0)
