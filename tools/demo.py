"""The whole way in one command: train, evaluate, export, verify, serve, ask, look.

`make demo` runs it. Everything it writes lies under runs/ and models/. Every step is a command
that you could type yourself, and is printed before it runs. What is there already is used again.
"""

from __future__ import annotations

import argparse
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Final

from rich.console import Console
from rich.markup import escape

ROOT: Final = Path(__file__).resolve().parent.parent
WORDS: Final = ("chicago", "knight", "photograph", "thorough")
DEFAULT_PORT: Final = 50051
DEFAULT_HTTP_PORT: Final = 8080
HTTP_LINE: Final = re.compile(r"Heed gateway HTTP at (\S+)")
READY: Final = re.compile(r"Heed gateway ready at (\S+)")
READY_WITHIN_S: Final = 120.0
STOP_WITHIN_S: Final = 30.0
STEP_COUNT: Final = 6


class DemoError(Exception):
    """A step failed; the message says which, and where its log is."""


@dataclass
class Demo:
    """The steps, and the processes that they started.

    Attributes:
        recipe: The recipe to train.
        folder: Where runs/ and models/ are.
        console: Where the steps are told.
        processes: Every child that may still run.
        step_number: Steps begun so far.
    """

    recipe: str
    folder: Path
    console: Console
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    step_number: int = 0

    @property
    def run(self) -> Path:
        """The folder of the training run."""
        return self.folder / "runs" / self.recipe

    @property
    def models(self) -> Path:
        """The folder of all models."""
        return self.folder / "models"

    @property
    def logs(self) -> Path:
        """The folder of the steps' logs and pictures."""
        return self.folder / "runs" / "demo"

    def train(self) -> None:
        """Trains, unless a finished run is there."""
        if (self.run / "metrics.json").exists():
            with self._step("Train"):
                self.console.print(
                    f"  {shown(self.run)} is a finished run: used again (delete it to train anew)",
                    soft_wrap=True,
                )
            return
        with self._step("Train (about two minutes on two cores)"):
            self._heed("train", self.recipe, "--out", str(self.run))

    def evaluate(self) -> None:
        """Measures the model on the dev split."""
        with self._step("Evaluate on words it has not seen"):
            self._heed("evaluate", str(self.run), "--split", "dev")

    def export(self) -> Path:
        """Writes a version that can be served, unless one is there that is newer than the run."""
        newest = newest_version(self.models / self.recipe)
        finished_at = (self.run / "metrics.json").stat().st_mtime
        with self._step("Export"):
            if newest is not None and newest.stat().st_mtime > finished_at:
                self.console.print(
                    f"  {shown(newest)} is newer than the run: used again", soft_wrap=True
                )
                return newest
            self._heed("export", str(self.run), "--models-dir", str(self.models), log="export")
        newest = newest_version(self.models / self.recipe)
        if newest is None:
            raise DemoError(f"the export left no version under {self.models / self.recipe}")
        return newest

    def verify(self, version: Path) -> None:
        """Compares the version with the training run, in a fresh process."""
        with self._step("Verify: the exported version answers as the trained model does"):
            self._heed("verify", str(version))

    def serve(self) -> tuple[subprocess.Popen[bytes], str]:
        """Starts the gateway with its own model server; returns its process and address."""
        port = DEFAULT_PORT if is_free(DEFAULT_PORT) else 0
        page = DEFAULT_HTTP_PORT if is_free(DEFAULT_HTTP_PORT) else 0
        command = ["serve", "--models-dir", str(self.models)]
        command += ["--grpc-port", str(port), "--http-port", str(page)]
        log_path = self._log_path("serve")
        with self._step("Serve: the gateway, and a model server behind it"):
            self._print_command(command)
            with log_path.open("wb") as log, self.console.status("starting ..."):
                gateway = self._start(command, log)
                address = wait_until_ready(gateway, log_path)
            self.console.print(f"  listening at [bold]{address}[/]")
        return gateway, address

    def ask(self, address: str) -> None:
        """Asks a few words, and looks at the attention of one."""
        picture = self.logs / "attention.png"
        where = [] if address.endswith(f":{DEFAULT_PORT}") else ["--address", address]
        which = ["--model", self.recipe] if len(list(self.models.iterdir())) > 1 else []
        with self._step("Ask, and see where letters meet phonemes"):
            for arguments in (
                ("attention", "--attention", "terminal"),
                (*WORDS, "--attention", "none"),
                ("attention", "--attention", str(picture)),
            ):
                self._heed("generate", *arguments, *which, *where)
        self.console.print(
            f"\nThe picture: [bold]{shown(picture)}[/]\n"
            f"The gateway answers at [bold]{address}[/]. Try, in another terminal:\n\n"
            f"  {shlex.join([heed_shown(), 'generate', 'heed', *which, *where])}\n"
            f"  {shlex.join([heed_shown(), 'models', *where])}\n\n"
            f"and in a browser the attention explorer: [bold]{self._page()}[/]\n",
            soft_wrap=True,
        )

    def _page(self) -> str:
        """Where the gateway serves the attention explorer."""
        found = HTTP_LINE.search(self._log_path("serve").read_text(encoding="utf-8"))
        if found is None:
            raise DemoError(f"the gateway serves no page; see {self._log_path('serve')}")
        return f"{found[1]}/"

    def wait(self, gateway: subprocess.Popen[bytes]) -> None:
        """Stays until the gateway ends, or someone stops the demo."""
        self.console.print("Ctrl-C stops it.")
        status = gateway.wait()
        raise DemoError(f"the gateway ended with status {status}; see {self._log_path('serve')}")

    def stop(self) -> None:
        """Ends every child that still runs: kindly, then at once."""
        running = [process for process in self.processes if process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self.step_number += 1
        self.console.print(f"\n[bold cyan]{self.step_number}/{STEP_COUNT}[/] [bold]{title}[/]")
        begin_s = time.monotonic()
        yield
        self.console.print(f"  [green]done[/] in {time.monotonic() - begin_s:.1f} s")

    def _heed(self, *arguments: str, log: str = "") -> None:
        """Runs `heed`; with a log, its output goes there and only its end is shown on failure."""
        self._print_command(arguments)
        if not log:
            status = self._start(arguments).wait()
            if status != 0:
                raise DemoError(f"`heed {arguments[0]}` failed with status {status}; see above")
            return
        log_path = self._log_path(log)
        with log_path.open("wb") as log_file, self.console.status("working ..."):
            status = self._start(arguments, log_file).wait()
        if status != 0:
            raise DemoError(
                f"`heed {arguments[0]}` failed with status {status}:\n"
                f"{end_of(log_path)}\nThe whole log: {shown(log_path)}"
            )
        self.console.print(f"  {escape(end_of(log_path, 1).strip())}", soft_wrap=True)

    def _start(
        self,
        arguments: tuple[str, ...] | list[str],
        output: IO[bytes] | None = None,
    ) -> subprocess.Popen[bytes]:
        sys.stdout.flush()
        command = [str(Path(sys.executable).with_name("heed")), *arguments]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,  # Ctrl-C is for the demo alone, which then ends its children
        )
        self.processes.append(process)
        return process

    def _print_command(self, arguments: tuple[str, ...] | list[str]) -> None:
        command = shlex.join(shown(argument) for argument in arguments)
        self.console.print(f"  [dim]$ {heed_shown()} {escape(command)}[/]", soft_wrap=True)

    def _log_path(self, name: str) -> Path:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self.logs / f"{name}.log"


def main() -> int:
    """Runs the demo; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="g2p-quick", help="the recipe (default: g2p-quick)")
    parser.add_argument(
        "--folder", type=Path, default=ROOT, help="where runs/ and models/ are (default: the root)"
    )
    parser.add_argument("--no-wait", action="store_true", help="end when everything is shown")
    arguments = parser.parse_args()
    waits = not arguments.no_wait and sys.stdin.isatty() and sys.stdout.isatty()
    demo = Demo(arguments.recipe, arguments.folder.resolve(), Console(highlight=False))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit_on_signal)
    try:
        demo.train()
        demo.evaluate()
        demo.verify(demo.export())
        gateway, address = demo.serve()
        demo.ask(address)
        if waits:
            demo.wait(gateway)
    except DemoError as error:
        demo.console.print(f"\n[bold red]The demo stopped:[/] {escape(str(error))}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        demo.console.print("\nStopping ...")
        return 0 if demo.step_number == STEP_COUNT else 130
    finally:
        demo.stop()
    return 0


def newest_version(model: Path) -> Path | None:
    """The version with the highest number under a model's folder."""
    if not model.is_dir():
        return None
    versions = [path for path in model.iterdir() if path.name.isdigit()]
    return max(versions, key=lambda path: int(path.name), default=None)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of this machine."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_until_ready(process: subprocess.Popen[bytes], log_path: Path) -> str:
    """The address that the gateway prints once it is ready.

    Raises:
        DemoError: It ended, or is not ready in time.
    """
    give_up_at = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < give_up_at:
        ready = READY.search(log_path.read_text(errors="replace"))
        if ready:
            return ready[1]
        if process.poll() is not None:
            raise DemoError(
                f"`heed serve` ended with status {process.returncode}:\n"
                f"{end_of(log_path)}\nThe whole log: {shown(log_path)}"
            )
        time.sleep(0.1)
    raise DemoError(f"`heed serve` was not ready in {READY_WITHIN_S:.0f} s; see {shown(log_path)}")


def end_of(log_path: Path, line_count: int = 12) -> str:
    """The last lines of a log, indented."""
    lines = [line for line in log_path.read_text(errors="replace").splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-line_count:])


def shown(path: str | Path) -> str:
    """A path as one would type it in the project's root."""
    text = str(path)
    return text.removeprefix(f"{ROOT}/")


def heed_shown() -> str:
    """The command `heed` as one would type it in the project's root."""
    return shown(Path(sys.executable).with_name("heed"))


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
