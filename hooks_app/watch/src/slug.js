/** Which stream a page address means. One static page serves every slug. */

// The slug grammar of the spec: nothing else may reach a URL that this page builds.
const WATCH_PATH = /^\/watch\/([a-z0-9][a-z0-9-]{0,39})\/?$/;

/** The slug in a page path such as "/watch/main", or null. */
export function slugFromPath(pathname) {
  return WATCH_PATH.exec(pathname)?.[1] ?? null;
}
