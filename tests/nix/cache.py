"""A binary cache over HTTP: DIRECTORY

Prints its address, and a line for each request: the method, the number of bytes of the body, and the path.
"""

import functools
import http.server
import os
import sys

directory = sys.argv[1]


class Cache(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        size = int(self.headers["Content-Length"])
        path = self.translate_path(self.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(f"{path}.part", "wb") as file:
            file.write(self.rfile.read(size))
        os.rename(f"{path}.part", path)
        print("PUT", size, self.path, flush=True)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def copyfile(self, source, outputfile):
        print("GET", os.fstat(source.fileno()).st_size, self.path, flush=True)
        super().copyfile(source, outputfile)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Cache, directory=directory))
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
