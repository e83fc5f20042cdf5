# Steps Gymnasium worlds for Hone in a process of its own. The socket of number FD carries one JSON line each way, then the numbers of
# slots to be served (4 bytes each); everything else lies in the shared memory MEMORY. Needs numpy only where the world itself does.
import importlib
import json
import mmap
import os
import select
import struct
import sys
import threading
import traceback

FD, MEMORY = 3, 4
HEAD = struct.Struct("<QfIBBBBBBBB")  # seed, reward, step, command, state, terminated, truncated, same_step, failed, -, -
LARGEST = 3.4028234663852886e38


class Refused(Exception):
    """What the user must hear in one line, without a traceback."""


def leave_with_parent():
    """A world that hangs must not outlive the program that asked for it."""
    poll = select.poll()
    poll.register(FD, 0)
    poll.poll()  # only the end of the other side wakes it
    os._exit(0)


def read_line():
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(FD, 65536)
        if not part:
            os._exit(0)
        line += part
    return json.loads(line)


def write_line(answer):
    data = json.dumps(answer).encode() + b"\n"
    while data:
        data = data[os.write(FD, data):]


def value_of(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def named(path):
    module, _, name = path.partition(":")
    if not name:
        raise Refused(f"field 'wrapper': expected module:function, got '{path}'")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as e:
        raise Refused(f"field 'wrapper': '{path}' can't be had: {e}")


def make_env(ask):
    kwargs = {}
    for pair in ask["kwargs"]:
        key, equals, value = pair.partition("=")
        if not equals:
            raise Refused(f"field 'kwargs': expected name=value, got '{pair}'")
        kwargs[key] = value_of(value)
    if ask["source"]:
        scope = {"__name__": "hone_source", "Refused": Refused}
        exec(compile(ask["source"], ask["id"], "exec"), scope)
        env = scope["make"](**kwargs)
    else:
        try:
            import gymnasium
        except ImportError as e:
            raise Refused(f"this Python ({sys.executable}) can't import gymnasium: {e}")
        if ask["max_steps"]:
            kwargs["max_episode_steps"] = ask["max_steps"]
        if ask["render"]:
            kwargs.setdefault("render_mode", "rgb_array")
        try:
            env = gymnasium.make(ask["id"], **kwargs)
        except Exception as e:  # whatever a package raises for a name or argument it doesn't know
            raise Refused(f"'{ask['id']}' can't be made: {type(e).__name__}: {e}")
    for path in ask["wrapper"]:
        env = named(path)(env)
    return env


def bounded(value):
    return max(-LARGEST, min(LARGEST, float(value)))


def space_of(what, space):
    kind = type(space).__name__
    if kind == "Discrete":
        start = int(getattr(space, "start", 0))
        return {"kind": "discrete", "dtype": "i32", "shape": [], "low": start, "high": start + int(space.n) - 1}
    dtype = str(getattr(space, "dtype", ""))
    if kind == "Box" and (dtype in ("float32", "float64") or (dtype == "uint8" and what == "observation")):
        return {"kind": "box", "dtype": "u8" if dtype == "uint8" else "f32", "shape": [int(n) for n in space.shape],
                "low": bounded(space.low.min()), "high": bounded(space.high.max())}
    raise Refused(f"{what} space {space}: expected Discrete or Box of {'uint8, ' * (what == 'observation')}float32 or float64; "
                  "a wrapper (gymnasium.wrappers:FlattenObservation, say) may make one of it")


def limit_of(env):
    spec = getattr(env, "spec", None)
    return int(getattr(spec, "max_episode_steps", None) or 0), getattr(spec, "reward_threshold", None)


def describe(env):
    steps, threshold = limit_of(env)
    return {"observation": space_of("observation", env.observation_space), "action": space_of("action", env.action_space),
            "max_steps": steps, "threshold": float(threshold) if threshold is not None else None}


class Slot:
    def __init__(self, env, ask, memory, layout, number):
        self.env, self.memory, self.ask, self.number = env, memory, ask, number
        spaces = ask["spaces"]
        self.head = layout["heads"] + number * layout["head_bytes"]
        self.action_at = layout["actions"] + number * layout["action_bytes"]
        size = layout["obs_bytes"]
        self.obs = memory[layout["obs"] + number * size:][:size]
        self.final = memory[layout["final_obs"] + number * size:][:size]
        self.info_at = layout["infos"] + 4 * number * len(ask["infos"])
        self.space, self.action = spaces["observation"], spaces["action"]
        self.shape, self.format = tuple(self.space["shape"]), "B" if self.space["dtype"] == "u8" else "f"
        self.pictures = 0

    def take(self, obs):
        if self.space["kind"] == "discrete":
            struct.pack_into("<i", self.obs, 0, int(obs))
            return
        try:
            view = memoryview(obs)
        except TypeError:
            raise Refused(f"expected an observation of shape {self.shape}, got {type(obs).__name__}")
        if view.shape != self.shape:
            raise Refused(f"expected an observation of shape {self.shape}, got {tuple(view.shape)}")
        if view.format != self.format:
            if self.format == "B":
                raise Refused(f"expected an observation of uint8, got {getattr(obs, 'dtype', view.format)}")
            view = memoryview(obs.astype("float32"))
        self.obs[:] = view.cast("B") if view.c_contiguous else view.tobytes()

    def read_action(self):
        if self.action["kind"] == "discrete":
            return struct.unpack_from("<i", self.memory, self.action_at)[0]
        import numpy
        shape = self.action["shape"]
        flat = numpy.frombuffer(self.memory, numpy.float32, count=int(numpy.prod(shape)), offset=self.action_at)
        return flat.reshape(shape).astype(self.env.action_space.dtype)  # a copy: the world may keep it

    def note(self, info):
        for i, name in enumerate(self.ask["infos"]):
            try:
                value = float(info.get(name, 0.0))
            except (TypeError, ValueError):
                raise Refused(f"field 'infos': expected a number as '{name}', got {type(info[name]).__name__}")
            struct.pack_into("<f", self.memory, self.info_at + 4 * i, value)

    def render(self):
        if not self.ask["render"] or self.number != 0:
            return
        picture = self.env.render()
        rows, columns = picture.shape[0], picture.shape[1]
        path = os.path.join(self.ask["render"], f"{self.pictures:06}.ppm")
        with open(path, "wb") as file:
            file.write(b"P6 %d %d 255\n" % (columns, rows) + picture.tobytes())
        self.pictures += 1

    def reset(self, seed):
        obs, info = self.env.reset(seed=seed)
        self.take(obs)
        self.render()
        return info

    def serve(self):
        memory, head = self.memory, self.head
        seed, _, step, command, _, _, _, same_step, _, _, _ = HEAD.unpack_from(memory, head)
        reward, terminated, truncated, failed = 0.0, False, False, 0
        try:
            if command == 2:
                self.reset(seed)
                self.note({})
            else:
                obs, reward, terminated, truncated, info = self.env.step(self.read_action())
                self.take(obs)
                self.note(info)
                self.render()
                terminated = bool(terminated)
                truncated = bool(truncated) and not terminated
                if (terminated or truncated) and same_step:
                    self.final[:] = self.obs
                    self.reset(seed)
        except Refused as e:
            failed = 1
            text = str(e).encode()[:1000]
            struct.pack_into(f"<I{len(text)}s", memory, self.ask["layout"]["messages"] + 1024 * self.number, len(text), text)
        HEAD.pack_into(memory, head, seed, float(reward), step, 0, 2, terminated, truncated, same_step, failed, 0, 0)


def main():
    ask = read_line()
    threading.Thread(target=leave_with_parent, daemon=True).start()
    try:
        env = make_env(ask)
        facts = describe(env)
    except Refused as e:
        write_line({"refused": str(e)})
        return
    write_line(facts)
    if not ask["slots"]:
        env.close()
        return
    layout = ask["layout"]
    ask["spaces"] = facts
    memory = memoryview(mmap.mmap(MEMORY, layout["bytes"]))
    slots = {}
    for number in ask["slots"]:
        slots[number] = Slot(env if not slots else make_env(ask), ask, memory, layout, number)
    each = ask["asynchronous"]
    while True:
        asked = os.read(FD, 65536)
        if not asked:
            break
        for (number,) in struct.iter_unpack("<i", asked):
            slots[number].serve()
            if each:
                os.write(FD, struct.pack("<i", number))
        if not each:
            os.write(FD, asked)
    os._exit(0)  # some worlds take seconds to close, others never do


try:
    main()
except Exception:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
