"""Does a stream that was made at run time go on air? The shipped scripts, our nginx, a real publisher."""

from __future__ import annotations

import subprocess
from pathlib import Path

import m3u8

from headend.model.ladder import Ladder, Rendition
from tests.support.encoding import studio
from tests.support.readback import streams

RENDITIONS = (
    Rendition(name="360p", height=360, video_kbps=600, audio_kbps=96),
    Rendition(name="240p", height=240, video_kbps=300, audio_kbps=64),
)


def test_a_stream_of_no_spec_is_encoded_on_its_ladder_and_ended() -> None:
    with studio(Ladder(window_seconds=6, renditions=RENDITIONS)) as scene:
        # The studio's stream, as if the spec did not have it.
        Path(scene.script).unlink()
        Path(scene.script).with_name("master.m3u8").unlink()
        Path(scene.script).parent.rmdir()
        for folder in sorted(scene.media.rglob("*"), reverse=True):
            folder.rmdir()
        scene.media.rmdir()
        made = Path(scene.layout.run_dir, "streams", "demo")
        made.parent.mkdir()
        made.write_text("default\n")
        encode = f"{scene.layout.config_dir}/encode"
        subprocess.run([encode, "--folder", "demo"], check=True)
        with subprocess.Popen([encode, "demo"], stderr=subprocess.PIPE, text=True) as encoder:
            try:
                scene.wait_attached()
                with scene.publish(3) as publisher:
                    assert publisher.wait(30) == 0
                assert encoder.wait(5) == 0
                assert encoder.stderr
                assert encoder.stderr.read() == ""
            finally:
                encoder.kill()
        subprocess.run([f"{scene.layout.config_dir}/end-playlists", "demo"], check=True)
        master = m3u8.load(str(scene.media / "master.m3u8"))
        assert [one.uri for one in master.playlists] == ["360p/index.m3u8", "240p/index.m3u8"]
        for rung in RENDITIONS:
            playlist = m3u8.load(str(scene.media / rung.name / "index.m3u8"))
            assert playlist.is_endlist
            first = streams(scene.media / rung.name / playlist.files[0])
            assert first["video"]["height"] == rung.height
        assert (scene.media / "poster.jpg").exists()
