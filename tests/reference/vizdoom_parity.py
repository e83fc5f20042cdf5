#!/usr/bin/env python3
"""The native maze beside ViZDoom's my_way_home (icm.md section 8, item 9): the same actions from the same spot and heading in both.

usage: pip install vizdoom==1.3.2; HONE_LIBRARY=BUILD/libhone.so PYTHONPATH=python python3 tests/reference/vizdoom_parity.py [--walks N] [--starts N]
       ... --record tests/reference/vizdoom_walks.json     what ViZDoom does, for src/envs/maze/maze_test.cpp; the native maze is not asked
       ... --speed                                         both worlds' rates, one slot each, on one core
       ... --picture SCREENS.ppm FILE.png                  both seen side by side; SCREENS.ppm comes from `bench_maze picture`

Every walk compares, after each decision, place (to the bit of a float), heading, area, reward, ending and tics. Areas are told by ViZDoom's
side from the sectors of the map file, by the native side from its own table.
"""
import argparse
import importlib.util
import json
import math
import os
import pathlib
import random
import re
import struct
import sys
import time
import zlib
from collections import Counter, deque

import numpy as np
import vizdoom

ROOT = pathlib.Path(__file__).resolve().parents[2]
VEST = (1040.0, -352.0)
WAIT, FORWARD, RIGHT, LEFT = range(4)


class Refused(Exception):
    pass


def engine_module():
    """The module that the world `vizdoom` runs in its workers."""
    spec = importlib.util.spec_from_file_location("hone_vizdoom", ROOT / "src/envs/bridge/vizdoom.py")
    module = importlib.util.module_from_spec(spec)
    module.Refused = Refused
    spec.loader.exec_module(module)
    return module


class MapFile:
    """Starts and sectors of my_way_home.wad."""

    def __init__(self):
        data = pathlib.Path(vizdoom.scenarios_path, "my_way_home.wad").read_bytes()
        count, at = struct.unpack_from("<II", data, 4)
        lumps = {name.rstrip(b"\0"): data[start:start + size] for start, size, name in (struct.unpack_from("<II8s", data, at + 16 * i) for i in range(count))}
        blocks = {}
        for kind, body in re.findall(r"(\w+)[^{}\n]*\n?\{([^}]*)\}", lumps[b"TEXTMAP"].decode()):
            blocks.setdefault(kind, []).append(dict(re.findall(r"(\w+)\s*=\s*([^;]+);", body)))
        self.spots = {int(t["id"]): (float(t["x"]), float(t["y"])) for t in blocks["thing"] if t["type"] == "9001"}
        points = [(float(v["x"]), float(v["y"])) for v in blocks["vertex"]]
        self.edges = {}  # of each sector
        for line in blocks["linedef"]:
            for side in ("sidefront", "sideback"):
                if side in line:
                    sector = int(blocks["sidedef"][int(line[side])]["sector"])
                    self.edges.setdefault(sector, []).append((points[int(line["v1"])], points[int(line["v2"])]))

    def sector(self, x, y):
        for number, edges in self.edges.items():
            crossings = sum((y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0) for (x0, y0), (x1, y1) in edges)
            if crossings % 2 == 1:
                return number
        return -1

    def doors(self):
        """Middles of the lines that two sectors share, by sector."""
        at = {}
        for number, edges in self.edges.items():
            for (x0, y0), (x1, y1) in edges:
                at.setdefault((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), []).append(number)
        out = {}
        for (x0, y0, x1, y1), sides in at.items():
            if len(sides) == 2:
                middle = ((x0 + x1) / 2, (y0 + y1) / 2)
                out.setdefault(sides[0], []).append((sides[1], middle))
                out.setdefault(sides[1], []).append((sides[0], middle))
        return out


def way_to_vest(maps, x, y):
    doors, goal = maps.doors(), maps.sector(*VEST)
    came, queue = {maps.sector(x, y): None}, deque([maps.sector(x, y)])
    while queue and goal not in came:
        here = queue.popleft()
        for there, middle in doors[here]:
            if there not in came:
                came[there] = (here, middle)
                queue.append(there)
    way, at = [VEST], goal
    while came[at] is not None:
        at, middle = came[at]
        way.insert(0, middle)
    return way


def walk_to_vest(maps):
    """Turns towards one door after another and walks."""
    way = None

    def act(home, _):
        nonlocal way
        way = way if way is not None else way_to_vest(maps, home.x, home.y)
        while len(way) > 1 and math.dist(way[0], (home.x, home.y)) < 24:
            way.pop(0)
        off = math.remainder(math.atan2(way[0][1] - home.y, way[0][0] - home.x) - math.radians(home.angle), 2 * math.pi)
        return LEFT if off > 0.06 else RIGHT if off < -0.06 else FORWARD
    return act


def listed(actions):
    return lambda _, step: actions[step] if step < len(actions) else None


def drawn(seed, steps, longest=1):
    draws, actions = random.Random(seed), []
    while len(actions) < steps:
        actions += [draws.choices([WAIT, FORWARD, RIGHT, LEFT], [1, 4, 2, 2])[0]] * draws.randint(1, longest)
    return listed(actions[:steps])


class Parity:
    def __init__(self):
        self.engine, self.maps = engine_module(), MapFile()
        self.home, self.sectors, self.tics = None, {}, 0

    def at(self, repeat, limit_tics=2100):
        """The engine, one for all walks."""
        fresh = self.engine.Home(repeat, limit_tics, True, False, None, None, VEST, [])
        if self.home is not None:
            fresh.game, fresh.seeds = self.home.game, self.home.seeds
        self.home = fresh
        return fresh

    def walk(self, what, act, start, seed, repeat=1, limit_tics=2100):
        from hone_worlds import HoneVectorEnv
        native = HoneVectorEnv("maze", 1, start=start, repeat=repeat, limit_tics=limit_tics, living_cost=True, autoreset_mode="Disabled")
        native.reset(seed=seed)
        home = self.at(repeat, limit_tics)
        rewards, areas, step, ended, speeds = [0.0, 0.0], [], 0, False, []
        while not ended:
            action = WAIT if step == 0 else act(home, step - 1)  # the first decision tells where the native one began
            if action is None:
                break
            _, reward, terminated, truncated, info = native.step([action])
            if step == 0:
                x, y = float(info["x"][0]), float(info["y"][0])
                spot = min(self.maps.spots.values(), key=lambda s: math.dist(s, (x, y)))
                home.place(spot, round(float(info["heading"][0]) / (2 * math.pi) * 65536) % 65536 / 65536)
            before = (home.x, home.y)
            _, paid, theirs_over, theirs_cut, theirs = home.step(action)
            speeds.append(math.dist(before, (home.x, home.y)) / repeat)
            ended = theirs_over or theirs_cut
            rewards[0] += float(reward[0])
            rewards[1] += paid
            where = f"{what}, decision {step + 1}"
            assert (bool(terminated[0]), bool(truncated[0])) == (theirs_over, theirs_cut), f"{where}: native {terminated[0]} {truncated[0]}, ViZDoom {theirs_over} {theirs_cut}"
            assert info["tics"][0] == theirs["tics"], f"{where}: tics {info['tics'][0]} and {theirs['tics']}"
            assert math.isclose(reward[0], paid, abs_tol=1e-6), f"{where}: reward {reward[0]} and {paid}"
            for name in ("x", "y"):
                assert info[name][0] == np.float32(theirs[name]), f"{where}: {name} {info[name][0]!r} and {theirs[name]!r}"
            assert abs(math.remainder(info["heading"][0] - theirs["heading"], 2 * math.pi)) < 1e-5, f"{where}: heading {info['heading'][0]} and {theirs['heading']}"
            area, sector = int(info["area"][0]), self.maps.sector(home.x, home.y)
            if sector >= 0:  # on a line it is neither's
                assert self.sectors.setdefault(area, sector) == sector, f"{where}: area {area} is sector {sector} and {self.sectors[area]}"
            areas += [sector] if not areas or areas[-1] != sector else []
            step += 1
        native.close()
        assert math.isclose(*rewards, abs_tol=1e-3), f"{what}: reward totals {rewards}"
        self.tics += home.tics
        return {"tics": home.tics, "reached": theirs_over, "cut": theirs_cut, "reward": rewards[1], "areas": areas, "speeds": speeds, "angle": home.angle}

    def all(self, walks):
        found = {}
        for start, seed in (("sparse", 3), ("very_sparse", 4), *(("dense", s) for s in range(1, 7))):
            got = self.walk(f"{start} {seed} to the vest", walk_to_vest(self.maps), start, seed)
            assert got["reached"] and 0.9 < got["reward"] < 1.0, got
            found[f"{start} {seed}"] = got["tics"]
        print("to the vest, tics:", found)
        east = next(seed for seed in range(1, 100) if self.walk("which way", listed([]), "sparse", seed)["angle"] < 0.4)  # straight through three doors
        straight = self.walk("straight on", listed([FORWARD] * 55), "sparse", east)
        assert abs(straight["speeds"][-1] - 25 / 3) < 0.1, straight["speeds"][-1]
        coasting = self.walk("let go", listed([FORWARD] * 30 + [WAIT] * 60), "sparse", east)
        assert coasting["speeds"][-1] == 0.0
        turns = [self.walk(f"{n} tics left", listed([LEFT] * n), "sparse", 1)["angle"] - self.walk("none", listed([]), "sparse", 1)["angle"] for n in (28, 29)]
        assert turns[0] < 90 <= turns[1], turns
        print(f"speed after 55 tics {straight['speeds'][-1]:.4f}, after letting go {coasting['speeds'][-1]}; 28 and 29 tics turn by {turns[0]:.4f} and {turns[1]:.4f} degrees")
        out = self.walk("time", listed([WAIT] * 600), "sparse", 2, repeat=4)
        assert out["cut"] and out["tics"] == 2100, out
        reached = 0
        for seed in range(walks):
            start, repeat = ("dense", "sparse", "very_sparse")[seed % 3], (1, 4, 4, 8)[seed % 4]
            got = self.walk(f"at random {seed}", drawn(seed, 800 // repeat, 1 + seed % 5), start, seed + 1, repeat)
            reached += got["reached"]
        assert self.sectors == {} or len(set(self.sectors.values())) >= len(self.sectors) - 1, self.sectors  # the dead end has two areas
        print(f"{walks} walks at random, {reached} reach the vest; {self.tics} tics in all, {len(self.sectors)} areas seen: everything the same")

    def starts(self, n):
        """Where ViZDoom's own script begins."""
        home = self.at(1)
        if home.game is None:
            home.open()
        seen, eighths = Counter(), Counter()
        for seed in range(n):
            home.rooms = set()
            home.begin(seed)
            spot = min(self.maps.spots, key=lambda i: math.dist(self.maps.spots[i], (home.x, home.y)))
            assert math.dist(self.maps.spots[spot], (home.x, home.y)) < 0.001, (home.x, home.y)
            seen[spot] += 1
            eighths[int(home.angle // 45) % 8] += 1
        chi = sum((seen[i] - n / 17) ** 2 / (n / 17) for i in self.maps.spots)
        chi_heading = sum((eighths[i] - n / 8) ** 2 / (n / 8) for i in range(8))
        print(f"{n} starts of the script: {len(seen)} of 17 spots, chi-square {chi:.1f} (16 degrees of freedom), headings {chi_heading:.1f} (7); spot 22 was ({self.maps.spots[22][0]}, {self.maps.spots[22][1]}) {seen[22]} times")
        assert len(seen) == 17 and chi < 39.25 and chi_heading < 24.32, (seen, eighths)

    def record(self, path):
        velocity = (vizdoom.GameVariable.VELOCITY_X, vizdoom.GameVariable.VELOCITY_Y)
        whole = lambda value: round(value * 65536)
        out = []
        plans = [(i, 0, walk_to_vest(self.maps), 1000) for i in sorted(self.maps.spots)]
        plans += [(10 + i % 17, None, drawn(100 + i, 700, 1 + 4 * (i % 4)), 700) for i in range(34)]
        for number, (spot, turns, act, most) in enumerate(plans):
            home = self.at(1)
            turns = random.Random(number).randrange(65536) / 65536 if turns is None else turns
            home.place(self.maps.spots[spot], turns)
            walk = {"spot": [whole(home.x), whole(home.y)], "heading": round(turns * 65536), "actions": [], "every": 25, "places": [], "paid": 0, "ended": 0}
            for tic in range(1, most + 1):
                action = act(home, tic - 1)
                if action is None:
                    break
                _, reward, over, _, _ = home.step(action)
                runs = walk["actions"]
                if runs and runs[-1][0] == action:
                    runs[-1][1] += 1
                else:
                    runs.append([action, 1])
                walk["paid"] = tic if reward > 0.5 else walk["paid"]
                if over:
                    walk["ended"] = tic
                    break
                if tic % walk["every"] == 0:
                    walk["places"].append([whole(home.x), whole(home.y), *(whole(home.game.get_game_variable(v)) for v in velocity)])
            out.append(walk)
        lines = ",\n".join(json.dumps(walk, separators=(",", ":")) for walk in out)
        pathlib.Path(path).write_text(f'{{"vizdoom": "{vizdoom.__version__}", "walks": [\n{lines}\n]}}\n', encoding="utf-8")
        print(f"{len(out)} walks, {sum(n for walk in out for _, n in walk['actions'])} tics, {sum(walk['ended'] > 0 for walk in out)} to the vest")


def frame_of(pictures):
    """The small frame by numpy: the larger of two pictures [3, 120, 160], gray, bilinear. Independent of src/envs/frames.cpp."""
    red, green, blue = np.maximum(*pictures).astype(np.int64) if len(pictures) == 2 else pictures[0].astype(np.int64)
    gray = ((299 * red + 587 * green + 114 * blue) // 1000).astype(np.float64)

    def places(size):
        at = np.clip((np.arange(42) + 0.5) * size / 42 - 0.5, 0, size - 1)
        first = np.minimum(at.astype(int), size - 2)
        return first, at - first
    (y, down), (x, right) = places(120), places(160)
    rows = gray[y] * (1 - down)[:, None] + gray[y + 1] * down[:, None]
    return rows[:, x] * (1 - right) + rows[:, x + 1] * right


def world_beside_engine(parity, steps=120):
    """The world `vizdoom` shows what the engine shows, frames made of it here by numpy."""
    from hone_worlds import HoneVectorEnv
    world = HoneVectorEnv("vizdoom", 1, python=[sys.executable], start="very_sparse", workers=1)
    native = HoneVectorEnv("maze", 1)
    assert world.single_observation_space == native.single_observation_space and world.single_action_space == native.single_action_space and world.info_names == native.info_names
    size, draws, worst = 3 * 120 * 160, random.Random(5), 0.0
    stack = world.reset(seed=8)[0][0].copy()
    assert not stack[:3].any() and stack[3].any()
    obs, *_, info = world.step([WAIT])
    home = parity.at(4)
    raw, _ = home.place(parity.maps.spots[15], round(float(info["heading"][0]) / (2 * math.pi) * 65536) % 65536 / 65536)
    pictures = lambda n: [np.frombuffer(raw, np.uint8, size, 1 + i * size).reshape(3, 120, 160).copy() for i in range(n)]
    expected = [frame_of(pictures(1))]
    worst = np.abs(expected[0] - stack[3]).max()
    home.step(WAIT)
    expected.append(frame_of(pictures(2)))
    for _ in range(steps):
        worst = max(worst, np.abs(expected[-1] - obs[0][3]).max(), np.abs(expected[-2] - obs[0][2]).max())
        action = draws.choice([FORWARD, FORWARD, RIGHT, LEFT])
        obs, reward, terminated, truncated, info = world.step([action])
        _, paid, over, cut, theirs = home.step(action)
        expected.append(frame_of(pictures(2)))
        assert not (over or cut or terminated[0] or truncated[0]) and reward[0] == 0.0
        for name in ("x", "y", "heading", "tics"):
            assert info[name][0] == np.float32(theirs[name]), (name, info[name][0], theirs[name])
    world.close()
    native.close()
    assert worst <= 0.51, worst
    print(f"the world `vizdoom` over {steps} decisions: places as the engine's, frames at most {worst:.3f} of 255 from numpy's unrounded ones; spaces and infos are the maze's")


def processor_seconds():
    """Of this process and all that came from it, so that other work on the machine is not counted."""
    tick, parents, used = os.sysconf("SC_CLK_TCK"), {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path("/proc", name, "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(name)], used[int(name)] = int(words[1]), (int(words[11]) + int(words[12])) / tick

    def ours(pid):
        while pid > 1 and pid != os.getpid():
            pid = parents.get(pid, 0)
        return pid > 1
    return sum(seconds for pid, seconds in used.items() if ours(pid))


def speed(seconds=10.0):
    from hone_worlds import HoneVectorEnv
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for name, settings in (("maze", {}), ("maze", {"render": "full"}), ("vizdoom", {"python": [sys.executable], "workers": 1})):
        for slots in (1, 8):
            env = HoneVectorEnv(name, slots, start="dense", **settings)
            draws = np.random.default_rng(1)
            env.reset(seed=1)
            env.step(draws.integers(0, 4, slots))
            n, begin, spent = 0, time.monotonic(), processor_seconds()
            while time.monotonic() - begin < seconds:
                for _ in range(20):
                    env.step(draws.integers(0, 4, slots))
                n += 20 * slots
            rate = n / (processor_seconds() - spent)
            env.close()
            print(f"{name:8} {settings.get('render', ''):5} {slots} slots {rate:8.0f} decisions of 4 tics for each second of one core: {4 * rate:8.0f} tics, {2 * rate:8.0f} pictures drawn")


def png(path, pixels):
    rows, columns, _ = pixels.shape
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    pathlib.Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))


def picture(parity, screens, path):
    """Pairs of screens and small frames, native left, ViZDoom right; a row of `screens` for each place: header lines `# x y turns` are the places."""
    data = pathlib.Path(screens).read_bytes()
    header = re.match(rb"P6\n((?:#[^\n]*\n)+)(\d+) (\d+) 255\n", data)
    places = [tuple(map(float, line.split()[1:])) for line in header[1].decode().splitlines()]
    native = np.frombuffer(data, np.uint8, offset=header.end()).reshape(len(places), 120, 160, 3)
    rows = []
    for (x, y, turns), ours in zip(places, native):
        home = parity.at(1)
        spot = min(parity.maps.spots.values(), key=lambda s: math.dist(s, (x, y)))
        raw, _ = home.place(spot, turns)
        theirs = np.frombuffer(raw, np.uint8, 3 * 120 * 160, 1).reshape(3, 120, 160).transpose(1, 2, 0)
        blocks = []
        for screen in (ours, theirs):
            small = np.rint(frame_of([screen.transpose(2, 0, 1)])).astype(np.uint8)
            big = np.kron(small, np.ones((4, 4), np.uint8))
            square = np.full((168, 168, 3), 255, np.uint8)
            square[:] = big[:, :, None]
            wide = np.full((168, 224, 3), 255, np.uint8)
            at = (np.arange(168) * 120 // 168)[:, None], (np.arange(224) * 160 // 224)[None, :]
            wide[:] = screen[at]
            blocks += [wide, np.full((168, 4, 3), 255, np.uint8), square, np.full((168, 12, 3), 255, np.uint8)]
        rows += [np.concatenate(blocks[:-1], axis=1), np.full((8, sum(b.shape[1] for b in blocks[:-1]), 3), 255, np.uint8)]
    png(path, np.concatenate(rows[:-1]))


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("--walks", type=int, default=24)
    words.add_argument("--starts", type=int, default=340)
    words.add_argument("--record")
    words.add_argument("--speed", action="store_true")
    words.add_argument("--picture", nargs=2)
    given = words.parse_args()
    parity = Parity()
    if given.record:
        parity.record(given.record)
    elif given.speed:
        speed()
    elif given.picture:
        picture(parity, *given.picture)
    else:
        parity.all(given.walks)
        world_beside_engine(parity)
        parity.starts(given.starts)


if __name__ == "__main__":
    main()
