/** What the viewer reads, for each state of the stream and phase of the player. */

const STATES = {
  loading: ["Loading…", ""],
  offline: ["Off air", "Playback starts by itself when the stream begins."],
  starting: ["Starting…", "The stream begins in a moment."],
  ended: ["This stream has ended", "If it returns, it plays here by itself."],
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
 */
export function words(state, phase) {
  if (phase === "playing") return { headline: "Live", detail: "", covers: false };
  if (phase === "paused") return { headline: "Paused", detail: "", covers: false };
  const [headline, detail] = (state === "live" && PHASES[phase]) || STATES[state] || STATES.loading;
  return { headline, detail, covers: true };
}

/** Text of the browser tab. */
export function tabTitle(title, headline) {
  return `${title} · ${headline}`;
}
