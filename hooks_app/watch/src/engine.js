/** Two ways to feed a <video> from a master playlist, behind one shape: hls.js where there is MSE, else the browser's own HLS. */

import Hls from "hls.js/light";
import workerPath from "hls.js/dist/hls.worker.js";

// A second media error this soon after the first means that recovering in place does not help.
const RECOVERY_MS = 5000;

/**
 * Opens the playlist. `failed` is called once, when the engine cannot go on by itself.
 * `listed` is called when the renditions are known. Null: this browser can play no HLS.
 */
export function openEngine(video, url, { failed, listed }) {
  // Safari on iPhone has no MediaSource; its own player also brings AirPlay.
  if ("MediaSource" in window && Hls.isSupported()) return new HlsEngine(video, url, failed, listed);
  if (video.canPlayType("application/vnd.apple.mpegurl")) return new NativeEngine(video, url, failed);
  return null;
}

class HlsEngine {
  #hls;
  #video;
  #recoveredAt = -Infinity;

  constructor(video, url, failed, listed) {
    this.#video = video;
    this.#hls = new Hls({
      // A file of its own instead of a blob: the page's CSP allows scripts from its own origin only.
      workerPath,
      // A 320 px embed does not fetch 1080p.
      capLevelToPlayerSize: true,
      liveDurationInfinity: true,
      backBufferLength: 30,
    });
    this.#hls.on(Hls.Events.ERROR, (_, error) => {
      if (error.fatal && !this.#recovers(error)) failed();
    });
    this.#hls.on(Hls.Events.LEVELS_UPDATED, listed);
    this.#hls.on(Hls.Events.MANIFEST_PARSED, listed);
    this.#hls.loadSource(url);
    this.#hls.attachMedia(video);
  }

  #recovers(error) {
    const now = performance.now();
    if (error.type !== Hls.ErrorTypes.MEDIA_ERROR || now - this.#recoveredAt < RECOVERY_MS) return false;
    this.#recoveredAt = now;
    this.#hls.recoverMediaError();
    return true;
  }

  /** Rendition names, as the playlist orders them. A rendition is named by its folder. */
  get renditions() {
    return this.#hls.levels.map((level) => level.uri.split("/").at(-2));
  }

  /** Leaves out what was broadcast before that moment: a playlist still lists the end of the session before. */
  skipTo(moment) {
    const segments = this.#hls.latestLevelDetails?.fragments ?? [];
    const first = segments.find((segment) => segment.programDateTime >= moment);
    if (first && this.#video.currentTime < first.start) this.#video.currentTime = first.start;
  }

  /** -1: the engine chooses. */
  set rendition(index) {
    this.#hls.nextLevel = index;
  }

  /** Seconds behind the broadcast. */
  get latency() {
    return this.#hls.latency;
  }

  toLive() {
    if (this.#hls.liveSyncPosition) this.#video.currentTime = this.#hls.liveSyncPosition;
  }

  /** Loads nothing more; the last frame stays. */
  stop() {
    this.#hls.stopLoad();
  }

  close() {
    this.#hls.destroy();
  }
}

class NativeEngine {
  #video;
  #failed;
  renditions = [];
  rendition = -1;

  constructor(video, url, failed) {
    this.#video = video;
    this.#failed = failed;
    video.addEventListener("error", failed);
    video.src = url;
    video.load();
  }

  skipTo(moment) {
    const zero = this.#video.getStartDate?.().getTime();
    const start = (moment - zero) / 1000;
    if (start > this.#video.currentTime) this.#video.currentTime = start;
  }

  get latency() {
    return this.#edge === null ? 0 : this.#edge - this.#video.currentTime;
  }

  get #edge() {
    const { seekable } = this.#video;
    return seekable.length ? seekable.end(seekable.length - 1) : null;
  }

  toLive() {
    if (this.#edge !== null) this.#video.currentTime = this.#edge;
  }

  stop() {
    this.#video.removeEventListener("error", this.#failed);
  }

  close() {
    this.stop();
    this.#video.removeAttribute("src");
    this.#video.load();
  }
}
