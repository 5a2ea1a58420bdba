/** What the viewer reads, for each state of the stream and phase of the player. */

const STATES = {
  loading: ["Loading…", ""],
  offline: ["Off air", "Playback starts by itself when the stream begins."],
  scheduled: ["Coming up", "Playback starts by itself when the stream begins."],
  starting: ["Starting…", "The stream begins in a moment."],
  interrupted: ["Waiting for the stream…", "The broadcast was interrupted. Playback goes on by itself."],
  ended: ["This stream has ended", "If it returns, it plays here by itself."],
  archived: ["This stream has ended", "If it returns, it plays here by itself."],
  missing: ["No such stream", "Check the address of this page."],
  unreachable: ["Reconnecting…", "The server does not answer. Trying again by itself."],
};

const PHASES = {
  connecting: ["Connecting…", ""],
  stalled: ["Waiting for the stream…", "Playback goes on by itself."],
  blocked: ["Ready to play", "Your browser waits for a click."],
  unplayable: ["This browser cannot play the stream", "Try a current version of Firefox, Chrome, Edge or Safari."],
};

/**
 * { headline, detail, covers }: the message, and whether it covers the picture. A picture that still moves is never
 * covered: what is buffered plays to its end, even when the API already says that the stream is over.
 * startsAt: when the next event is to begin, milliseconds since 1970, or undefined. replays: addresses of recordings.
 */
export function words(state, phase, startsAt, replays = []) {
  if (phase === "replaying") return { headline: "Recording", detail: "", covers: false };
  if (offersReplay(state, phase, replays)) return { headline: STATES.archived[0], detail: "You can watch it again.", covers: true };
  if (phase === "playing") return { headline: "Live", detail: "", covers: false };
  if (phase === "paused") return { headline: "Paused", detail: "", covers: false };
  const [headline, detail] = (state === "live" && PHASES[phase]) || STATES[state] || STATES.loading;
  if (state === "scheduled" && startsAt) return { headline: `Starts ${when(startsAt)}`, detail, covers: true };
  return { headline, detail, covers: true };
}

/** Whether the page offers to play the recordings: the stream is over, and so is everything that was buffered of it. */
export function offersReplay(state, phase, replays) {
  return replays.length > 0 && ["ended", "archived"].includes(state) && ["idle", "finished"].includes(phase);
}

/** In the viewer's own zone and manner; the day only where it is not today. */
export function when(startsAt, now = Date.now(), locale = undefined) {
  const day = (time) => new Date(time).toDateString();
  const time = { hour: "2-digit", minute: "2-digit" };
  const date = day(startsAt) === day(now) ? {} : { weekday: "long", day: "numeric", month: "long" };
  return new Date(startsAt).toLocaleString(locale, { ...date, ...time });
}

/** Text of the browser tab. */
export function tabTitle(title, headline) {
  return `${title} · ${headline}`;
}
