"""Servers that are of little use: a run says why, charges what was used, ends when it is told to, and a full disk costs no answer. Blanks in a model's name; what
embeddings cost; `hone doctor --model` shows its rows as they come."""
import http.server
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time

from _hone import BIN, hone, last_json, scratch, small_desk
from _server import QUEUES


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, value, status=200, headers=()):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/v1/models":
            return self.reply({"data": [{"id": "My Model.gguf"}]})
        return self.reply({"error": {"message": "no such endpoint"}}, 404)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.asked.append((self.path, asked))
        if server.mode == "busy":
            return self.reply({"error": {"message": "slow down"}}, 429, [("Retry-After", "25")])
        if self.path == "/v1/embeddings" and server.mode == "good":
            data = [{"index": i, "embedding": [1.0 + len(t) % 3, 1.0, 0.5]} for i, t in enumerate(asked["input"])]
            return self.reply({"data": data, "usage": {"prompt_tokens": 5 * len(data), "total_tokens": 5 * len(data)}})
        if self.path != "/v1/chat/completions":
            return self.reply({"error": {"message": "no such endpoint"}}, 404)
        if server.mode == "stalled":
            server.over.wait(120)
            self.close_connection = True
            return
        prompt = " ".join(m["content"] for m in asked["messages"]).rsplit("please send", 1)[-1]
        queue = next((q for q, word in QUEUES.items() if word in prompt), "fruit")
        content = None if server.mode == "null" else json.dumps({"choice": queue})
        self.reply({"choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 10, "completion_tokens": 3}})


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, mode):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mode, self.asked, self.lock, self.over = mode, [], threading.Lock(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def ended(process, seconds):
    """Its status, and how long it took after now; the bound is loose, for a busy machine."""
    started = time.monotonic()
    out, err = process.communicate(timeout=seconds)
    return process.returncode, time.monotonic() - started, out, err


with scratch() as folder:
    recipe = small_desk(folder)
    environment = {**os.environ, "HONE_CACHE": f"{folder}/cache"}
    environment.pop("OPENAI_API_KEY", None)

    def words(server, *more):
        return ["learn", recipe, "--set", f"model={server.url}", "--set", "model.backoff_s=0.05", *more]

    prices = ["--set", "prices.prompt=1000", "--set", "prices.generated=1000"]

    # Replies without content: each try faults, is paid for, and the cap on tokens bites.
    empty, home = Server("null"), f"{folder}/empty"
    tight = [*prices, "--set", "budget.tokens=20", "--set", "model.cache=false"]
    done = hone(*words(empty, *tight), home=home, check=1, env=environment)
    assert "ended by a fault" in done.stdout and "expected one of 4 choices" in done.stdout and "money" in done.stdout, done.stdout
    assert "every try that asked the model ended by a fault" in done.stderr, done.stderr
    result = last_json(hone(*words(empty, *tight), "--json", home=home, check=1, env=environment))  # shown again, as failed
    chats = sum(path == "/v1/chat/completions" for path, _ in empty.asked)
    assert result["tokens"] == 13 * chats and result["money"] > 0 and "failed" in result, (result, chats)
    of = {f["of"]: f for f in result["faults"]}
    assert of["before"]["faults"] == of["before"]["tries"] and "expected one of 4 choices" in of["before"]["first"] and of["learning"]["faults"] > 0, of
    report = json.load(open(result["report"].replace("report.html", "report.json")))
    assert report["run"]["ended_by"] == "tokens" and report["faults"] == result["faults"], report["run"]
    assert any("expected one of 4 choices" in w for w in report["warnings"]) and "expected one of 4 choices" in open(result["report"]).read()
    shown = hone("runs", "show", "small", home=home, env=environment).stdout
    assert "tries of 'before'; the first: " in shown and "expected one of 4 choices" in shown, shown

    # A cache that can't be written: the same scores as with one, and a word about it.
    good = Server("good")
    done = hone(*words(good), home=f"{folder}/unkept", env={**environment, "HONE_CACHE": "/proc/nope"})
    assert "100.0 %" in done.stdout and "warning: /proc/nope/replies: can't be written" in done.stdout and done.stdout.count("/proc/nope") == 1, done.stdout
    assert "ended by a fault" not in done.stdout and not done.stdout.rstrip().splitlines()[-2].startswith("0 tokens"), done.stdout

    # What an embedder read is counted and priced, in tries and when lessons are kept.
    without = last_json(hone(*words(good, *prices), "--json", home=f"{folder}/without", env=environment))
    embedding = Server("good")
    with_it = last_json(hone(*words(good, *prices, "--set", f"embedder={embedding.url}"), "--json", home=f"{folder}/with", env=environment))
    read = sum(5 * len(asked["input"]) for _, asked in embedding.asked)
    assert with_it["tokens"] >= without["tokens"] + read > without["tokens"], (with_it["tokens"], without["tokens"], read)
    assert with_it["money"] >= read * 1000 / 1e6, (with_it["money"], read)
    other = Server("good")
    alone = last_json(hone(*words(good, "--set", "prices.embedded=5000", "--set", f"embedder={other.url}"), "--json", home=f"{folder}/alone", env=environment))
    read = sum(5 * len(asked["input"]) for _, asked in other.asked)
    assert read > 0 and abs(alone["money"] - read * 5000 / 1e6) < 1e-9, (alone["money"], read)

    # `hone eval` on a server that has stopped answering sensibly says so.
    good.mode = "null"
    lost = hone("eval", recipe, "--set", f"model={good.url}", "--set", "model.backoff_s=0.05", home=f"{folder}/without", check=1, env={**environment, "HONE_CACHE": f"{folder}/no-answers"})
    good.mode = "good"
    assert "tries ended by a fault" in lost.stdout and "every try that asked the model ended by a fault" in lost.stderr, (lost.stdout, lost.stderr)

    # A wait that the server asked for is said, and ends with ctrl-C; the run goes on later.
    busy, home = Server("busy"), f"{folder}/busy"
    for number in (signal.SIGINT, signal.SIGTERM):
        before = len(busy.asked)
        process = subprocess.Popen([str(BIN), "--home", home, *map(str, words(busy))], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        until(lambda: len(busy.asked) > before)
        time.sleep(0.5)
        process.send_signal(number)
        status, seconds, out, err = ended(process, 60)
        assert status == 130 and seconds < 10, (status, seconds, err)
        assert "slow down; asking again in 25 s" in err, err
        assert [r["status"] for r in last_json(hone("runs", "list", "--json", home=home))] == ["stopped"]
    busy.mode = "good"
    assert "resuming" in hone(*words(busy), home=home, env=environment).stderr

    # So it does in commands that only look.
    busy.mode, before = "busy", len(busy.asked)
    process = subprocess.Popen([str(BIN), "--home", home, "recall", "pears", "--embedder", busy.url], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    until(lambda: len(busy.asked) > before)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    status, seconds, out, err = ended(process, 60)
    assert status == 130 and seconds < 10 and "asking again in 25 s" in err, (status, seconds, err)

    # A stalled server: rows as they come, and a stop at once.
    stalled = Server("stalled")
    process = subprocess.Popen([str(BIN), "doctor", "--model", stalled.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    first = [process.stdout.readline().decode() for _ in range(3)]
    assert first[1].startswith("reachable") and first[2].startswith("models") and "My Model.gguf" in first[2], first
    until(lambda: len(stalled.asked) > 0)
    process.send_signal(signal.SIGTERM)
    status, seconds, out, err = ended(process, 60)
    assert status == 130 and seconds < 10 and b"chat" not in out, (status, seconds, out, err)
    assert "--timeout" in hone("doctor", "--help").stdout
    started = time.monotonic()
    slow = hone("doctor", "--json", "--model", stalled.url, "--timeout", "1", check=1, env=environment)
    found = {f["what"]: f for f in last_json(slow)["findings"]}
    assert found["chat"]["state"] == "no" and "1.0 s" in found["chat"]["hint"] and time.monotonic() - started < 60, found
    table = hone("doctor", "--model", f"{good.url}#My Model.gguf", env=environment).stdout.splitlines()
    assert len(table) == 12 and all(line[17:19] == "  " for line in table), table
    for server in (empty, good, embedding, busy, stalled):
        server.over.set()
    print(f"{chats} empty replies charged; {read} tokens embedded; a wait of 25 s ended in under 10 s; doctor stopped after {seconds:.1f} s")
