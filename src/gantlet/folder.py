"""A run's folder: where everything lies, and the little files in it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gantlet.config import ConfigError
from gantlet.files import StoreError, explained, lock, write_bytes, write_json
from gantlet.modalities.base import Preview
from gantlet.store import Choice, newest

EXTENSIONS = {"image/png": ".png", "text/plain": ".txt", "audio/wav": ".wav"}


@dataclass(frozen=True)
class Folder:
    """The folder of one run, which explains itself."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def exists(self) -> bool:
        """Whether there is a run here."""
        return (self.path / "run.json").is_file()

    def begin(
        self, facts: Mapping[str, Any], codec: Mapping[str, Any], beside: Mapping[str, bytes]
    ) -> None:
        """Writes what the run is, before its first step; `beside` are further files by name.

        Raises:
            StoreError: another process began a run here since this one looked.
        """
        with lock(self.path):
            if self.exists:
                raise StoreError(
                    f"{self.path}: another process began a run here a moment ago; go on with "
                    f"`gantlet resume {self.path}` when it has ended, or choose another folder"
                )
            self._begin(facts, codec, beside)

    def _begin(
        self, facts: Mapping[str, Any], codec: Mapping[str, Any], beside: Mapping[str, bytes]
    ) -> None:
        with explained(self.path):
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            (self.path / "previews").mkdir(exist_ok=True)
        for name, content in beside.items():
            write_bytes(self.path / name, content)
        write_json(self.path / "codec.json", codec)
        # Last: a folder with a run.json is a run, so a crash before leaves none by halves.
        write_json(self.path / "run.json", facts)

    def facts(self) -> dict[str, Any]:
        """What `begin` wrote."""
        return self._json("run.json")

    def codec(self) -> dict[str, Any]:
        """The codec's plain values."""
        return self._json("codec.json")

    def log(self, event: Mapping[str, Any]) -> None:
        """Adds a line to log.jsonl."""
        with explained(self.path), (self.path / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(event, allow_nan=False) + "\n")

    def logged(self) -> Iterator[dict[str, Any]]:
        """The log's events; a last line cut short by a crash is passed over."""
        path = self.path / "log.jsonl"
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    continue

    def has_ended_at(self, step: int) -> bool:
        """Whether the run came to its end, and no failure, at that step."""
        return any(
            event["event"] == "ended" and event["step"] == step and not event["is_failure"]
            for event in self.logged()
        )

    def why_ended(self) -> str:
        """Why the run last came to an end, and what it then promised; empty while it is open."""
        ends = [event["why"] for event in self.logged() if event["event"] == "ended"]
        return ends[-1] if ends else ""

    def truncate_log(self, step: int) -> None:
        """Drops events after `step`: they belong to steps that will be done again."""
        kept = [e for e in self.logged() if e.get("step", 0) <= step]
        write_bytes(
            self.path / "log.jsonl", "".join(json.dumps(e) + "\n" for e in kept).encode("utf-8")
        )

    def keep_preview(self, step: int, preview: Preview) -> Path:
        """Writes a preview of this step; every one is kept."""
        suffix = EXTENSIONS.get(preview.media_type, ".bin")
        path = self.path / "previews" / f"step-{step:09d}{suffix}"
        write_bytes(path, preview.content)
        return path

    def newest(self) -> Choice:
        """The newest checkpoint that verifies, and what is wrong with newer ones."""
        return newest(self.checkpoints)

    def best(self) -> Path | None:
        """The checkpoint with the best held-out distance, if it is still there."""
        if not (self.path / "best.json").is_file():
            return None
        path = self.checkpoints / str(self._json("best.json")["checkpoint"])
        return path if path.is_dir() else None

    def keep_best(self, checkpoint: Path, distance: float) -> None:
        """Points to the checkpoint that the run is known by from now on."""
        write_json(self.path / "best.json", {"checkpoint": checkpoint.name, "distance": distance})

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        if not path.is_file():
            raise ConfigError(f"{self.path}: not a run of Gantlet ({name} is missing)")
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ConfigError(f"{path}: not valid JSON ({error}); was it edited?") from error


def named(source: object, root: Path = Path("runs")) -> Path:
    """runs/NAME, NAME being the source's last part without its endings."""
    text = Path(str(source)).name if isinstance(source, (str, Path)) else "array"
    name = re.sub(r"(\.(gz|zip|tar|csv|tsv|txt|npy|npz|png|jpe?g))+$", "", text, flags=re.I)
    return root / (re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run")


def unused(path: Path) -> Path:
    """`path`, or the first of path-2, path-3, ... that holds nothing."""
    candidate, number = path, 2
    while candidate.exists() and any(candidate.iterdir()):
        candidate, number = path.with_name(f"{path.name}-{number}"), number + 1
    return candidate
