"""A small OpenAI-like server for scripts: answers by the word that a request shares with a queue (or, asked to write freely, that there are four), writes down what it was asked.
Run by itself (`python3 _server.py PORT JOURNAL [ANSWERS]`), so that it can be killed; after ANSWERS paid answers it goes down by itself."""
import atexit
import http.server
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

QUEUES = {"fruit": "apples", "metal": "iron", "music": "drums", "water": "river"}
KEY = "sk-acceptance-" + "7" * 20


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/v1/models":
            return self.reply({"object": "list", "data": [{"id": "m", "object": "model", "max_model_len": 4096}]})
        return self.reply({"error": {"message": "no such endpoint"}}, 404)

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = json.loads(text)
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return self.reply({"error": {"message": f"wrong key: {self.headers.get('Authorization')}"}}, 401)
        if self.path == "/v1/embeddings":
            return self.reply({"data": [{"index": i, "embedding": self.vector(t)} for i, t in enumerate(asked["input"])]})
        if self.path != "/v1/chat/completions":
            return self.reply({"error": {"message": "no such endpoint"}}, 404)
        server = self.server
        if server.answers == 0:
            os._exit(3)  # in the middle of a request, as a crash would
        server.answers -= 1
        prompt = " ".join(m["content"] for m in asked["messages"])
        newest = prompt.rsplit("please send", 1)[-1]
        queue = next((q for q, word in QUEUES.items() if word in newest), "fruit")
        with open(server.journal, "a") as journal:
            journal.write(text.replace("\n", " ") + "\n")
            journal.flush()
            os.fsync(journal.fileno())
        content = json.dumps({"choice": queue}) if "response_format" in asked else "Thought: two and two\nAnswer: 4"
        usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": 6}
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for chunk in ({"choices": [{"index": 0, "delta": {"role": "assistant", "content": content[:5]}}]}, {"choices": [{"index": 0, "delta": {"content": content[5:]}}]},
                      {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}):
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    @staticmethod
    def vector(text):
        out = [0.01] * 16
        for word in text.split():
            out[sum(word.encode()) % 16] += 1.0
        return out


def start(port, journal, answers=-1):
    """The server as a process of its own, when it answers."""
    process = subprocess.Popen([sys.executable, __file__, str(port), str(journal), str(answers)])
    atexit.register(process.kill)  # whatever becomes of the test
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=2).read()
            return process
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise SystemExit("the server of the test does not start")


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answered(journal):
    path = pathlib.Path(journal)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


if __name__ == "__main__":
    class Server(http.server.ThreadingHTTPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 64

    serving = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    serving.journal, serving.answers = sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else -1
    serving.serve_forever()
