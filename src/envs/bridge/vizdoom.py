# ViZDoom's my_way_home for worker.py: a step gives the engine's last pictures as they are, with a byte that says what they are for;
# vizdoom.cpp makes frames of them.
import math
import os
import random
import subprocess
import sys
import tempfile

try:
    import vizdoom
except ImportError as e:
    raise Refused(f"this Python ({sys.executable}) can't import vizdoom: {e}; `python -m pip install vizdoom` brings it, and field 'python' names another Python")

PICTURE = 3 * 120 * 160
NO_FRAME, ONE_PICTURE, TWO_PICTURES, FIRST = range(4)  # what the first byte says
LIVING_COST = 0.0001
SPEED, REACH = 9.0, 36.0  # more than the most map units in a tic; the distance on either axis at which the vest is touched
ACTIONS = [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]  # wait, forward, right, left
MOST_TRIES = 2000
VARIABLES = [vizdoom.GameVariable.POSITION_X, vizdoom.GameVariable.POSITION_Y, vizdoom.GameVariable.ANGLE]


class Bound(int):
    def min(self):
        return self

    max = min


class Box:
    def __init__(self, size):
        self.shape, self.dtype, self.low, self.high = (size,), "uint8", Bound(0), Bound(255)


class Discrete:
    def __init__(self, n):
        self.n, self.start = n, 0


class Guard:
    """Engines are processes of their own that outlive a killed worker: this one ends them, known by their folder, when the worker's end of
    a pipe closes, and clears away what they leave."""

    WORDS = r"""
import glob, os, shutil, sys, time
told = sys.stdin.read().split()
folders, instances = [word for word in told if "/" in word], {word for word in told if "/" not in word}
for _ in range(3):  # one may just be starting
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().decode(errors="replace").split("\0")
            if "+viz_instance_id" not in words or not any(word.startswith(folder + "/") for word in words for folder in folders):
                continue
            instances.add(words[words.index("+viz_instance_id") + 1])
            os.kill(int(name), 9)
        except OSError:
            continue  # it ended meanwhile
    time.sleep(0.3)
for path in (path for instance in instances for path in glob.glob("/dev/shm/ViZDoom*" + instance)):
    try:
        os.unlink(path)
    except OSError:
        continue
for folder in folders:
    shutil.rmtree(folder, ignore_errors=True)
"""

    def __init__(self):
        self.process = None

    def watch(self, word):
        """A folder, before its engine starts; the name of its instance, after."""
        if self.process is None:
            self.process = subprocess.Popen([sys.executable, "-S", "-E", "-c", self.WORDS], stdin=subprocess.PIPE, start_new_session=True)
        self.process.stdin.write(f"{word}\n".encode())
        self.process.stdin.flush()


guard = Guard()


class Home:
    def __init__(self, repeat, limit_tics, living_cost, hud, spot, heading, vest, areas):
        """Starts where the script puts one, or at `spot` with a heading drawn from `heading` (turns). areas: [x0, x1, y0, y1, is a room]."""
        self.repeat, self.limit, self.living_cost, self.hud = repeat, limit_tics, living_cost, hud
        self.spot, self.heading, self.vest, self.areas = spot, heading, vest, areas
        self.observation_space, self.action_space, self.spec = Box(1 + 2 * PICTURE), Discrete(len(ACTIONS)), None
        self.obs = bytearray(1 + 2 * PICTURE)
        self.game, self.seeds = None, {}

    def open(self):
        game = vizdoom.DoomGame()
        game.load_config(os.path.join(vizdoom.scenarios_path, "my_way_home.cfg"))
        game.set_window_visible(False)
        game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
        game.set_screen_format(vizdoom.ScreenFormat.CRCGCB)
        button = vizdoom.Button
        # The last one turns by any angle at once; only reset() uses it.
        game.set_available_buttons([button.MOVE_FORWARD, button.TURN_RIGHT, button.TURN_LEFT, button.TURN_LEFT_RIGHT_DELTA])
        game.set_available_game_variables(VARIABLES)
        game.set_episode_timeout(0)  # counted here, so that the last picture is there
        game.set_living_reward(-LIVING_COST if self.living_cost else 0.0)
        game.set_render_hud(self.hud)
        game.set_render_weapon(False)
        game.set_render_crosshair(False)
        game.set_render_particles(False)
        game.set_render_decals(False)
        folder, here = tempfile.mkdtemp(), os.getcwd()
        guard.watch(folder)
        game.set_doom_config_path(os.path.join(folder, "vizdoom.ini"))
        os.chdir(folder)  # the engine leaves files where it is started
        try:
            game.init()
        finally:
            os.chdir(here)
        guard.watch(game.get_instance_id())
        self.game = game

    def where(self):
        self.x, self.y, self.angle = (self.game.get_game_variable(v) for v in VARIABLES)
        self.area = next((i for i, a in enumerate(self.areas) if a[0] <= self.x <= a[1] and a[2] <= self.y <= a[3]), -1)
        if self.area >= 0 and self.areas[self.area][4]:
            self.rooms.add(self.area)

    def begin(self, seed):
        self.game.set_seed(seed)
        self.game.new_episode()
        self.where()

    def begin_at(self, spot):
        """The script chooses the spot: seeds are tried until it is this one, once for each spot."""
        key = tuple(spot)
        for seed in [self.seeds[key]] if key in self.seeds else range(1, MOST_TRIES):
            self.begin(seed)
            if abs(self.x - spot[0]) < 0.001 and abs(self.y - spot[1]) < 0.001:
                self.seeds[key] = seed
                return
        raise Refused(f"none of {MOST_TRIES} starts was at {spot}")

    def face(self, turns):
        """By at most a few tics in which nothing else happens."""
        for _ in range(4):
            off = (round(turns * 65536) - round(self.angle / 360 * 65536) + 32768) % 65536 - 32768
            if off == 0:
                return
            self.game.make_action([0, 0, 0, -off * 360 / 65536], 1)
            self.where()
        raise Refused(f"can't be turned to {turns}")

    def place(self, spot, turns):
        """An episode that begins at this spot of the script's with this heading."""
        if self.game is None:
            self.open()
        self.rooms = set()
        self.begin_at(spot)
        self.face(turns)
        return self.started()

    def reset(self, seed):
        if self.spot is not None:
            draw = random.Random(seed).random()
            return self.place(self.spot, math.floor((self.heading[0] + (self.heading[1] - self.heading[0]) * draw) * 65536) / 65536)
        if self.game is None:
            self.open()
        self.rooms = set()
        self.begin(seed)
        return self.started()

    def started(self):
        self.rooms.clear()
        self.where()
        self.tics, self.total = 0, self.game.get_total_reward()
        self.show(0)
        self.obs[0] = FIRST
        return self.obs, {}

    def show(self, place):
        state = self.game.get_state()
        if state is not None:  # there is none once the level has ended: the last picture stays
            self.picture = bytes(memoryview(state.screen_buffer).cast("B"))
        self.obs[1 + place * PICTURE:1 + (place + 1) * PICTURE] = self.picture

    def step(self, action):
        self.obs[0] = NO_FRAME
        terminated = truncated = False
        reach = REACH + SPEED * self.repeat
        near = abs(self.x - self.vest[0]) < reach and abs(self.y - self.vest[1]) < reach
        for k in range(1, self.repeat + 1):
            self.tics += 1
            # A tic that is not looked at costs an eighth; what it pays is heard of in the next that is, and the last one must be.
            look = k >= self.repeat - 1 or near or self.tics >= self.limit
            self.game.set_action(ACTIONS[action])
            self.game.advance_action(1, look)
            terminated = self.game.is_episode_finished()
            truncated = not terminated and self.tics >= self.limit
            if look and not terminated:
                self.where()
            if k >= self.repeat - 1:
                self.show(1 if k == self.repeat and self.repeat > 1 else 0)
            if k == self.repeat:
                self.obs[0] = ONE_PICTURE if self.repeat == 1 else TWO_PICTURES
            if terminated or truncated:
                break
        total = self.game.get_total_reward()
        reward, self.total = total - self.total, total
        info = {"x": self.x, "y": self.y, "heading": math.remainder(math.radians(self.angle), 2 * math.pi), "area": self.area, "rooms": len(self.rooms), "tics": self.tics}
        return self.obs, reward, terminated, truncated, info


def make(**kwargs):
    return Home(**kwargs)
