"""What the hook app knows of its site, as the JSON file that it reads at start."""

from __future__ import annotations

from urllib.parse import urlsplit

from headend.artifact import Artifact
from headend.ffmpeg import APPLICATION
from headend.layout import Layout
from headend.model.announcements import Announcements
from headend.model.facts import (
    AnnouncementFacts,
    HookFacts,
    LadderFacts,
    RecordingFacts,
    RtmpFacts,
    SrtFacts,
    StreamFacts,
)
from headend.model.spec import Spec, Srt, Stream
from headend.own_words import merged


def hook_facts(spec: Spec, layout: Layout) -> Artifact:
    """hooks_app.json. It holds no secret."""
    return _file("hooks_app.json", facts_of(spec, layout), layout, "headend-hooks.service")


def announcer_facts(spec: Spec, layout: Layout) -> Artifact:
    """announcer.json: what the announcer needs of it, so that nothing else restarts it."""
    left_out = {
        "streams": (),
        "ladders": (),
        "rtmp": None,
        "srt": None,
        "srt_stat_url": None,
        "recordings": None,
    }
    facts = facts_of(spec, layout).model_copy(update=left_out)
    return _file("announcer.json", facts, layout, "headend-announce.service")


def archiver_facts(spec: Spec, layout: Layout) -> Artifact:
    """archiver.json: what the archiver needs of it, so that nothing else restarts it."""
    left_out = {"rtmp": None, "srt": None, "srt_stat_url": None, "announcements": None}
    facts = facts_of(spec, layout).model_copy(update=left_out)
    return _file("archiver.json", facts, layout, "headend-archive.service")


def facts_of(spec: Spec, layout: Layout) -> HookFacts:
    """Everything that the hook app knows."""
    public_host = urlsplit(spec.site.public_url).hostname or ""
    return HookFacts(
        application=APPLICATION,
        listen_host="127.0.0.1",
        listen_port=layout.hooks_port,
        database_url=layout.database_url or f"sqlite:///{layout.state_dir}/hooks/state.sqlite3",
        media_root=layout.media_root,
        stat_url=f"http://127.0.0.1:{layout.stat_port}/stat",
        control_url=f"http://127.0.0.1:{layout.stat_port}/control",
        srt_stat_url=f"http://127.0.0.1:{layout.srt_stat_port}/srt_stat" if spec.ingest.srt.enabled else None,
        public_url=spec.site.public_url,
        time_zone=spec.site.time_zone,
        ladders=tuple(
            LadderFacts(
                name=name,
                renditions=tuple(rung.name for rung in ladder.rungs),
                segment_seconds=ladder.segment_seconds,
                reconnect_grace_seconds=ladder.reconnect_grace_seconds,
            )
            for name, ladder in spec.ladders.items()
        ),
        ad_hoc_events=spec.events.ad_hoc,
        srt_admit=spec.ingest.srt.admit,
        publish_lead_seconds=spec.events.publish_lead_minutes * 60,
        streams_dir=f"{layout.run_dir}/streams",
        # A server is backed up by its own means.
        backup_dir="" if layout.database_server else f"{layout.state_dir}/backup",
        build_file=f"{layout.prefix}/nginx/current/BUILD.json",
        streams=tuple(_stream_facts(stream, spec) for stream in spec.streams),
        rtmp=RtmpFacts(public_host=public_host, port=spec.ingest.rtmp_port),
        srt=_srt_facts(spec.ingest.srt, public_host, layout) if spec.ingest.srt.enabled else None,
        announcements=announcement_facts(spec.announcements) if spec.announcements.destinations else None,
        recordings=recording_facts(spec, layout) if spec.recording else None,
    )


def _file(name: str, facts: HookFacts, layout: Layout, unit: str) -> Artifact:
    text = facts.model_dump_json(indent=2) + "\n"
    return Artifact(path=f"{layout.config_dir}/{name}", text=text, unit=unit, action="restart")


def announcement_facts(announcements: Announcements) -> AnnouncementFacts:
    """Destinations and words. The folder of the words is the operator's; the words themselves go along."""
    return AnnouncementFacts(settings=announcements, templates=merged(announcements.own_words))


def recording_facts(spec: Spec, layout: Layout) -> RecordingFacts:
    """What is done with recordings, and where they lie."""
    return RecordingFacts(
        settings=spec.recordings, root=layout.recordings_root, sweep_seconds=spec.retention.ended_window_hours * 3600
    )


def _srt_facts(srt: Srt, public_host: str, layout: Layout) -> SrtFacts:
    return SrtFacts(
        public_host=public_host,
        port=srt.port,
        latency_ms=srt.latency_ms,
        admit_list=f"{layout.run_dir}/admit/srt",
        faults_dir=f"{layout.run_dir}/remux-faults",
        signed_reuse=srt.signed_reuse,
    )


def _stream_facts(stream: Stream, spec: Spec) -> StreamFacts:
    ladder = spec.ladders[stream.ladder]
    return StreamFacts(
        slug=stream.slug,
        title=stream.title,
        renditions=tuple(rung.name for rung in ladder.rungs),
        segment_seconds=ladder.segment_seconds,
        srt_admit=spec.srt_admit(stream),
        ladder=stream.ladder,
        owner=stream.owner,
        reconnect_grace_seconds=ladder.reconnect_grace_seconds,
        takeover=stream.takeover,
        ad_hoc_events=spec.events.ad_hoc,
        playlist=f"{spec.site.public_url}/streams/{stream.slug}/index.m3u8",
    )
