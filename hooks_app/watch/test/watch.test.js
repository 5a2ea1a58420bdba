import assert from "node:assert/strict";
import { test } from "node:test";
import { lookUp, pause } from "../src/follow.js";
import { probe } from "../src/probe.js";
import { slugFromPath } from "../src/slug.js";
import { offersReplay, when, words } from "../src/words.js";

const SLUGS = [
  ["/watch/main", "main"],
  ["/watch/main/", "main"],
  ["/watch/a", "a"],
  [`/watch/${"a".repeat(40)}`, "a".repeat(40)],
  [`/watch/${"a".repeat(41)}`, null],
  ["/watch/", null],
  ["/watch/-main", null],
  ["/watch/Main", null],
  ["/watch/main/..", null],
  ["/watch/a%2fb", null],
  ["/watch/main?x", null],
];

for (const [path, slug] of SLUGS) {
  test(`slug of ${path}`, () => assert.equal(slugFromPath(path), slug));
}

const MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n720p/index.m3u8\n";
const MEDIA = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n";
const NOW = "Tue, 06 Jan 2026 12:00:00 GMT";

/** A fetch over a table: address to [status, body, headers]. Anything else is a network error. */
function web(table) {
  return async (url) => {
    if (!table[url]) throw new TypeError("network");
    const [status, body, headers = {}] = table[url];
    return new Response(body, { status, headers });
  };
}

function playlists(changed, media = MEDIA) {
  return web({
    "/streams/main/index.m3u8": [200, MASTER],
    "/streams/main/720p/index.m3u8": [200, media, { date: NOW, "last-modified": changed }],
  });
}

const PROBES = [
  ["a playlist of this second is live", playlists(NOW), "live"],
  ["a playlist of a minute ago is a leftover", playlists("Tue, 06 Jan 2026 11:59:00 GMT"), "offline"],
  ["a finished playlist is a leftover", playlists(NOW, `${MEDIA}#EXT-X-ENDLIST\n`), "offline"],
  ["a playlist without times is believed", web({ "/streams/main/index.m3u8": [200, MASTER], "/streams/main/720p/index.m3u8": [200, MEDIA] }), "live"],
  ["no media playlist is off air", web({ "/streams/main/index.m3u8": [200, MASTER], "/streams/main/720p/index.m3u8": [404, ""] }), "offline"],
  ["no master playlist is off air", web({ "/streams/main/index.m3u8": [404, ""] }), "offline"],
  ["a server error is unreachable", web({ "/streams/main/index.m3u8": [500, ""] }), "unreachable"],
  ["no network is unreachable", web({}), "unreachable"],
];

for (const [name, get, state] of PROBES) {
  test(name, async () => assert.equal(await probe("main", get), state));
}

const API = "/api/v1/streams/main";
const JSON_TYPE = { "content-type": "application/json" };
const LOOK_UPS = [
  ["the API's answer counts", { [API]: [200, '{"state":"ended","title":"Show","session":null}', JSON_TYPE] }, { state: "ended", title: "Show", startedAt: undefined, startsAt: undefined, replays: [], known: true }],
  ["the session tells when it began", { [API]: [200, '{"state":"live","title":"Show","session":{"started_at":"1970-01-01T00:00:02Z"}}', JSON_TYPE] }, { state: "live", title: "Show", startedAt: 2000, startsAt: undefined, replays: [], known: true }],
  ["the next event tells when it begins", { [API]: [200, '{"state":"scheduled","title":"Show","session":null,"next_event":{"starts_at":"1970-01-01T00:00:05Z"}}', JSON_TYPE] }, { state: "scheduled", title: "Show", startedAt: undefined, startsAt: 5000, replays: [], known: true }],
  ["the event tells where it is watched again", { [API]: [200, '{"state":"archived","title":"Show","session":null,"event":{"replays":[{"url":"/replay/1/a.mp4"},{"url":"/replay/2/b.mp4"}]}}', JSON_TYPE] }, { state: "archived", title: "Show", startedAt: undefined, startsAt: undefined, replays: ["/replay/1/a.mp4", "/replay/2/b.mp4"], known: true }],
  ["an older API knows of no recordings", { [API]: [200, '{"state":"ended","title":"Show","session":null,"event":{"id":1}}', JSON_TYPE] }, { state: "ended", title: "Show", startedAt: undefined, startsAt: undefined, replays: [], known: true }],
  ["the API's 404 is a wrong slug", { [API]: [404, "{}", { "content-type": "application/problem+json" }] }, { state: "missing", known: true }],
  ["a bare 404 is no API", { [API]: [404, "<html>", { "content-type": "text/html" }] }, { state: "unreachable", known: false }],
  ["a 502 is no API", { [API]: [502, ""] }, { state: "unreachable", known: false }],
  ["broken JSON is no API", { [API]: [200, "{", JSON_TYPE] }, { state: "unreachable", known: false }],
];

for (const [name, table, news] of LOOK_UPS) {
  test(name, async () => assert.deepEqual(await lookUp("main", web(table)), news));
}

test("questions come every two seconds, and rarely while nobody answers", () => {
  assert.deepEqual([0, 1, 2, 3, 9].map((failures) => pause(failures, 0.5)), [2000, 4000, 8000, 15000, 15000]);
});

test("a moving picture is never covered", () => assert.equal(words("ended", "playing").covers, false));
test("the end is told when the picture stands still", () => assert.equal(words("ended", "finished").headline, "This stream has ended"));
test("a recording is offered when the stream is over and nothing moves any more", () => {
  const replays = ["/replay/1/a.mp4"];
  assert.equal(words("archived", "idle", undefined, replays).detail, "You can watch it again.");
  assert.equal(words("ended", "finished", undefined, replays).detail, "You can watch it again.");
  assert.equal(words("archived", "playing", undefined, replays).headline, "Live");
  for (const state of ["live", "starting", "scheduled", "offline", "missing"]) assert.equal(offersReplay(state, "idle", replays), false);
  assert.equal(offersReplay("archived", "idle", []), false);
});
test("a recording that plays is not called live", () => {
  assert.deepEqual(words("archived", "replaying"), { headline: "Recording", detail: "", covers: false });
  assert.equal(words("live", "replaying").headline, "Recording");
});
test("an unknown state is no error", () => assert.equal(words("of-a-later-release", "idle").headline, "Loading…"));
test("an interruption is no end", () => assert.equal(words("interrupted", "stalled").headline, "Waiting for the stream…"));
test("a planned stream says when it starts", () => {
  const noon = Date.parse("2026-03-01T12:00:00");
  assert.equal(words("scheduled", "idle", noon).headline, `Starts ${when(noon)}`);
  assert.equal(words("scheduled", "idle").headline, "Coming up");
});
test("the day is named only where it is not today", () => {
  const noon = Date.parse("2026-03-01T12:00:00");
  assert.equal(when(noon, noon - 3600e3, "en-GB"), "12:00");
  assert.equal(when(noon, noon - 48 * 3600e3, "en-GB"), "Sunday 1 March at 12:00");
});
