/** What is on air: asks the API every two seconds, and the playlist itself while the API is down. */

import { probe } from "./probe.js";

const PERIOD_MS = 2000;
const LONGEST_MS = 15000;
const TIMEOUT_MS = 5000;

/**
 * One answer: { state, title, startedAt, startsAt, known }.
 * state: offline, scheduled, starting, live, interrupted, ended, archived as the API says; missing (it knows no such stream); unreachable (nobody answers).
 * title: undefined unless the API named one. startedAt: when the session on air began, milliseconds since 1970, or undefined.
 * startsAt: when the next event is to begin, milliseconds since 1970, or undefined.
 * replays: addresses of the last event's recordings, in their order; empty where there is none to watch.
 * known: whether the API itself answered.
 */
export async function lookUp(slug, get = fetch) {
  try {
    const answer = await get(`/api/v1/streams/${slug}`, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    // Only the API's own 404 says that the slug is wrong; a bare one comes from a web server without an API behind it.
    if (answer.status === 404 && isJson(answer)) return { state: "missing", known: true };
    if (answer.ok && isJson(answer)) {
      const { state, title, session, event, next_event: next } = await answer.json();
      const startedAt = session ? Date.parse(session.started_at) : undefined;
      const replays = (event?.replays ?? []).map(({ url }) => url);
      return { state, title, startedAt, startsAt: next ? Date.parse(next.starts_at) : undefined, replays, known: true };
    }
  } catch {
    // Unreachable, too slow or not JSON: the playlist may still tell.
  }
  return { state: await probe(slug, get), known: false };
}

function isJson(answer) {
  return /\bjson\b/.test(answer.headers.get("content-type") ?? "");
}

/** Milliseconds until the next question: longer after each failure, and never in step with other viewers. */
export function pause(failures, random = Math.random()) {
  return Math.min(PERIOD_MS * 2 ** failures, LONGEST_MS) * (0.9 + 0.2 * random);
}

/** Calls `tell` with every answer, for as long as the page is open. */
export async function follow(slug, tell) {
  for (let failures = 0; ; ) {
    const news = await lookUp(slug);
    failures = news.known && news.state !== "missing" ? 0 : failures + 1;
    tell(news);
    await new Promise((resolve) => setTimeout(resolve, pause(failures)));
  }
}
