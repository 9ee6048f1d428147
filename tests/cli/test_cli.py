"""The command line: names and exit codes that other programs rely on, and one sentence for each mistake."""

import json
import subprocess
import sys

import pytest

from engine.__main__ import main
from engine.catalog.defaults import default_spec
from engine.training import train

RESULT = {
    "spec_hash", "method", "objective", "model", "task", "seed", "device", "dtype", "threads", "steps", "score_before", "score_after",
    "fact_score_before", "fact_score_after", "loss_before", "loss_after", "forgetting_before", "forgetting_after",
    "kept_before", "kept_after", "trainable_params",
    "total_params", "artifact_bytes", "seconds", "tokens_per_second", "peak_memory_bytes",
}  # fmt: skip


def spec_of(capsys, *options: str) -> dict:
    assert main(["spec", "--model", "nano-0.1m", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_spec_prints_every_default(capsys):
    options = ["--rank", "4", "--alpha", "8", "--targets", "q,v", "--lr", "2e-3", "--steps", "3", "--micro-batch", "2", "--seed", "5"]
    spec = spec_of(capsys, "--method", "lora", "--task", "stories", "--objective", "sft", "--dtype", "fp32", *options)
    wanted = {"rank": 4, "alpha": 8.0, "targets": "q,v", "learning_rate": 2e-3, "steps": 3, "micro_batch": 2, "seed": 5, "dtype": "fp32"}
    assert wanted.items() <= spec.items()
    assert spec["dropout"] == 0.0 and spec["version"] == 1


@pytest.mark.parametrize(("method", "left"), [("lora", "adapter/adapter_model.safetensors"), ("full", "model/model.safetensors")])
def test_train_prints_events_and_leaves_artifacts(capsys, tmp_path, method, left):
    spec = spec_of(capsys, "--method", method, "--steps", "2", "--dtype", "fp32")
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    assert main(["train", str(tmp_path / "spec.json"), "--out", str(tmp_path / "out")]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1]["event"] == "ended" and events[-1]["status"] == "done"
    assert [e["step"] for e in events if e["event"] == "step"] == [1, 2]
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert set(result) >= RESULT
    assert (tmp_path / "out" / left).exists()


def test_train_reads_standard_input_and_a_failed_run_exits_1(capsys, monkeypatch):
    import io

    from engine.objectives import sft

    spec = spec_of(capsys, "--steps", "2", "--dtype", "fp32")
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(spec)))
    real = sft.sft_loss
    monkeypatch.setattr(sft, "sft_loss", lambda model, batch: real(model, batch) * float("nan"))
    assert main(["train", "-"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[-1])["status"] == "failed"
    assert said.err.startswith("error: ") and said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["spec", "--rank", "0"], "rank=0 must be at least 1"),
        (["spec", "--model", "nano-0.1m", "--rank", "400"], "rank=400 is above 48"),
        (["spec", "--lr", "fast"], "Invalid value for '--lr'"),
        (["spec", "--model", "gpt-9"], "these work:"),
        (["spec", "--task", "cooking"], "task='cooking' is not one of"),
        (["train", "missing.json"], "spec=missing.json cannot be read"),
        (["models", "--fetch", "gpt-9"], "not in the catalogue"),
        (["runs", "show", "nobody"], "There is no run 'nobody' here"),
        (["dance"], "No such command"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(capsys, monkeypatch, tmp_path, arguments, says):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path)) if arguments[0] == "runs" else None
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert says in said.err and said.err.startswith("error: ") and said.err.count("\n") == 1
    assert said.out == ""


def test_what_fails_on_the_way_exits_1(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    monkeypatch.setattr("engine.models.smollm2.shutil.disk_usage", lambda path: type("Usage", (), {"free": 0})())
    assert main(["models", "--fetch", "smollm2-135m-instruct"]) == 1
    assert capsys.readouterr().err.startswith("error: The disk is full")


def test_lists_are_json_with_the_promised_keys(capsys):
    assert main(["models", "--json"]) == 0
    models = json.loads(capsys.readouterr().out)
    assert {"name", "parameters", "present", "licence", "bytes"} <= set(models[0])
    assert main(["tasks", "--json"]) == 0
    tasks = json.loads(capsys.readouterr().out)
    assert {"name", "objective", "models", "train_examples", "heldout_examples"} <= set(tasks[0])
    assert all(task["models"] for task in tasks)


def test_listing_imports_no_torch():
    code = "import sys; from engine.__main__ import main; main(['tasks']); main(['models']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def adapters(tmp_path_factory):
    """Two LoRA of two steps each, and a soft prompt."""
    made = {}
    for name, chosen in {"one": {"method": "lora"}, "two": {"method": "lora", "seed": 1}, "soft": {"method": "prompt"}}.items():
        made[name] = tmp_path_factory.mktemp(name)
        list(train(default_spec("nano-0.1m", steps=2, eval_every=0, **chosen), out=made[name]))
    return made


def test_ask_answers_as_the_base_with_each_adapter_and_with_their_sum(adapters, capsys):
    options = ["--model", "nano-0.1m", "--tokens", "8", "--adapter", str(adapters["one"]), "--adapter", f"{adapters['two']}=-0.5"]
    assert main(["ask", "Mia the fox", *options]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in said] == [
        "base",
        *(str(adapters[name] / "adapter") for name in ("one", "two")),
        "1 x [1] + -0.5 x [2]",
    ]


@pytest.mark.parametrize(
    ("adapter", "says"),
    [
        ("nowhere", "neither a folder nor a run"),
        ("{one}=much", "is not a finite number"),
        ("{one}=nan", "is not a finite number"),
        ("{soft}", "is of type PROMPT_TUNING"),
        ("{one}/delta", "holds no adapter in PEFT's format"),
    ],
)
def test_ask_refuses_what_is_no_adapter(adapters, capsys, adapter, says):
    assert main(["ask", "Mia", "--model", "nano-0.1m", "--adapter", adapter.format(**adapters)]) == 2
    assert says in capsys.readouterr().err


def test_ask_refuses_another_base(adapters, capsys):
    assert main(["ask", "Mia", "--model", "nano-0.5m", "--adapter", str(adapters["one"])]) == 2
    assert "model=nano-0.5m is not the base of these adapters" in capsys.readouterr().err
