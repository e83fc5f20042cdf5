#!/usr/bin/env python3
"""Records how gym-sokoban pushes boxes, for src/envs/board/sokoban_test.cpp (sokoban.json beside this file).

usage: pip install gym-sokoban==0.0.6 gym==0.26.2 imageio tqdm requests numpy; python3 tests/reference/sokoban.py > tests/reference/sokoban.json

Random levels with walls inside, 1 to 4 boxes; up to 50 moves each, most of them towards the nearest box, so that much is pushed. A step is [move
(0 left, 1 down, 2 right, 3 up), whether anything changed, player, boxes in order of cells, solved]; cells are row * columns + column.
"""
import json
import random

import numpy
from gym_sokoban.envs.sokoban_env import SokobanEnv

WALL, FLOOR, TARGET, ON_TARGET, BOX, PLAYER = range(6)
PUSH = {0: 3, 1: 2, 2: 4, 3: 1}  # our number to gym-sokoban's
BY = {0: (0, -1), 1: (1, 0), 2: (0, 1), 3: (-1, 0)}


def level(rng):
    rows, columns = rng.randint(6, 9), rng.randint(6, 9)
    fixed = numpy.full((rows, columns), WALL)
    for r in range(1, rows - 1):
        for c in range(1, columns - 1):
            fixed[r, c] = WALL if rng.random() < 0.08 else FLOOR
    free = [(r, c) for r in range(rows) for c in range(columns) if fixed[r, c] == FLOOR]
    rng.shuffle(free)
    boxes = rng.randint(1, 4)
    if rng.random() < 0.5:  # a box beside its goal, so that some walks solve their level
        boxes = 1
        beside = [at for at in free if abs(at[0] - free[0][0]) + abs(at[1] - free[0][1]) == 1]
        if beside:
            free.remove(beside[0])
            free.insert(1, beside[0])
    for at in free[:boxes]:
        fixed[at] = TARGET
    state = fixed.copy()
    # A box may stand on a goal and so may the player; one box at least is on none.
    spots = free[boxes : 2 * boxes] if rng.random() < 0.7 or boxes == 1 else free[boxes - 1 : 2 * boxes - 1]
    for at in spots:
        state[at] = ON_TARGET if fixed[at] == TARGET else BOX
    player = rng.choice([at for at in free if state[at] in (FLOOR, TARGET)])
    state[player] = PLAYER
    return fixed, state, player, boxes


def signs(fixed, state):
    def sign(f, s):
        if s == PLAYER:
            return "+" if f == TARGET else "@"
        return {WALL: "#", FLOOR: " ", TARGET: ".", ON_TARGET: "*", BOX: "$"}[s]

    return "\n".join("".join(sign(f, s) for f, s in zip(*rows)) for rows in zip(fixed.tolist(), state.tolist()))


def walk(seed):
    rng = random.Random(seed)
    fixed, state, player, boxes = level(rng)
    env = SokobanEnv(dim_room=fixed.shape, num_boxes=boxes, reset=False)
    env.room_fixed, env.room_state, env.player_position = fixed, state, numpy.array(player)
    text, steps = signs(fixed, state), []
    for _ in range(50):
        at = numpy.argwhere((env.room_state == BOX) | (env.room_state == ON_TARGET))
        far = {m: abs(at - env.player_position - by).sum(axis=1).min() for m, by in BY.items()}
        near = [m for m in far if far[m] == min(far.values())]
        move = rng.choice(near) if rng.random() < 0.6 else rng.randrange(4)
        changed, _ = env._push(PUSH[move])
        cells = env.room_state.flatten().tolist()
        where = int(env.player_position[0]) * fixed.shape[1] + int(env.player_position[1])
        solved = bool(env._check_if_all_boxes_on_target())
        steps.append([move, int(bool(changed)), where, [i for i, s in enumerate(cells) if s in (ON_TARGET, BOX)], int(solved)])
        if solved:
            break
    return {"level": text, "steps": steps}


print(json.dumps([walk(seed) for seed in range(40)], separators=(",", ":")))
