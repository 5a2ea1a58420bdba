"""Joins the parts of a recording into one file that plays, in a sandbox without network, database or credentials.

It talks by files of the recording's folder. job.json comes in:

    {"recording": 12, "slug": "demo", "start": "20261128T063100Z", "parts": ["demo-1764311460-17-1.flv", …],
     "strip": true, "vod": false, "reserve_bytes": 2147483648}

`parts` are in the order in which they were recorded; `strip` is true, `vod` false and `reserve_bytes` 0 if they are not
there. Nothing is made that leaves less than `reserve_bytes` of the disk: they are for what is recorded. With `vod`
the ladder's own segments are there as well (finisher/vod.py). result.json goes out, by rename, good or bad:

    {"ok": true, "no_room": false,
     "video": {"name", "bytes", "sha256", "seconds", "codecs": {"video", "profile", "width", "height", "frame_rate",
               "audio", "channels", "sample_rate_hz"}},
     "strip": {"name", "bytes", "sha256"} | null, "index": {…} | null, "vod": [{…} of the master playlist, {…} of
               each rendition's playlist and of its segments],
     "fault": null}

Of a film without sound `audio`, `channels` and `sample_rate_hz` are null, and so on. With `ok` true, `fault` is null or
says why there is no strip or no playlist: the film is good all the same. With `ok` false, `video`, `strip` and `index`
are null, `vod` is empty, and `fault` says in one sentence why the raw parts are what is kept; but with `no_room` true
only the disk is in the way, and the same may succeed later.
"""
