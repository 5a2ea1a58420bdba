"""`headend plan`: what a spec costs."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated

import typer

from headend.cli.calibrate import Calibration, CalibrationError, calibrate
from headend.cli.output import GROUP_DATA, AsJson, Code, GroupData, SpecArgument, load, load_layout, print_json, stop
from headend.model.spec import Spec
from headend.plan import Plan, StreamPlan, plan_of

MEGABYTE = 1_000_000
GIGABYTE = 1_000_000_000


def plan(
    spec: SpecArgument = None,
    measure: Annotated[
        bool, typer.Option("--calibrate", help="Measure the cores by a short real encode on this machine.")
    ] = False,
    group_data: GroupData = GROUP_DATA,
    as_json: AsJson = False,
) -> None:
    """Plan an origin: bit rates, disk, egress per viewer and, on request, cores."""
    loaded, _ = load(spec, as_json=as_json)
    costs = plan_of(loaded)
    measured: list[Calibration] = []
    if measure:
        layout = load_layout(group_data, as_json=as_json)
        try:
            measured = calibrate(loaded, layout)
        except CalibrationError as error:
            stop(Code.TOOL, f"{error}.", as_json=as_json)
    if as_json:
        cores = {"measured": bool(measured), "ladders": [asdict(ladder) for ladder in measured]}
        total = total_cores(loaded, measured) if measured else None
        print_json({"ok": True, **asdict(costs), "cores": {**cores, "all_streams": total}})
    else:
        typer.echo("\n".join([*map(stream_text, costs.streams), total_text(costs), cores_text(loaded, measured)]))


def stream_text(stream: StreamPlan) -> str:
    """One stream as a table: kbit/s as typed and as the master playlist says, GB per hour, MB on disk."""
    rows = [f"{stream.slug} (ladder {stream.ladder})"]
    rows.append(
        f"  {'':<12}{'size':>10}{'video':>8}{'audio':>7}{'average':>9}{'peak':>7}{'GB/hour':>9}{'window MB':>11}"
    )
    for rung in stream.rungs:
        size = f"{rung.width}x{rung.height}"
        rates = f"{rung.video_bps // 1000:>8}{rung.audio_bps // 1000:>7}"
        rates += f"{rung.average_bps // 1000:>9}{rung.peak_bps // 1000:>7}"
        disk = f"{rung.bytes_per_hour / GIGABYTE:>9.2f}{rung.window_bytes / MEGABYTE:>11.1f}"
        rows.append(f"  {rung.name:<12}{size:>10}{rates}{disk}")
    low, high = (value / GIGABYTE for value in stream.egress_bytes_per_viewer_hour)
    rows.append(f"  egress per viewer-hour: {low:.2f} to {high:.2f} GB")
    rows.append(f"  recording all renditions: {stream.recording_bytes_per_hour / GIGABYTE:.2f} GB per hour")
    return "\n".join([*rows, ""])


def total_text(costs: Plan) -> str:
    window = f"{costs.window_bytes / MEGABYTE:.0f} MB of disk for the windows"
    recording = f"{costs.recording_bytes_per_hour / GIGABYTE:.2f} GB per hour if recorded"
    return f"all {len(costs.streams)} on air: {window}, {recording}"


def cores_text(spec: Spec, measured: list[Calibration]) -> str:
    if not measured:
        return "cores: not measured; --calibrate does, in a few seconds"
    ladders = ", ".join(f"{ladder.cores:.2f} per stream of ladder {ladder.ladder}" for ladder in measured)
    total = total_cores(spec, measured)
    return f"cores: {ladders}; all on air {total:.2f} of this machine's {os.cpu_count()} (measured on a test card)"


def total_cores(spec: Spec, measured: list[Calibration]) -> float:
    """Cores with every stream on air at once."""
    cores = {ladder.ladder: ladder.cores for ladder in measured}
    return round(sum(cores[stream.ladder] for stream in spec.streams), 2)
