import subprocess
import sys

import pytest

import heed
from heed.cli.commands import COMMANDS
from heed.cli.main import main

HEAVY = ("tensorflow", "keras", "matplotlib", "grpc", "numpy", "rich", "pydantic", "sentencepiece")


def loaded_by(*arguments):
    script = (
        "import sys\nfrom heed.cli.main import main\n"
        f"status = main({list(arguments)!r})\n"
        f"print('LOADED', *sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return finished.stdout.rpartition("LOADED")[2].split()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["nonsense"],
        *([name, "--help"] for name in ("generate", "score")),
    ],
)
def test_help_loads_nothing_heavy(arguments):
    assert loaded_by(*arguments) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_costs_neither_tensorflow_nor_grpc(name):
    assert not {"tensorflow", "keras", "matplotlib", "grpc"} & set(loaded_by(name, "--help"))


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert name in shown
        assert command.summary in shown


@pytest.mark.parametrize("arguments", [["help", "models"], ["models", "--help"]])
def test_help_of_a_command_shows_its_examples(capsys, arguments):
    assert main(arguments) == 0
    assert "examples:\n  heed models" in capsys.readouterr().out


def test_no_command_is_an_error_with_the_help(capsys):
    assert main([]) == 2
    assert "usage: heed COMMAND" in capsys.readouterr().err


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"heed {heed.__version__}\n"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("generat", "heed: error: there is no command 'generat'; did you mean `heed generate`?\n"),
        ("xyzzy", "heed: error: there is no command 'xyzzy'; see `heed --help`\n"),
        ("--versoin", "heed: error: there is no option '--versoin'; see `heed --help`\n"),
    ],
)
def test_an_unknown_command_suggests_the_near_one(capsys, word, message):
    assert main([word]) == 2
    assert capsys.readouterr().err == message


def test_a_missing_package_names_the_extra_to_install(monkeypatch, capsys, tmp_path):
    (tmp_path / "needs_tensorflow.py").write_text("def main(argv):\n    import tensorflow\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    command = COMMANDS["train"]
    monkeypatch.setitem(
        COMMANDS, "train", type(command)("train", "", "needs_tensorflow", extra="train")
    )
    assert main(["train"]) == 1
    assert capsys.readouterr().err == (
        "heed: error: `heed train` needs the package tensorflow, which is not installed: "
        'pip install "heed[train]"\n'
    )


def test_a_module_of_our_own_that_is_missing_is_no_advice_to_install(monkeypatch):
    command = COMMANDS["train"]
    monkeypatch.setitem(
        COMMANDS, "train", type(command)("train", "", "model_export.nowhere", extra="train")
    )
    with pytest.raises(ModuleNotFoundError):
        main(["train"])
