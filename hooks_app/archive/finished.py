"""What the finisher says that it made. It has read a publisher's bytes: nothing it says is believed unread."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MadeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")]
Kind = Literal["video", "strip", "index", "vod"]
MOST_VOD_FILES = 20_000


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class MadeFile(_Said):
    """A file in the recording's folder."""

    name: MadeName
    bytes: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class MadeVideo(MadeFile):
    """The file that plays."""

    seconds: float = Field(ge=0, allow_inf_nan=False)
    codecs: dict[Annotated[str, Field(max_length=40)], str | int | float | None] = Field(max_length=20)


class Finished(_Said):
    """result.json. Raises ValidationError for another text."""

    ok: bool
    no_room: bool = False
    """Nothing is wrong but the disk: later it may succeed."""
    video: MadeVideo | None = None
    strip: MadeFile | None = None
    index: MadeFile | None = None
    vod: tuple[MadeFile, ...] = Field(default=(), max_length=MOST_VOD_FILES)
    fault: Annotated[str, Field(max_length=2000)] | None = None

    def files(self) -> list[tuple[Kind, MadeFile]]:
        """All that was made; nothing where no video was."""
        if not self.ok or self.video is None:
            return []
        made: list[tuple[Kind, MadeFile]] = [("video", self.video)]
        if self.strip is not None:
            made.append(("strip", self.strip))
        if self.index is not None:
            made.append(("index", self.index))
        return made + [("vod", file) for file in self.vod]
