"""Hone's native worlds as Gymnasium vector environments: `HoneVectorEnv("gridworld", 8)`."""
import ctypes

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from . import _library

__all__ = ["HoneVectorEnv"]

_MODES = [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED]
_SPLITS = ["train", "validation", "test"]
_DTYPES = [np.uint8, np.int32, np.float32]


def _text(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_text, value)) + "]"
    return str(value)


def _space(raw):
    if raw.kind == 1:
        return gymnasium.spaces.Discrete(int(raw.high - raw.low) + 1, start=int(raw.low), dtype=np.int32)
    dtype = _DTYPES[raw.dtype]
    return gymnasium.spaces.Box(dtype(raw.low), dtype(raw.high), tuple(raw.shape[: raw.dimensions]), dtype)


def _index(value, known, what):
    if value not in known:
        raise ValueError(f"hone_worlds: {what}: expected one of {', '.join(map(str, known))}, got {value!r}")
    return known.index(value)


class HoneVectorEnv(VectorEnv):
    """N worlds stepped at once. The arrays that reset and step return are the buffers themselves: copy what must outlive the next step.

    `settings` are those of `hone env show NAME`. An action outside its space ends the slot's episode: truncated, and infos["fault"].
    """

    def __init__(self, name, num_envs=1, *, threads=1, autoreset_mode=AutoresetMode.SAME_STEP, split="train", **settings):
        self._handle = None
        mode, part = _index(AutoresetMode(autoreset_mode), _MODES, "autoreset_mode"), _index(split, _SPLITS, "split")
        lib = self._lib = _library.library()
        pairs = [(key.encode(), _text(value).encode()) for key, value in settings.items()]
        names, values = ((ctypes.c_char_p * len(pairs))(*column) for column in (zip(*pairs) if pairs else ((), ())))
        self._handle = lib.hone_worlds_open(name.encode(), names, values, len(pairs), num_envs, threads, mode, part)
        if not self._handle:
            raise ValueError(_library.error())
        spec = _library.SpecOf()
        lib.hone_worlds_spec_of(self._handle, spec)
        self.num_envs, self.max_steps = num_envs, spec.max_steps
        self.metadata = {"autoreset_mode": _MODES[mode], "render_modes": []}
        self.single_observation_space, self.single_action_space = _space(spec.observation), _space(spec.action)
        self.observation_space, self.action_space = (batch_space(s, num_envs) for s in (self.single_observation_space, self.single_action_space))
        self.info_names = [lib.hone_worlds_info_name(self._handle, i).decode() for i in range(spec.infos)]

        def rows(raw):
            return np.zeros((num_envs, *raw.shape[: raw.dimensions]), _DTYPES[raw.dtype])

        self._obs, self._final, self._actions = rows(spec.observation), rows(spec.observation), rows(spec.action)
        self._reward = np.zeros(num_envs, np.float32)
        self._terminated, self._truncated, self._fault = (np.zeros(num_envs, bool) for _ in range(3))
        self._cut, self._ended = np.zeros(num_envs, bool), np.zeros(num_envs, bool)
        self._info = np.zeros((num_envs, spec.infos), np.float32)
        arrays = (self._obs, self._final, self._reward, self._terminated, self._truncated, self._fault, self._info)
        self._buffers = _library.Buffers(*(array.ctypes.data for array in arrays))
        self._actions_at, self._same_step = self._actions.ctypes.data, mode == 0

    def _check(self, status):
        if status != 0:
            raise ValueError(_library.error())

    def reset(self, *, seed=None, options=None):
        """`seed`: a whole number for all slots; None draws one the first time and goes on from there. options["reset_mask"]: only these slots."""
        if self._handle is None:
            raise ValueError("hone_worlds: reset after close")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0):
            raise ValueError(f"hone_worlds: seed: expected a whole number of at least 0 for all slots, got {seed!r}")
        super().reset(seed=None if seed is None else int(seed))
        number = int(seed) if seed is not None else int(self.np_random.integers(1, 2**63))
        mask = (options or {}).get("reset_mask")
        if mask is not None:
            mask = np.ascontiguousarray(mask, dtype=bool)
            if mask.shape != (self.num_envs,):
                raise ValueError(f"hone_worlds: reset_mask: expected shape ({self.num_envs},), got {mask.shape}")
        self._check(self._lib.hone_worlds_reset(self._handle, number, None if mask is None else mask.ctypes.data, self._buffers))
        return self._obs, {}

    def step(self, actions):
        if self._handle is None:
            raise ValueError("hone_worlds: step after close")
        given = np.asarray(actions)
        if given.shape != self._actions.shape:
            raise ValueError(f"hone_worlds: actions: expected shape {self._actions.shape}, got {given.shape}")
        np.copyto(self._actions, given, casting="same_kind")
        self._check(self._lib.hone_worlds_step(self._handle, self._actions_at, self._buffers))
        np.logical_or(self._truncated, self._fault, out=self._cut)
        infos = {}
        for i, name in enumerate(self.info_names):
            infos[name] = self._info[:, i]
        if self._fault.any():
            infos["fault"] = self._fault
        if self._same_step and np.logical_or(self._terminated, self._cut, out=self._ended).any():
            infos["final_obs"], infos["_final_obs"] = self._final, self._ended
        return self._obs, self._reward, self._terminated, self._cut, infos

    def close_extras(self, **kwargs):
        if self._handle is not None:
            self._lib.hone_worlds_close(self._handle)
            self._handle = None

    def __del__(self):
        if getattr(self, "_handle", None) is not None:
            self.close_extras()
