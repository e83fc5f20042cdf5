"""A side: its process, the time it has left, what was measured of it."""
import json
import os
import select
import statistics
import subprocess
import time


class TooLong(Exception):
    pass


class Side:
    def __init__(self, name, command, folder, lessons, limit, syncs):
        self.name, self.command, self.folder, self.lessons, self.limit = name, command, folder, lessons, limit
        self.left, self.written, self.out = limit, 0, None
        self.result, self.rounds, self.speeds = {}, {}, []
        self.process, self.unread = None, b""
        self.environment = os.environ | {"LD_PRELOAD": syncs}
        os.makedirs(folder, exist_ok=True)

    def start(self):
        """Returns how long opening took, in the process's own account (starting Python and importing are not in it)."""
        self.unread = b""
        self.errors = open(os.path.join(os.path.dirname(self.folder), os.path.basename(self.folder) + ".log"), "wb")
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=self.environment)
        return self.reply()["seconds"]

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.errors.close()
            self.process = None

    def ask(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self.reply()

    def reply(self):
        end = time.monotonic() + self.left
        try:
            while True:
                while b"\n" not in self.unread:
                    left = end - time.monotonic()
                    if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                        raise TooLong()
                    some = os.read(self.process.stdout.fileno(), 1 << 20)
                    if not some:
                        raise RuntimeError(self.last_words())
                    self.unread += some
                line, self.unread = self.unread.split(b"\n", 1)
                answer = json.loads(line)
                if "written" not in answer:
                    return answer
                self.written = answer["written"]
        finally:
            self.left = max(0.0, end - time.monotonic())

    def last_words(self):
        with open(self.errors.name, "rb") as file:
            lines = file.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"ended with {self.process.wait()}"

    def add(self, what, ms):
        self.rounds.setdefault(what, []).append(sorted(ms))

    def bytes(self):
        return sum(os.lstat(os.path.join(at, f)).st_blocks * 512 for at, _, files in os.walk(self.folder) for f in files)

    def row(self):
        """Latencies: p50 and p99 of each round, then the median over the rounds."""
        out = {"side": self.name, "out": self.out} | self.result
        for what, rounds in self.rounds.items():
            for q in (50, 99):
                out[f"{what}_p{q}_ms"] = statistics.median(ms[round(q / 100 * (len(ms) - 1))] for ms in rounds)
        return out
