"""The subcommands of `heed`: where each lives and what it needs. Nothing is loaded here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand.

    Attributes:
        name: What the user types.
        summary: One line for the help.
        module: The module whose `main(argv)` runs it and returns the exit status.
        extra: The extra of the package "heed" that installs what it needs; empty: none.
        passes_name: Whether `argv` begins with the subcommand's name.
    """

    name: str
    summary: str
    module: str
    extra: str = ""
    passes_name: bool = False


ASK: Final = (
    Command("generate", "answer texts, and show the attention", "heed.cli.generate"),
    Command("score", "how probable a given output is", "heed.cli.score"),
    Command("classify", "label texts, and show the attention", "heed.cli.classify"),
    Command("caption", "read pictures, and show the attention", "heed.cli.caption"),
    Command("tokenize", "how a model splits a text", "heed.cli.tokenize"),
    Command("models", "list the models of a gateway", "heed.cli.models"),
)
SERVE: Final = (
    Command("serve", "run the gateway", "service.main", extra="serve", passes_name=True),
    Command(
        "make-api-key",
        "make an API key for callers of a gateway",
        "service.security.make_api_key",
        extra="serve",
        passes_name=True,
    ),
    Command("model-server", "run the local model server", "model_server.main", extra="train"),
    Command("loadtest", "find out how much a gateway carries", "loadtest.main", extra="loadtest"),
)
MAKE: Final = tuple(
    Command(name, summary, "model_export.main", extra="train", passes_name=True)
    for name, summary in (
        ("train", "train a model by a recipe"),
        ("pairs", "print a data set's pairs of texts for a word aligner"),
        ("average", "make a run out of the mean of saved weights"),
        ("evaluate", "measure a trained model"),
        ("export", "write a version that can be served"),
        ("verify", "check that a written version answers as the trained model does"),
    )
)
GROUPS: Final = (
    ("ask a running gateway", ASK),
    ("serve models", SERVE),
    ("make models", MAKE),
)
COMMANDS: Final = {command.name: command for _, group in GROUPS for command in group}
