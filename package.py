"""What a package of Glassbox needs: the versions of requirements.txt, or newer ones where that is safe."""

from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

SAME = ("torch", "streamlit")  # their insides are used or shown: only fixes of the release that was tested


class Requirements(MetadataHookInterface):
    """Gives the project its dependencies while it is built."""

    def update(self, metadata: dict) -> None:
        lines = (Path(self.root) / "requirements.txt").read_text("utf-8").splitlines()
        pinned = [line.split("==") for line in lines if "==" in line]
        metadata["dependencies"] = [
            f"{name}{'~=' if name in SAME else '>='}{version}" for name, version in pinned
        ]
