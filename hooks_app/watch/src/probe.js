/** Is a stream on air, judged by its playlists alone? Used while the API does not answer. */

/** A live media playlist changes once per segment; after this many target durations it is a leftover. */
const STALE_TARGETS = 4;
const TIMEOUT_MS = 5000;

/** "live", "offline" (no playlist, or an old one) or "unreachable". */
export async function probe(slug, get = fetch) {
  try {
    const master = await read(`/streams/${slug}/index.m3u8`, get);
    const uri = master.text && firstUri(master.text);
    if (!uri) return "offline";
    const media = await read(`/streams/${slug}/${uri}`, get);
    return media.text && isFresh(media) ? "live" : "offline";
  } catch {
    return "unreachable";
  }
}

async function read(url, get) {
  const answer = await get(url, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (answer.status === 404) return { text: "" };
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  return { text: await answer.text(), headers: answer.headers };
}

function firstUri(playlist) {
  return playlist.split("\n").map((line) => line.trim()).find((line) => line && !line.startsWith("#"));
}

/** Both times are the server's, so a viewer's wrong clock does not matter. Without them the playlist is believed. */
function isFresh({ text, headers }) {
  if (text.includes("#EXT-X-ENDLIST")) return false;
  const age = (Date.parse(headers.get("date")) - Date.parse(headers.get("last-modified"))) / 1000;
  const target = Number(/#EXT-X-TARGETDURATION:(\d+)/.exec(text)?.[1] ?? 6);
  return !(age > STALE_TARGETS * target);
}
