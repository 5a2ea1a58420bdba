/**
 * Keeps a live stream playing: starts it, notices when it stands still, starts it again, and ends it on its last frame.
 * Afterwards it plays the recordings, if the viewer wants them.
 */

import { openEngine } from "./engine.js";

const WATCH_MS = 500;
/** No progress for this long is told to the viewer. */
const STALLED_MS = 2000;
/** No progress for this long, and the engine is replaced: longer than an encoder restart plus one segment. */
const DEAD_MS = 12000;
/** What is buffered when a broadcast ends is played out, but no longer than this. */
const LAST_SECONDS_MS = 30000;
const LONGEST_RETRY_MS = 10000;

/** Phases: idle, connecting, playing, paused (by the viewer), stalled, blocked (no autoplay), unplayable (no HLS), finished, replaying. */
export class Player {
  phase = "idle";
  #video;
  #url;
  #changed;
  #engine = null;
  #retry = null;
  #attempts = 0;
  #time = 0;
  #progressAt = 0;
  #endBy = null;
  #startedAt;
  #replays = [];
  #at = 0;
  /** Where a recording broke off, to go on from there: which one, and seconds. */
  #broke = null;

  constructor(video, url, changed) {
    this.#video = video;
    this.#url = url;
    this.#changed = changed;
    video.addEventListener("loadeddata", () => this.#engine?.skipTo(this.#startedAt));
    video.addEventListener("canplay", () => this.resume());
    video.addEventListener("pause", () => this.#engine && !video.ended && this.#enter("paused"));
    video.addEventListener("play", () => this.phase === "paused" && this.#connect());
    video.addEventListener("ended", () => this.phase === "replaying" && this.#replay(this.#at + 1, 0));
    video.addEventListener("error", () => this.phase === "replaying" && this.#breakOff());
    setInterval(() => this.#watch(), WATCH_MS);
  }

  /** Plays the session that began at `startedAt` from now on, whatever happens. Safe to repeat. */
  start(startedAt) {
    this.#endBy = null;
    this.#startedAt = startedAt;
    if (["idle", "finished"].includes(this.phase)) this.#open();
  }

  /** The broadcast is over: plays what is buffered, then keeps the last frame. Safe to repeat. */
  finish() {
    if (["idle", "finished", "unplayable", "replaying"].includes(this.phase)) return;
    this.#endBy ??= performance.now() + LAST_SECONDS_MS;
    if (["paused", "connecting", "blocked"].includes(this.phase)) this.#end();
  }

  /** Asks the browser to play; it may want a click first. */
  async resume() {
    // A video that has ended would play from its beginning again.
    if (["paused", "finished", "replaying"].includes(this.phase) || this.#video.ended) return;
    try {
      await this.#video.play();
    } catch (error) {
      if (error.name === "NotAllowedError") this.#enter("blocked");
    }
  }

  /** Plays recordings one after the other, from where they broke off if they did. A click asks for it, so with sound. */
  replay(urls) {
    this.#engine?.close();
    this.#engine = null;
    this.#replays = urls;
    this.#video.muted = false;
    const { index = 0, time = 0 } = this.#broke ?? {};
    this.#replay(index < urls.length ? index : 0, time);
  }

  get renditions() {
    return this.#engine?.renditions ?? [];
  }

  choose(index) {
    if (this.#engine) this.#engine.rendition = index;
  }

  get latency() {
    return this.#engine?.latency ?? 0;
  }

  toLive() {
    if (this.phase === "replaying") return this.#open();
    this.#engine?.toLive();
    this.#video.play().catch(() => this.#enter("blocked"));
  }

  #replay(index, time) {
    this.#broke = null;
    if (index >= this.#replays.length) return this.#enter("finished");
    this.#at = index;
    this.#video.src = this.#replays[index];
    this.#enter("replaying");
    this.#video.currentTime = time;
    this.#video.play().catch((error) => error.name === "NotAllowedError" && this.#changed());
  }

  /** Its address was good for some hours only, or the network is gone: the next click goes on with the next address. */
  #breakOff() {
    this.#broke = { index: this.#at, time: this.#video.currentTime };
    this.#enter("finished");
  }

  #open() {
    this.#retry = null;
    this.#engine?.close();
    this.#engine = openEngine(this.#video, this.#url, { failed: () => this.#again(), listed: this.#changed });
    if (this.#engine) this.#connect();
    else this.#enter("unplayable");
  }

  #connect() {
    this.#time = this.#video.currentTime;
    this.#progressAt = performance.now();
    this.#enter("connecting");
  }

  #again() {
    if (this.#endBy !== null) return this.#end();
    this.#engine?.close();
    this.#engine = null;
    this.#retry ??= setTimeout(() => this.#open(), Math.min(1000 * 2 ** this.#attempts++, LONGEST_RETRY_MS));
    this.#enter("stalled");
  }

  #end() {
    clearTimeout(this.#retry);
    this.#retry = null;
    this.#endBy = null;
    this.#engine?.stop();
    this.#enter("finished");
    this.#video.pause();
  }

  #watch() {
    if (!["connecting", "playing", "stalled"].includes(this.phase)) return;
    const now = performance.now();
    if (this.#video.currentTime !== this.#time && !this.#video.paused) {
      this.#time = this.#video.currentTime;
      this.#progressAt = now;
      this.#attempts = 0;
      this.#enter("playing");
    }
    const still = now - this.#progressAt;
    if (this.#endBy !== null && (still > STALLED_MS || this.#video.ended || now > this.#endBy)) this.#end();
    else if (still > DEAD_MS && this.#engine) this.#again();
    else if (still > STALLED_MS && this.phase === "playing") this.#enter("stalled");
  }

  #enter(phase) {
    if (this.phase === "finished" && phase === "paused") return;
    this.phase = phase;
    this.#changed();
  }
}
