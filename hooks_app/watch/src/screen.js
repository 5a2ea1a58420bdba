/** Puts words and controls on the page. Titles come from people: they are only ever set as text. */

import { offersReplay, tabTitle, words } from "./words.js";

/** So far behind the broadcast, the badge offers the way back. */
const BEHIND_SECONDS = 25;

export class Screen {
  #at = (id) => document.getElementById(id);
  #poster;

  /** `player` is null where there is no stream to play. */
  constructor(poster) {
    this.#poster = poster;
  }

  show({ title, state, player, startsAt, replays }) {
    const phase = player?.phase ?? "idle";
    const { headline, detail, covers } = words(state, phase, startsAt, replays);
    const video = this.#at("video");
    document.body.dataset.state = state;
    document.body.dataset.phase = phase;
    document.title = tabTitle(title, headline);
    this.#write("title", title);
    this.#write("headline", headline);
    this.#write("detail", detail);
    this.#write("status", `${headline} ${detail}`.trim());
    this.#at("message").hidden = !covers;
    video.controls = !covers || phase === "blocked";
    if (this.#poster && ["starting", "live", "interrupted", "ended", "archived"].includes(state) && !video.poster) video.poster = this.#poster;
    this.#showSound(video, covers, phase, offersReplay(state, phase, replays ?? []));
    this.#showBadge(player, phase, state);
    this.#showQuality(player, phase);
  }

  /** One button for what a click can do: start a blocked playback, give it its sound, or play a recording. */
  #showSound(video, covers, phase, offersReplay) {
    this.#at("sound").hidden = !offersReplay && phase !== "blocked" && (covers || !video.muted);
    this.#write("sound", offersReplay ? "Watch again" : phase === "blocked" ? "Play" : "Unmute");
  }

  #showBadge(player, phase, state) {
    // Whoever watches a recording is not torn away from it by a broadcast that begins.
    const elsewhere = phase === "replaying" && state === "live";
    const behind = elsewhere || phase === "paused" || player?.latency > BEHIND_SECONDS;
    const badge = this.#at("live");
    badge.hidden = !elsewhere && !["playing", "paused"].includes(phase);
    badge.disabled = !behind;
    this.#write("live", behind ? "Go to live" : "Live");
  }

  #showQuality(player, phase) {
    const select = this.#at("quality");
    const names = player?.renditions ?? [];
    this.#at("quality-label").hidden = names.length < 2 || ["idle", "finished"].includes(phase);
    if (select.dataset.names === names.join()) return;
    select.dataset.names = names.join();
    const rungs = names.map((name, index) => new Option(name, index)).reverse();
    select.replaceChildren(new Option("Auto", -1), ...rungs);
  }

  /** Only a change is written: a screen reader speaks what is written. */
  #write(id, text) {
    const element = this.#at(id);
    if (element.textContent !== text) element.textContent = text;
  }
}
