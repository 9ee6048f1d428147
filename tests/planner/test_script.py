"""The launch script does what was asked: it compiles, and its own arguments build the objects of the installed libraries."""

from __future__ import annotations

import ast
import inspect
import itertools

import peft
import pytest
import torch
import transformers
import trl
from accelerate.utils.deepspeed import HfDeepSpeedConfig

from engine.contracts import SpecError
from engine.planner.options import CHOICES, read_options
from engine.planner.script import launch_script

LLAMA = {"model": "meta-llama/Llama-2-7b-hf"}
SHARDINGS = [{"gpus": 1}, *({"gpus": 8, "sharding": name} for name in CHOICES["sharding"])]
CONFIGS = ("SFTConfig", "DPOConfig", "RewardConfig", "RLOOConfig", "TrainingArguments", "Seq2SeqTrainingArguments")


def calls(source):
    """Name of what is called -> its keyword arguments as text; imports are checked on the way."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module in ("trl", "peft", "transformers"):
            module = {"trl": trl, "peft": peft, "transformers": transformers}[node.module]
            for name in node.names:
                assert name.name in source.split("\n\n", 2)[2], f"{name.name} is imported and not used"
                getattr(module, name.name)
    return {
        node.func.id: {word.arg: ast.unparse(word.value) for word in node.keywords}
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def built(source, tmp_path):
    """Every configuration object of the script, by class name, built from the script's own words on a CPU."""
    out = {}
    for name, words in calls(source).items():
        maker = next(
            (
                getattr(module, name)
                for module in (trl, peft, transformers)
                if name.endswith(("Config", "Arguments")) and hasattr(module, name)
            ),
            None,
        )
        if maker is None:
            continue
        values = {key: eval(text, {"torch": torch}) for key, text in words.items()}
        if name in CONFIGS:
            deepspeed = values.pop("deepspeed", None)
            if deepspeed:
                assert HfDeepSpeedConfig(deepspeed)
                halves = {half for half in ("bf16", "fp16") if deepspeed.get(half, {}).get("enabled")}
                assert halves == {half for half in ("bf16", "fp16") if values.get(half)}, "the Trainer refuses settings that disagree"
            out["deepspeed"] = deepspeed
            values |= {"use_cpu": True, "output_dir": str(tmp_path), "fp16": False}
        out[name] = maker(**values)
    return out


def arguments(source, tmp_path):
    made = built(source, tmp_path)
    return next(made[name] for name in CONFIGS if name in made), made["deepspeed"]


@pytest.mark.parametrize("method", CHOICES["method"])
@pytest.mark.parametrize("objective", CHOICES["objective"])
def test_every_choice_makes_objects_that_construct(method, objective, tmp_path):
    tried = 0
    for sharding, offload, model in itertools.product(SHARDINGS, CHOICES["offload"], (LLAMA, {"model": "google-t5/t5-small"})):
        if model != LLAMA and objective not in ("sft", "classify"):
            continue
        try:
            options = read_options({**model, "method": method, "objective": objective, "offload": offload, **sharding})
        except SpecError:
            continue
        source = launch_script(options)
        compile(source, "finetune.py", "exec")
        assert built(source, tmp_path)
        trainers = [name for name in calls(source) if name.endswith("Trainer")]
        given = calls(source)[trainers[0]]
        maker = getattr(trl, trainers[0], None) or getattr(transformers, trainers[0])
        inspect.signature(maker).bind(**given)
        tried += 1
    assert bool(tried) == (method != "head" or objective in ("classify", "reward"))


@pytest.mark.parametrize(
    ("objective", "trainer"),
    [("sft", "SFTTrainer"), ("dpo", "DPOTrainer"), ("reward", "RewardTrainer"), ("rlhf", "RLOOTrainer"), ("classify", "Trainer")],
)
def test_objective_has_its_trainer(objective, trainer):
    found = calls(launch_script(read_options({**LLAMA, "objective": objective})))
    assert trainer in found and sum(name.endswith("Trainer") for name in found) == 1


def test_a_head_is_trained_alone():
    source = launch_script(read_options({**LLAMA, "method": "head"}))
    tree = ast.parse(source)
    freezing = next(node for node in tree.body if isinstance(node, ast.For) and "requires_grad_" in ast.unparse(node))
    model = torch.nn.ModuleDict({"model": torch.nn.Linear(2, 2), "score": torch.nn.Linear(2, 2)})
    exec(compile(ast.Module([freezing], []), "x", "exec"), {"model": model})
    assert [name for name, parameter in model.named_parameters() if parameter.requires_grad] == ["score.weight", "score.bias"]


def test_sharding_offload_and_master_copy_are_in_the_arguments(tmp_path):
    def asked(**more):
        return arguments(launch_script(read_options({**LLAMA, "method": "full", **more})), tmp_path)

    for stage in (1, 2, 3):
        _, deepspeed = asked(gpus=8, sharding=f"zero{stage}", offload="optimizer")
        assert deepspeed["zero_optimization"] == {"stage": stage, "offload_optimizer": {"device": "cpu", "pin_memory": True}}
        assert deepspeed["bf16"]["bf16_master_weights_and_grads"]
    assert "offload_param" in asked(offload="all")[1]["zero_optimization"]
    fsdp, none = asked(gpus=8, sharding="fsdp", offload="all", checkpointing="full")
    assert fsdp.fsdp and fsdp.fsdp_config["cpu_offload"] and fsdp.fsdp_config["activation_checkpointing"] and none is None
    assert asked()[1] is None
    master = asked(trainable_dtype="fp32", weights="bf16")[1]
    assert master["bf16"] == {"enabled": True} and master["zero_optimization"]["stage"] == 1
    assert "dtype=torch.float32" in launch_script(
        read_options({**LLAMA, "method": "full", "trainable_dtype": "fp32", "gpus": 8, "sharding": "fsdp"})
    )


def test_reference_checkpointing_and_packing_are_in_the_arguments(tmp_path):
    def asked(**more):
        source = launch_script(read_options({**LLAMA, **more}))
        return source, arguments(source, tmp_path)[0]

    assert asked(objective="dpo", reference="precomputed")[1].precompute_ref_log_probs
    assert "ref_model=reference" in asked(objective="dpo", reference="copy")[0]
    assert "ref_model" not in asked(objective="dpo")[0]
    assert asked(checkpointing="selective")[1].activation_checkpointing_kwargs["every_n_layers"] == 2
    assert not asked()[1].activation_checkpointing and asked(packing=True)[1].packing


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"gpus": 2, "offload": "optimizer"}, "DDP offloads nothing"), ({"gpus": 2, "sharding": "fsdp", "offload": "optimizer"}, "FSDP offloads"),
     ({"objective": "rlhf"}, "value model"), ({"objective": "rlhf", "reference": "precomputed"}, "reference=precomputed"),
     ({"software": "litgpt"}, "software=litgpt"), ({"logits": "legacy"}, "logits=legacy")],
)  # fmt: skip
def test_what_no_trainer_does_is_said(asked, said):
    assert any(said in line for line in launch_script(read_options({**LLAMA, **asked})).splitlines() if line.startswith("# Not as asked"))
