/** The page at /watch/<slug>: follows the stream's state and plays it whenever it is live. */

import { follow } from "./follow.js";
import { Player } from "./player.js";
import { Screen } from "./screen.js";
import { slugFromPath } from "./slug.js";
import { offersReplay } from "./words.js";

function watch(slug) {
  const video = document.getElementById("video");
  const screen = new Screen(`/streams/${slug}/poster.jpg`);
  const view = { title: slug, state: "loading", player: null, replays: [] };
  const show = () => screen.show(view);
  view.player = new Player(video, `/streams/${slug}/index.m3u8`, show);
  listen(video, view, show);
  follow(slug, ({ title, state, startedAt, startsAt, replays }) => {
    view.title = title || view.title;
    view.state = state;
    view.startsAt = startsAt;
    view.replays = replays ?? [];
    // While starting, interrupted or unreachable, what plays goes on playing: an encoder that reconnects ends nothing.
    if (state === "live") view.player.start(startedAt);
    if (["offline", "scheduled", "ended", "archived", "missing"].includes(state)) view.player.finish();
    show();
  });
}

function listen(video, view, show) {
  const { player } = view;
  const at = (id) => document.getElementById(id);
  video.addEventListener("volumechange", show);
  at("live").addEventListener("click", () => player.toLive());
  at("quality").addEventListener("change", (event) => player.choose(Number(event.target.value)));
  at("sound").addEventListener("click", () => {
    if (offersReplay(view.state, player.phase, view.replays)) {
      player.replay(view.replays);
      video.focus();
    } else if (player.phase === "blocked") {
      player.resume();
    } else {
      video.muted = false;
      // The button disappears under the finger or the focus: the video takes its place.
      video.focus();
    }
  });
}

const slug = slugFromPath(location.pathname);
if (slug) watch(slug);
else new Screen(null).show({ title: "Live stream", state: "missing", player: null });
