"""`hone play`: a person at a terminal and a program at a pipe. Undo, help, colours, splits, transcripts, and what goes wrong."""
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

from _hone import BIN, SOURCE, hone, scratch, small_desk

QUEUES = ["fruit", "metal", "music", "water"]


class Terminal:
    """A person: types lines, sees what comes."""

    def __init__(self, *arguments, columns=80, **environment):
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        keep = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        self.child = subprocess.Popen([str(BIN), "play", *map(str, arguments)], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                                      preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), env={**keep, "TERM": "xterm", **environment})
        os.close(theirs)
        self.seen = ""

    def until(self, pattern, seconds=30):
        """What came since the last call, up to the pattern."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.ours], [], [], left)[0]:
                sys.exit(f"expected {pattern!r} within {seconds} s, got {self.seen[-2000:]!r}")
            try:
                piece = os.read(self.ours, 65536)
            except OSError:
                piece = b""
            if not piece:
                sys.exit(f"expected {pattern!r}, the game ended with {self.seen[-2000:]!r}")
            self.seen += piece.decode(errors="replace").replace("\r\n", "\n")
        out, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return out

    def type(self, line, pattern):
        os.write(self.ours, line.encode() + b"\n")
        return self.until(pattern)

    def end(self, status=0):
        try:
            while piece := os.read(self.ours, 65536):
                self.seen += piece.decode(errors="replace").replace("\r\n", "\n")
        except OSError:
            pass
        os.close(self.ours)
        assert self.child.wait(timeout=30) == status, (self.child.returncode, self.seen)
        return self.seen


def prompt(step):
    return rf"(?m)^(?:\x1b\[2m)?{step}(?:\x1b\[0m)?> $"


def piped(*arguments, typed=b"", status=0):
    typed = typed.encode() if isinstance(typed, str) else typed
    done = subprocess.run([str(BIN), "play", *map(str, arguments)], input=typed, capture_output=True, timeout=120)
    assert done.returncode == status, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


def events(*arguments, typed=b"", status=0):
    return [json.loads(line) for line in piped(*arguments, "--json", typed=typed, status=status).stdout.splitlines()]


def desk_flags(recipe):
    requests = recipe.parent / "requests.csv"
    return ["desk", "--set", f"requests={requests}", "--set", "train=24", "--set", "validation=8", "--set", "test=12", "--set", "train_tries=3"]


def answers(flags):
    """The right queue of every training task, from the words of its request."""
    words = {"fruit": "apples", "metal": "bolts", "music": "drums", "water": "river"}
    goal = next(e for e in events(*flags, "--tasks", "1") if e["event"] == "task")["task"]["goal"]
    right = next(queue for queue, word in words.items() if word in goal)
    return right, [queue for queue in QUEUES if queue != right]


def at_a_terminal(flags):
    right, wrong = answers(flags)
    game = Terminal(*flags, "--tasks", 2)
    opening = game.until(prompt(1))
    assert "\x1b[1mtask 1 of 2\x1b[0m" in opening and "Request: please send" in opening, opening
    assert all(f"{i + 1} {queue}" in opening for i, queue in enumerate(QUEUES)), opening
    bounced = game.type(wrong[0].upper(), prompt(2))
    assert f"Bounced: {wrong[0]}" in bounced and re.search(r"1 \w+", bounced), bounced
    undone = game.type("undo", prompt(1))
    assert "undone" in undone and all(queue in undone for queue in QUEUES), undone
    assert "there is no step to take back" in game.type("u", prompt(1))
    assert "Answer with the name of one queue." in game.type("?", prompt(1))
    assert "'m' may be metal, music" in game.type("m", prompt(1))
    assert "control characters" in game.type("\x1b[A", prompt(1))
    assert "from 1 to 4, got 9" in game.type("9", prompt(1))
    solved = game.type(right[:3], prompt(1))
    assert "\x1b[32mreward +1\x1b[0m" in solved and "\x1b[32msolved\x1b[0m, score 1 after 1 step" in solved and "task 2 of 2" in solved, solved
    os.write(game.ours, b"\x04")
    assert "you solved 1 of 1, mean score 1.00, 1 step" in game.end()

    # plain where colours are not wanted
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        game = Terminal(*flags, **environment)
        text = game.until(r"1> ") + game.type("q", "you solved") + game.end()
        assert "\x1b" not in text, text
    assert b"\x1b" not in piped(*flags, typed="1\nq\n").stdout

    # choices in as many columns as the terminal has
    for columns in (20, 60, 100):
        game = Terminal("desk", columns=columns, NO_COLOR="1")
        listed = [line for line in game.until("1> ").splitlines() if re.match(r" *\d+ [a-z]", line)]
        assert max(map(len, listed)) <= columns and sum(len(re.findall(r"\d+ ", line)) for line in listed) == 24, listed
        game.type("q", "you solved")
        game.end()

    # ctrl-C, while it waits for a line
    game = Terminal(*flags)
    game.until(prompt(1))
    os.write(game.ours, b"\x03")
    assert "you solved 0 of 0" in game.end(130)


def at_a_maze():
    settings = ["gridworld", "--set", "map=[..#,.O.,..G]", "--set", "slip=0"]
    for observe in ("state", "one_hot", "xy"):
        told = events(*settings, "--set", f"observe={observe}", "--tasks", "1", typed="left\nundo\n=sideways\nquit\n")
        start, left, undone, sideways = (next(e for e in told if e["event"] == kind) for kind in ("task", "step", "undone", "step"))
        assert start["observation"]["text"].count("@") == 1 and start["observation"]["choices"] == ["left", "down", "right", "up"], start
        assert undone["observation"] == start["observation"] and left["step"] == 1, told
        assert "no move" in told[-2]["observation"]["text"], told[-2]
    ends = events(*settings, "--split", "test", "--tasks", "1", typed="d\nd\nr\nr\nd\nr\n" * 3)
    last = [e for e in ends if e["event"] == "step"][-1]
    assert last["ending"] == "terminal" and "@" in last["observation"]["text"], last
    assert last["reward"] in (0.0, 1.0) and last["solved"] == (last["reward"] == 1.0), last
    text = piped(*settings, "--tasks", "1", typed="u\nq\n").stdout.decode()
    assert "@ you, G goal" in text and "undone" not in text, text  # u goes up here


def at_a_world_of_ones_own():
    command = f"command=[{sys.executable}, {SOURCE}/examples/own_world.py]"
    told = events("process", "--set", command, "--tasks", "1", typed="undo\n?\nnonsense\n")
    assert told[0]["undo"] is False, told[0]
    assert "can't undo" in next(e for e in told if e["event"] == "refused")["error"], told
    done = piped("process", "--set", "command=[/nonexistent/world]", status=1)
    assert b"/nonexistent/world" in done.stderr and done.stderr.count(b"\n") == 1, done
    # a program that ends in the middle: one error, what was played before is kept
    with scratch() as folder:
        program = pathlib.Path(folder) / "world.py"
        program.write_text(
            "import json, sys\n"
            "for n, line in enumerate(sys.stdin):\n"
            "    ask = json.loads(line)['do']\n"
            "    if n == 4: print('\\x1b[2J\\u009b2J gone', file=sys.stderr); sys.exit(3)\n"
            "    tasks = {'train': [{'id': 'a', 'goal': 'x'}, {'id': 'b', 'goal': 'y'}], 'test': [{'id': 'c', 'goal': 'z'}]}\n"
            "    print(json.dumps({'hello': {'name': 'w', 'max_steps': 2, 'tasks': tasks}, 'reset': {'text': 'go\\u001b[31m\\non'},\n"
            "                      'step': {'text': 'done', 'ending': 'terminal', 'solved': True}}[ask]), flush=True)\n"
        )
        done = piped("process", "--set", f"command=[{sys.executable}, {program}]", "--save", f"{folder}/kept.jsonl", typed="one\ntwo\n", status=1)
        assert b"ended with status 3" in done.stderr and b"gone" in done.stderr and not re.search(rb"\x1b|\xc2\x9b", done.stderr + done.stdout), done
        assert b"go.[31m\non\n" in done.stdout, done.stdout
        assert len(pathlib.Path(f"{folder}/kept.jsonl").read_text().splitlines()) == 3


def at_a_board(folder):
    """A board game: moves by name or number, undo, and what the transcript keeps for who learns."""
    kept = f"{folder}/boards.jsonl"
    told = events("frozenlake", "--set", "map=4x4", "--set", "fit=true", "--set", "rules=told", "--split", "test", "--tasks", "1", "--save", kept, typed="Down\nright\n")
    assert "hole" in told[0]["role"] and told[0]["undo"], told[0]
    fell = [e for e in told if e["event"] == "step"][1]
    assert fell["ending"] == "terminal" and not fell["solved"], fell
    episode = json.loads(pathlib.Path(kept).read_text().splitlines()[1])["episode"]
    assert [s["comment"] for s in episode["steps"]] == ["moved to a safe tile", "fell into a hole; the game ended"], episode
    assert episode["feedback"].startswith("Not solved: the game ended."), episode
    told = events("frozenlake", "--set", "map=4x4", "--set", "fit=true", "--split", "test", "--tasks", "1", typed="Down\n=fly\nundo\n=2\n=```Right```\nLeft\nundo\n=down\nRight\n3\n")
    start, steps = told[1]["observation"]["text"], [e for e in told if e["event"] == "step"]
    undone = [e["observation"]["text"] for e in told if e["event"] == "undone"]
    assert undone == [steps[0]["observation"]["text"], steps[3]["observation"]["text"]] and start.startswith("Step 0"), told
    assert steps[-1]["solved"] and steps[-1]["step"] == 6, steps
    told = events("sokoban", "--tasks", "1", typed="Up\nundo\nUp\nquit\n")
    assert told[2]["observation"] == told[4]["observation"] and told[3]["event"] == "undone", told
    for world in ("arithmetic", "countdown"):
        last = [e for e in events(world, "--tasks", "1", typed="=nothing\n") if e["event"] == "step"][0]
        assert last["ending"] == "terminal" and not last["solved"] and last["observation"]["text"].startswith("Wrong: "), last


def at_a_pipe(flags, folder):
    right, wrong = answers(flags)
    kept = f"{folder}/tries.jsonl"
    told = events(*flags, "--tasks", "2", "--save", kept, typed=f"{wrong[0]}\nundo\n{wrong[1]}\n{right}\nskip\n")
    assert [e["event"] for e in told] == ["world", "task", "step", "undone", "step", "step", "task", "skipped", "end"], told
    assert told[-1] == {"event": "end", "played": 1, "solved": 1, "skipped": 1, "steps": 2, "score": 1.0}, told[-1]
    episode = json.loads(pathlib.Path(kept).read_text().splitlines()[1])["episode"]
    assert [s["did"]["action"] for s in episode["steps"]] == [wrong[1], right] and episode["by"]["agent"] == "human undos=1", episode
    assert json.loads(hone("store", "import", kept, "--json", home=f"{folder}/home").stdout)["added"] == 1
    assert json.loads(hone("store", "verify", "--json", home=f"{folder}/home").stdout)["problems"] == []
    before = pathlib.Path(kept).read_bytes()
    assert b"is there already" in piped(*flags, "--save", kept, status=2).stderr and pathlib.Path(kept).read_bytes() == before
    assert b"can't be written" in piped(*flags, "--save", f"{folder}/none/x", status=1).stderr

    # one task, other splits
    ids = {split: events(*flags, "--split", split)[1]["task"]["id"] for split in ("train", "validation", "test")}
    assert len(set(ids.values())) == 3
    assert [e["task"]["id"] for e in events(*flags, "--task", ids["train"]) if e["event"] == "task"] == [ids["train"]]
    assert b"--split test" in piped(*flags, "--task", ids["test"], status=2).stderr
    assert b"'desk/nosuch'" in piped(*flags, "--task", "desk/nosuch", status=2).stderr
    assert b"--split" in piped(*flags, "--split", "dev", status=2).stderr
    assert b"did you mean 'desk'" in piped("dask", status=2).stderr

    # what no person types
    refused = [e["error"] for e in events(*flags, typed=b"x" * 10_000 + b"\n" + b"\xff\xfe\n" + b"\x1b[A\n" + b"\xc2\x9b2J\n" + b"\n" + b"a\x00b\n") if e["event"] == "refused"]
    assert len(refused) == 6 and "4096" in refused[0] and "UTF-8" in refused[1] and all("control" in refused[i] for i in (2, 3, 5)), refused
    assert events(*flags, typed=right.encode())[2]["solved"], "a last line without its end counts"
    assert b"you solved 0 of 0" in piped(*flags).stdout

    # the reader goes away: no message, no endless game
    game = subprocess.Popen([str(BIN), "play", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    game.stdout.readline()
    game.stdout.close()
    try:
        for _ in range(50):
            game.stdin.write(b"?\n")
            game.stdin.flush()
            time.sleep(0.01)
    except BrokenPipeError:
        pass
    assert game.wait(timeout=30) == 0 and game.stderr.read() == b"", game.returncode
    # a stop from outside
    game = subprocess.Popen([str(BIN), "play", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    game.stdout.readline()
    game.send_signal(signal.SIGINT)
    assert game.wait(timeout=30) == 130 and b"you solved 0 of 0" in game.stdout.read()


with scratch() as folder:
    flags = desk_flags(small_desk(folder))
    at_a_terminal(flags)
    at_a_maze()
    at_a_board(folder)
    at_a_world_of_ones_own()
    at_a_pipe(flags, folder)
print("a person and a program can play")
