"""What the hook app knows of its site, as the JSON file that it reads at start."""

from __future__ import annotations

from headend.artifact import Artifact
from headend.ffmpeg import APPLICATION
from headend.layout import Layout
from headend.model.facts import HookFacts, StreamFacts
from headend.model.spec import Spec, Stream


def hook_facts(spec: Spec, layout: Layout) -> Artifact:
    """hooks_app.json. It holds no secret."""
    facts = HookFacts(
        application=APPLICATION,
        listen_host="127.0.0.1",
        listen_port=layout.hooks_port,
        database_url=f"sqlite:///{layout.state_dir}/hooks/state.sqlite3",
        media_root=layout.media_root,
        stat_url=f"http://127.0.0.1:{layout.stat_port}/stat",
        streams=tuple(_stream_facts(stream, spec) for stream in spec.streams),
    )
    return Artifact(
        path=f"{layout.config_dir}/hooks_app.json",
        text=facts.model_dump_json(indent=2) + "\n",
        unit="headend-hooks.service",
        action="restart",
    )


def _stream_facts(stream: Stream, spec: Spec) -> StreamFacts:
    ladder = spec.ladders[stream.ladder]
    return StreamFacts(
        slug=stream.slug,
        title=stream.title,
        renditions=tuple(rung.name for rung in ladder.rungs),
        segment_seconds=ladder.segment_seconds,
        playlist=f"{spec.site.public_url}/streams/{stream.slug}/index.m3u8",
    )
