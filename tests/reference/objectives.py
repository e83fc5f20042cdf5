#!/usr/bin/env python3
"""Records what TRL's and verl's own functions give on small tensors: advantages, policy losses, divergences, preference losses, with
autograd's gradients by each token's log-probability. src/objective/parity_test.cpp compares.

The functions are taken from the released packages (pip download, sources only) and run as they are; what they expect around them (trainer,
accelerator, model) is a stand-in that hands out the recorded tensors, in double. Needs torch and numpy:
  apt-get install python3-torch && /usr/bin/python3 objectives.py > objectives.json
usage: objectives.py [FOLDER_WITH_DOWNLOADED_PACKAGES] > objectives.json"""
import __future__
import ast
import collections
import contextlib
import json
import math
import pathlib
import random
import subprocess
import sys
import tarfile
import tempfile
import types
import typing
import zipfile

import numpy as np
import torch
import torch.nn.functional as F

TRL, VERL, VERL_OLD = "1.9.0", "0.8.0", "0.6.1"
torch.set_default_dtype(torch.float64)


def download(folder):
    for name, kind in ((f"trl=={TRL}", "--only-binary"), (f"verl=={VERL}", "--no-binary"), (f"verl=={VERL_OLD}", "--no-binary")):
        package, version = name.split("==")
        if not any(folder.glob(f"{package}-{version}*")):
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", kind, ":all:", "-d", str(folder), name], check=True)


def source(folder, package, version, path):
    file = next(folder.glob(f"{package}-{version}*"))
    if file.suffix == ".whl":
        return zipfile.ZipFile(file).read(path).decode()
    with tarfile.open(file) as tar:
        return tar.extractfile(next(m for m in tar.getmembers() if m.name.endswith("/" + path))).read().decode()


def run(nodes, names):
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = [d for d in node.decorator_list if ast.unparse(d).startswith("torch.")]  # torch.no_grad; not registries
    module = ast.fix_missing_locations(ast.Module(body=list(nodes), type_ignores=[]))
    exec(compile(module, "released source", "exec", flags=__future__.annotations.compiler_flag), names)


def functions(text, names, only=None, of_class=None):
    """Defines the functions of a module or class (and the module's plain constants) in `names`."""
    body = ast.parse(text).body
    if of_class:
        body = next(n for n in body if isinstance(n, ast.ClassDef) and n.name == of_class).body
    run([n for n in body if isinstance(n, ast.FunctionDef) and (only is None or n.name in only)], names)
    return names


def branch(text, of_class, function, words, inside):
    """The `if` statement of a long method whose condition holds these words and whose body assigns `inside`."""
    body = next(n for n in ast.parse(text).body if isinstance(n, ast.ClassDef) and n.name == of_class).body
    method = next(n for n in body if isinstance(n, ast.FunctionDef) and n.name == function)
    found = [n for n in ast.walk(method) if isinstance(n, ast.If) and all(w in ast.unparse(n.test) for w in words)]
    return next(n for n in found if inside + " = " in ast.unparse(n))


class Config(types.SimpleNamespace):
    def get(self, name, standard=None):
        return getattr(self, name, standard)


# ---- numbers: multiples of 1/1024, which a float holds exactly
draw = random.Random(20)


def near(mean, spread):
    return round(1024 * draw.gauss(mean, spread)) / 1024


LENGTHS, GROUPS = [5, 3, 4, 2, 5, 1], ["a", "a", "a", "b", "b", "c"]
WIDTH = max(LENGTHS)
batch = {"tokens": LENGTHS, "groups": GROUPS, "truncated": [0, 0, 1, 0, 0, 0], "rewards": [1.0, 0.25, -0.5, 2.0, 0.0, 0.75],
         "advantages": [near(0, 1) for _ in LENGTHS], "logp": [], "old": [], "roll": [], "ref": [], "entropy": []}
for n in LENGTHS:
    old = [min(near(-1.5, 0.5), -0.25) for _ in range(n)]
    batch["old"].append(old)
    batch["logp"].append([min(x + near(0, 0.5), -1 / 64) for x in old])
    batch["roll"].append([x + near(0, 0.3) for x in old])
    batch["ref"].append([x + near(0, 0.5) for x in old])
    batch["entropy"].append([abs(near(1, 0.4)) for _ in range(n)])
batch["logp"][0][0] = batch["old"][0][0] + 1.375  # ratios beyond every bound, with either sign of the advantage
batch["advantages"][0], batch["advantages"][1] = -0.875, 1.25
batch["logp"][1][1] = batch["old"][1][1] + 1.375


def padded(rows, fill=0.0):
    return torch.tensor([list(r) + [fill] * (WIDTH - len(r)) for r in rows])


def mask_of(skip_truncated=False):
    return padded([[0.0 if skip_truncated and t else 1.0] * n for n, t in zip(LENGTHS, batch["truncated"])])


def rows(tensor, lengths=LENGTHS):
    return [[round(x, 9) for x in tensor[i, :n].tolist()] for i, n in enumerate(lengths)]


def recorded(name, settings, loss, logp, entropy):
    grad = logp.grad if logp.grad is not None else torch.zeros_like(logp)
    out = {"name": name, "settings": settings, "loss": round(float(loss), 9), "logp": rows(grad)}
    if entropy.grad is not None and bool((entropy.grad != 0).any()):
        out["entropy"] = rows(entropy.grad)
    return out


def leaves():
    return padded(batch["logp"]).requires_grad_(), padded(batch["entropy"]).requires_grad_()


# ---- verl
def verl_names(folder, version):
    names = {"torch": torch, "np": np, "defaultdict": collections.defaultdict, "Optional": typing.Optional, "Any": typing.Any, "ActorConfig": Config,
             "AlgoConfig": type("AlgoConfig", (), {})}
    names["verl_F"] = types.SimpleNamespace(**{k: v for k, v in functions(source(folder, "verl", version, "verl/utils/torch_functional.py"), {"torch": torch},
                                                                          {"masked_sum", "masked_mean", "masked_var", "masked_whiten"}).items() if callable(v)})
    return functions(source(folder, "verl", version, "verl/trainer/ppo/core_algos.py"), names)


def verl_advantages(v):
    scores = torch.zeros(len(LENGTHS), WIDTH)
    for i, n in enumerate(LENGTHS):
        scores[i, n - 1] = batch["rewards"][i]
    config = types.SimpleNamespace(gamma=0.75, get=lambda name, standard=None: standard)
    out = []
    pairs = np.array(GROUPS, dtype=object)

    def take(name, settings, function, keep=len(LENGTHS), **more):
        a, _ = v[function](token_level_rewards=scores[:keep].clone(), response_mask=mask_of()[:keep], **more)
        out.append({"name": "verl " + name, "settings": {"adv": name, **settings}, "samples": keep, "values": rows(a, LENGTHS[:keep])})
    take("grpo", {}, "compute_grpo_outcome_advantage", index=pairs)
    take("dr_grpo", {}, "compute_grpo_outcome_advantage", index=pairs, norm_adv_by_std_in_grpo=False)
    take("rloo", {}, "compute_rloo_outcome_advantage", index=pairs)
    take("opo", {}, "compute_opo_outcome_advantage", index=pairs)
    take("gpg", {}, "compute_gpg_outcome_advantage", index=pairs)
    take("reinforce_pp_baseline", {}, "compute_reinforce_plus_plus_baseline_outcome_advantage", index=pairs)
    take("reinforce_pp", {"gamma": "0.75"}, "compute_reinforce_plus_plus_outcome_advantage", config=config)
    take("pass_k", {}, "compute_grpo_passk_outcome_advantage", keep=5, index=pairs[:5], config=config)
    return out


def verl_policy(v, old_v, folder):
    a, old, mask = torch.tensor(batch["advantages"]).unsqueeze(1).expand(-1, WIDTH), padded(batch["old"]), mask_of()
    names = functions(source(folder, "verl", VERL, "verl/trainer/ppo/rollout_corr_helper.py"),
                      {"torch": torch, "verl_F": v["verl_F"], "Optional": typing.Optional, "SAFETY_BOUND": 20.0, "compute_is_metrics": lambda **k: {}},
                      {"compute_rollout_correction_weights", "_parse_rollout_is_threshold"})
    out = []

    def take(name, settings, function, agg="token-mean", mask=mask, weights=None, **more):
        logp, entropy = leaves()
        config = Config(clip_ratio=0.2, clip_ratio_low=None, clip_ratio_high=None, clip_ratio_c=3.0, tau_pos=1.0, tau_neg=1.05, global_batch_info={},
                        policy_loss=Config(clip_cov_ratio=1.0, clip_cov_ub=0.5, clip_cov_lb=0.05, kl_cov_ratio=0.2, ppo_kl_coef=0.1))
        config.__dict__.update(more)
        loss, _ = v[function](old_log_prob=old, log_prob=logp, advantages=a.clone(), response_mask=mask, loss_agg_mode=agg, config=config, rollout_is_weights=weights)
        loss.backward()
        out.append(recorded("verl " + name, settings, loss, logp, entropy))
    dual = {"surrogate": "dual_clip"}
    take("vanilla", dual, "compute_policy_loss_vanilla")
    take("vanilla, clip higher", {**dual, "eps_hi": "0.28"}, "compute_policy_loss_vanilla", clip_ratio_low=0.2, clip_ratio_high=0.28)
    for key, agg in (("seq_mean_token_sum", "seq-mean-token-sum"), ("seq_mean_token_mean", "seq-mean-token-mean"), ("const_norm", "seq-mean-token-sum-norm")):
        take("vanilla " + agg, {**dual, "agg": key}, "compute_policy_loss_vanilla", agg)
    take("vanilla, a reply masked", {**dual, "agg": "seq_mean_token_mean", "truncated": "mask_loss"}, "compute_policy_loss_vanilla", "seq-mean-token-mean", mask_of(True))
    take("gspo", {"surrogate": "gspo", "agg": "seq_mean_token_mean"}, "compute_policy_loss_gspo")
    take("sapo", {"surrogate": "sapo", "agg": "seq_mean_token_mean"}, "compute_policy_loss_sapo")
    take("gpg", {"surrogate": "reinforce"}, "compute_policy_loss_gpg")
    take("cispo", {"surrogate": "cispo"}, "compute_policy_loss_cispo")
    take("geo_mean", {"surrogate": "gmpo", "eps_lo": "0.4", "eps_hi": "0.4", "agg": "seq_mean_token_mean"}, "compute_policy_loss_geo_mean", clip_ratio=0.4)
    take("clip_cov", {"surrogate": "clip_cov", "cov_share": "1", "cov_lo": "0.05", "cov_hi": "0.5"}, "compute_policy_loss_clip_cov")
    take("kl_cov", {"surrogate": "kl_cov", "cov_share": "0.2", "kl_cov_coef": "0.1"}, "compute_policy_loss_kl_cov")
    for key, level, cap, normalise in (("tis_token", "token", 1.2, False), ("tis_seq", "sequence", 1.2, False), ("tis_token", "token", 1.2, True), ("tis_seq", "sequence", 1.2, True),
                                       ("mis_token", "token", "0.8_1.2", False)):
        weights, _ = names["compute_rollout_correction_weights"]((old - padded(batch["roll"])) * mask, mask, level, cap, normalise)
        settings = {**dual, "mismatch": key, "mismatch_C": "1.2", "mismatch_normalise": str(normalise).lower()}
        if key == "mis_token":
            settings["mismatch_Cmin"] = "0.8"
        take(f"vanilla {key}" + (" normalised" if normalise else ""), settings, "compute_policy_loss_vanilla", weights=weights)
    # 0.6.1 did not yet divide this one by the number of sequences
    logp, entropy = leaves()
    loss = old_v["agg_loss"](-a * torch.exp(logp - old), mask, "seq-mean-token-sum-norm")
    loss.backward()
    out.append(recorded(f"verl {VERL_OLD} seq-mean-token-sum-norm", {"surrogate": "no_clip", "agg": "const_norm_nobatch"}, loss, logp, entropy))
    for key, name in (("k1", "k1"), ("abs", "abs"), ("k2", "k2"), ("k3", "k3"), ("k1+", "k1+"), ("k3+", "k3+")):
        logp, entropy = leaves()
        loss = 0.5 * v["agg_loss"](v["kl_penalty"](logp, padded(batch["ref"]), name), mask, "token-mean") + v["agg_loss"](-a * torch.exp(logp - old), mask, "token-mean")
        loss.backward()
        out.append(recorded("verl kl " + name, {"surrogate": "no_clip", "kl_where": "loss", "kl_coef": "0.5", "kl_est": key}, loss, logp, entropy))
    return out


# ---- TRL
def accelerator():
    same = lambda x, *a, **k: x
    return types.SimpleNamespace(gather=same, gather_for_metrics=same, reduce=same, pad_across_processes=same, num_processes=1, device="cpu", sync_gradients=True, unwrap_model=same)


def trl_grpo(folder):
    text, utils = source(folder, "trl", TRL, "trl/trainer/grpo_trainer.py"), source(folder, "trl", TRL, "trl/trainer/utils.py")
    names = functions(utils, {"torch": torch}, {"nanmin", "nanmax", "nanstd"})
    names.update(math=math, F=F)
    functions(text, names, {"_compute_loss", "get_off_policy_mask", "get_gamma_weights", "get_high_entropy_mask"}, "GRPOTrainer")
    weigh = branch(text, "GRPOTrainer", "_generate_and_score_completions", ["use_vllm", "vllm_importance_sampling_correction"], "vllm_importance_sampling_ratio")
    mask, old = mask_of(), padded(batch["old"])
    out = []

    def ratio_of(mode, cap):
        scope = {**names, "self": types.SimpleNamespace(use_vllm=True, vllm_importance_sampling_correction=True, vllm_importance_sampling_mode=mode,
                                                       vllm_importance_sampling_clip_min=None, vllm_importance_sampling_clip_max=cap),
                 "tool_mask": None, "completion_mask": mask, "old_per_token_logps": old, "sampling_per_token_logps": padded(batch["roll"])}
        with torch.no_grad():
            run([weigh], scope)
        return scope["vllm_importance_sampling_ratio"]

    def take(name, settings, loss_type, level="token", beta=0.0, use_ratio=None, high=0.2, mask=mask, quantile=1.0, stale=None, coef=0.0, with_old=True, **args):
        logp, entropy = leaves()
        me = types.SimpleNamespace(
            _get_per_token_logps_and_entropies=lambda *a, **k: (logp, entropy, None), aux_loss_enabled=False, top_entropy_quantile=quantile, off_policy_mask_threshold=stale,
            importance_sampling_level=level, beta=beta, loss_type=loss_type, epsilon_low=0.2, epsilon_high=high, use_vllm=use_ratio is not None,
            vllm_importance_sampling_correction=True, current_gradient_accumulation_steps=1, max_completion_length=16, accelerator=accelerator(),
            _entropy_bonus_enabled=coef > 0, use_adaptive_entropy=False, entropy_coef=coef, model=types.SimpleNamespace(training=True),
            _metrics=collections.defaultdict(lambda: collections.defaultdict(list)),
            args=types.SimpleNamespace(**{**dict(use_bias_correction_kl=False, delta=None, sapo_temperature_pos=1.0, sapo_temperature_neg=1.05, vespo_k_pos=2.0,
                                                 vespo_lambda_pos=3.0, vespo_k_neg=3.0, vespo_lambda_neg=2.0), **args}))
        for function in ("get_off_policy_mask", "get_gamma_weights"):
            setattr(me, function, names[function])
        me.get_high_entropy_mask = types.MethodType(names["get_high_entropy_mask"], me)
        ids = torch.zeros(len(LENGTHS), WIDTH, dtype=torch.long)
        inputs = {"prompt_ids": ids[:, :1], "prompt_mask": ids[:, :1], "completion_ids": ids, "completion_mask": mask, "advantages": torch.tensor(batch["advantages"]),
                  "ref_per_token_logps": padded(batch["ref"]), "sampling_per_token_logps": padded(batch["roll"]), "num_items_in_batch": mask.sum(), "importance_sampling_ratio": use_ratio}
        if with_old:
            inputs["old_per_token_logps"] = old
        loss = names["_compute_loss"](me, None, inputs)
        loss.backward()
        out.append(recorded("trl " + name, {"logratio_clamp": "0", "kl_clamp": "false", "agg_count_empty": "true", "mismatch_clamp": "0", **settings}, loss, logp, entropy))
    seq, tok = {"agg": "seq_mean_token_mean"}, {"agg": "token_mean_global"}
    take("grpo", seq, "grpo")
    take("grpo, on-policy", {**seq, "old_logp": "current"}, "grpo", with_old=False)
    take("bnpo", {"agg": "token_mean_local"}, "bnpo")
    take("dr_grpo", {"agg": "const_norm", "agg_L_max": "16"}, "dr_grpo")
    take("dapo", {**tok, "eps_hi": "0.28"}, "dapo", high=0.28)
    take("cispo", {**tok, "surrogate": "cispo", "cispo_bounds": "absolute", "eps_hi": "1.5"}, "cispo", high=1.5)
    take("sapo", {**seq, "surrogate": "sapo"}, "sapo")
    take("vespo", {**tok, "surrogate": "vespo"}, "vespo")
    take("vespo with the sampler's ratio", {**tok, "surrogate": "vespo", "mismatch": "tis_token", "mismatch_C": "3"}, "vespo", use_ratio=ratio_of("token_truncate", 3.0))
    take("luspo", {"agg": "len_weighted", "ratio_level": "sequence"}, "luspo", level="sequence")
    take("grpo by sequence", {**seq, "ratio_level": "sequence"}, "grpo", level="sequence")
    take("dapo by sequence", {**tok, "ratio_level": "sequence"}, "dapo", level="sequence")
    take("grpo, two-sided", {**seq, "surrogate": "two_sided", "delta": "2"}, "grpo", delta=2.0)
    take("grpo, a reply masked", {**seq, "truncated": "mask_loss"}, "grpo", mask=mask_of(True))
    take("dr_grpo, a reply masked", {"agg": "const_norm", "agg_L_max": "16", "truncated": "mask_loss"}, "dr_grpo", mask=mask_of(True))
    kl = {"kl_where": "loss", "kl_coef": "0.25"}
    take("grpo with kl", {**seq, **kl}, "grpo", beta=0.25)
    take("dapo with kl times ratio", {**tok, **kl, "kl_times_ratio": "true"}, "dapo", beta=0.25, use_bias_correction_kl=True)
    take("grpo by sequence with kl times ratio", {**seq, **kl, "kl_times_ratio": "true", "ratio_level": "sequence"}, "grpo", level="sequence", beta=0.25, use_bias_correction_kl=True)
    take("grpo with entropy", {**seq, "entropy_coef": "0.125", "entropy_agg": "token_mean"}, "grpo", coef=0.125)
    take("dapo with entropy", {**tok, "entropy_coef": "0.125", "entropy_agg": "token_mean"}, "dapo", coef=0.125)
    take("grpo, most uncertain tokens, with entropy", {**seq, "top_entropy": "0.4", "entropy_coef": "0.125", "entropy_agg": "token_mean"}, "grpo", quantile=0.4, coef=0.125)
    take("dapo, stale left out", {**tok, "off_policy_max": "0.05"}, "dapo", stale=0.05)
    for key, mode in (("tis_token", "token_truncate"), ("tis_seq", "sequence_truncate"), ("mis_token", "token_mask"), ("mis_seq", "sequence_mask")):
        take("dapo " + mode, {**tok, **kl, "mismatch": key, "mismatch_C": "1.2"}, "dapo", beta=0.25, use_ratio=ratio_of(mode, 1.2))
    return out


def trl_advantages(folder):
    text, utils = source(folder, "trl", TRL, "trl/trainer/grpo_trainer.py"), source(folder, "trl", TRL, "trl/trainer/utils.py")
    statement = branch(text, "GRPOTrainer", "_generate_and_score_completions", ["multi_objective_aggregation", "sum_then_normalize"], "advantages")
    nan = math.nan
    rewards = [[1.0, 0.5], [0.0, nan], [0.5, 2.0], [nan, nan], [nan, 1.0], [0.25, 0.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    out = []
    for name, how, scale in (("grpo", "sum_then_normalize", "group"), ("dr_grpo", "sum_then_normalize", "none"), ("batch_std", "sum_then_normalize", "batch"), ("gdpo", "normalize_then_sum", "group")):
        per_function = torch.tensor(rewards)
        scope = functions(utils, {"torch": torch}, {"nanstd"})
        scope.update(self=types.SimpleNamespace(multi_objective_aggregation=how, scale_rewards=scale, reward_weights=torch.tensor([1.0, 0.5]), reward_funcs=[0, 1]),
                     rewards_per_func=per_function, num_generations=3, device="cpu", unscorable_mask=torch.isnan(per_function).all(dim=1))
        run([statement], scope)
        values = torch.nan_to_num(scope["advantages"], nan=0.0)
        out.append({"name": "trl " + name, "settings": {"adv": name, "adv_eps": "0.0001", "singleton": "zero"}, "weights": ["1", "0.5"],
                    "rewards": [[None if math.isnan(x) else x for x in r] for r in rewards], "groups": ["a"] * 3 + ["b"] * 3 + ["c"] * 3, "values": [round(x, 9) for x in values.tolist()]})
    return out


def trl_preference(folder):
    chosen, rejected = [3, 4, 1, 5], [4, 2, 2, 5]
    lengths, width = chosen + rejected, 5
    logp = [[min(near(-1.2, 0.6), -1 / 16) for _ in range(n)] for n in lengths]
    ref = [[min(x + near(0, 0.5), -1 / 64) for x in row] for row in logp]
    data = {"chosen": chosen, "rejected": rejected, "logp": logp, "ref": ref}
    mask = torch.tensor([[0.0] + [1.0] * n + [0.0] * (width - n) for n in lengths])

    def wide(numbers):
        return torch.tensor([row + [0.0] * (width - len(row)) for row in numbers])

    def outputs(leaf):  # the last position predicts nothing
        return types.SimpleNamespace(logits=F.pad(leaf, (0, 1)).unsqueeze(-1))

    class Functional:
        def __getattr__(self, name):
            return (lambda z, y: -z.mean()) if name == "cross_entropy" else getattr(F, name)
    names = {"torch": torch, "F": Functional(), "selective_log_softmax": lambda z, y: z.squeeze(-1).clone(), "disable_gradient_checkpointing": lambda *a: contextlib.nullcontext(),
             "is_peft_model": lambda m: False, "entropy_from_logits": lambda z: torch.zeros(z.shape[:-1])}
    functions(source(folder, "trl", TRL, "trl/trainer/dpo_trainer.py"), names, {"_compute_loss"}, "DPOTrainer")
    out = []

    def model_of(numbers, training=True):
        class Model:
            def __call__(self, **_):
                return outputs(numbers)
        Model.training = training
        return Model()

    def take(name, settings, losses, smoothing=0.0, divergence="reverse_kl", ld=None, weights=None, dtype=torch.float64):
        leaf = wide(logp).to(dtype).requires_grad_()
        me = types.SimpleNamespace(model=model_of(leaf), ref_model=model_of(wide(ref).to(dtype)), accelerator=accelerator(), aux_loss_enabled=False, ld_alpha=ld, precompute_ref_logps=False,
                                   f_divergence_type=divergence, f_alpha_divergence_coef=0.5, loss_types=losses, loss_weights=weights or [1.0] * len(losses), beta=0.5,
                                   label_smoothing=smoothing, use_weighting=False, _metrics=collections.defaultdict(lambda: collections.defaultdict(list)), _total_train_tokens=0,
                                   args=types.SimpleNamespace(discopop_tau=0.5, gradient_checkpointing_kwargs=None))
        inputs = {"input_ids": torch.zeros(len(lengths), width + 1, dtype=torch.long), "attention_mask": mask, "completion_mask": mask}
        loss = names["_compute_loss"](me, me.model, inputs, False)
        loss.backward()
        kept = ("rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins", "logps/chosen", "logps/rejected")
        out.append({"name": "trl dpo " + name, "losses": losses, "weights": [str(w) for w in weights or []],
                    "settings": {"beta": "0.5", "discopop_tau": "0.5", "label_smoothing": str(smoothing), **settings}, "loss": round(float(loss), 9),
                    "logp": rows(leaf.grad, lengths), "metrics": {k: round(me._metrics["train"][k][-1], 9) for k in kept}})
    for name in ("sigmoid", "hinge", "ipo", "sigmoid_norm", "nca_pair", "bco_pair", "sppo_hard", "apo_zero", "apo_down", "discopop", "sft"):
        take(name, {}, [name])
    for name in ("robust", "exo_pair", "aot", "aot_unpaired"):
        take(name, {}, [name], smoothing=0.1)
    take("sigmoid and sft", {}, ["sigmoid", "sft"], weights=[1.0, 0.25])
    for key, name in (("forward_kl", "forward_kl"), ("js", "js_divergence")):
        take("sigmoid, " + key, {"f_divergence": key}, ["sigmoid"], divergence=name)
    take("sigmoid, alpha", {"f_divergence": "alpha"}, ["sigmoid"], divergence="alpha_divergence", dtype=torch.float32)
    take("sigmoid, ld", {"ld_alpha": "0.25"}, ["sigmoid"], ld=0.25)

    # orpo and simpo take mean log-probabilities; orpo's supervised part is added as its paper has it (over the replies alone)
    experimental = functions(source(folder, "trl", TRL, "trl/experimental/utils.py"), {"torch": torch, "math": math}, {"log1mexp"})
    if "log1mexp" not in experimental:
        functions(source(folder, "trl", TRL, "trl/experimental/orpo/orpo_trainer.py"), experimental, {"log1mexp"})
    experimental["F"] = F
    functions(source(folder, "trl", TRL, "trl/experimental/orpo/orpo_trainer.py"), experimental, {"odds_ratio_loss"}, "ORPOTrainer")
    functions(source(folder, "trl", TRL, "trl/experimental/cpo/cpo_trainer.py"), experimental, {"cpo_loss"}, "CPOTrainer")
    shift = mask[:, 1:]
    for name, losses, smoothing in (("orpo", ["orpo", "sft"], 0.0), ("simpo", ["simpo"], 0.1)):
        leaf = wide(logp).requires_grad_()
        means = (leaf * shift).sum(-1) / shift.sum(-1)
        me = types.SimpleNamespace(beta=0.5, accelerator=accelerator(), alpha=0.0, loss_type="simpo", simpo_gamma=0.25, label_smoothing=smoothing)
        if name == "orpo":
            gain = experimental["odds_ratio_loss"](me, means[:4], means[4:])[0]
            loss = -(leaf[:4] * shift[:4]).sum() / shift[:4].sum() - gain.mean()
        else:
            loss = experimental["cpo_loss"](me, means[:4], means[4:])[0].mean()
        loss.backward()
        out.append({"name": "trl " + name, "losses": losses, "weights": [], "settings": {"beta": "0.5", "simpo_gamma": "0.25", "label_smoothing": str(smoothing)},
                    "loss": round(float(loss), 9), "logp": rows(leaf.grad, lengths), "metrics": {}})

    # unpaired: the same replies, marked good and bad
    functions(source(folder, "trl", TRL, "trl/trainer/kto_trainer.py"), names, {"_compute_loss"}, "KTOTrainer")
    unpaired = []
    for key in ("kto", "apo_zero_unpaired"):
        leaf = wide(logp).requires_grad_()
        sums = {"policy": [-3.5, -2.25, -4.0], "reference": [-3.75, -2.5, -4.5]}
        me = types.SimpleNamespace(model=model_of(leaf), ref_model=model_of(wide(ref)), accelerator=accelerator(), aux_loss_enabled=False, precompute_ref_logps=False, beta=0.5, calculate_KL=key == "kto",
                                   loss_type=key, desirable_weight=1.25, undesirable_weight=0.75, _metrics=collections.defaultdict(lambda: collections.defaultdict(list)), _total_train_tokens=0,
                                   args=types.SimpleNamespace(gradient_checkpointing_kwargs=None))
        me._compute_kl_logps = lambda m, b: torch.tensor(sums["policy" if m is me.model else "reference"]) if me.calculate_KL else None
        inputs = {"input_ids": torch.zeros(8, width + 1, dtype=torch.long), "attention_mask": mask, "completion_mask": mask, "label": torch.tensor([True] * 4 + [False] * 4)}
        loss = names["_compute_loss"](me, me.model, inputs, False)
        loss.backward()
        kept = ("rewards/chosen", "rewards/rejected", "rewards/margins", "logps/chosen", "logps/rejected", "kl")
        unpaired.append({"name": "trl " + key, "settings": {"loss": key, "beta": "0.5", "desirable_weight": "1.25", "undesirable_weight": "0.75"}, "others": sums,
                         "loss": round(float(loss), 9), "logp": rows(leaf.grad, lengths), "metrics": {k: round(me._metrics["train"][k][-1], 9) for k in kept}})

    functions(source(folder, "trl", TRL, "trl/trainer/sft_trainer.py"), names, {"dft_loss"})
    names["nn"] = torch.nn
    leaf = wide(logp).requires_grad_()
    labels = torch.where(mask > 0, 0, -100)
    dft = names["dft_loss"](types.SimpleNamespace(logits=F.pad(leaf, (0, 1)).unsqueeze(-1)), labels)
    dft.backward()
    data["dft"] = {"loss": round(float(dft), 9), "logp": rows(leaf.grad, lengths)}
    return data, out, unpaired


def main(folder):
    download(folder)
    v, old_v = verl_names(folder, VERL), verl_names(folder, VERL_OLD)
    data, preference, unpaired = trl_preference(folder)
    found = {"versions": {"trl": TRL, "verl": VERL, "verl_old": VERL_OLD, "torch": torch.__version__}, "batch": batch, "advantages": verl_advantages(v),
             "reward_functions": trl_advantages(folder), "policy": verl_policy(v, old_v, folder) + trl_grpo(folder), "pairs": data, "preference": preference, "unpaired": unpaired}
    print("{\n" + ",\n".join(f'"{k}": ' + ("[\n" + ",\n".join(json.dumps(x) for x in value) + "\n]" if isinstance(value, list) else json.dumps(value)) for k, value in found.items()) + "\n}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(pathlib.Path(scratch))
