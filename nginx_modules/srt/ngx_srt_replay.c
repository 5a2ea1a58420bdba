/*
 * Remembers used nonces.
 */

#include <string.h>

#include "ngx_srt_replay.h"


static uint64_t ngx_srt_replay_name(const ngx_srt_streamid_t *id,
    char name[NGX_SRT_REPLAY_ID_MAX + 1]);
static size_t ngx_srt_replay_find(const ngx_srt_replay_t *replay,
    const char *name, uint64_t hash);
static size_t ngx_srt_replay_place(const ngx_srt_replay_t *replay,
    int64_t forget_before);
static void ngx_srt_replay_address(char target[NGX_SRT_REPLAY_ADDRESS_MAX + 1],
    const char *address);


void
ngx_srt_replay_init(ngx_srt_replay_t *replay)
{
    memset(replay, 0, sizeof(ngx_srt_replay_t));
}


int
ngx_srt_replay_look(const ngx_srt_replay_t *replay,
    const ngx_srt_streamid_t *id, const char *address)
{
    char      name[NGX_SRT_REPLAY_ID_MAX + 1];
    char      from[NGX_SRT_REPLAY_ADDRESS_MAX + 1];
    size_t    i;
    uint64_t  hash;

    hash = ngx_srt_replay_name(id, name);

    i = ngx_srt_replay_find(replay, name, hash);
    if (i == NGX_SRT_REPLAY_ENTRIES) {
        return NGX_SRT_REPLAY_FRESH;
    }

    ngx_srt_replay_address(from, address);

    return strcmp(replay->entry[i].address, from) == 0 ? NGX_SRT_REPLAY_AGAIN
                                                       : NGX_SRT_REPLAY_USED;
}


int
ngx_srt_replay_use(ngx_srt_replay_t *replay, const ngx_srt_streamid_t *id,
    const char *address, int64_t forget_before)
{
    char      name[NGX_SRT_REPLAY_ID_MAX + 1];
    size_t    i;
    uint64_t  hash;

    hash = ngx_srt_replay_name(id, name);

    i = ngx_srt_replay_find(replay, name, hash);
    if (i < NGX_SRT_REPLAY_ENTRIES) {

        /* two tickets of one nonce: remembered until the later one ends */

        if (replay->expires_at[i] < id->expires_at) {
            replay->expires_at[i] = id->expires_at;
        }

        return 0;
    }

    i = ngx_srt_replay_place(replay, forget_before);
    if (i == NGX_SRT_REPLAY_ENTRIES) {
        return -1;
    }

    if (i == replay->used) {
        replay->used++;
    }

    replay->hash[i] = hash;
    replay->expires_at[i] = id->expires_at;
    memcpy(replay->entry[i].id, name, sizeof(name));
    ngx_srt_replay_address(replay->entry[i].address, address);

    return 0;
}


/*
 * The last entry takes the place.  It is copied before it is given up, so that
 * a worker that dies in between leaves an entry too many, never one too few.
 */

void
ngx_srt_replay_forget(ngx_srt_replay_t *replay, const ngx_srt_streamid_t *id)
{
    char      name[NGX_SRT_REPLAY_ID_MAX + 1];
    size_t    i, last;
    uint64_t  hash;

    hash = ngx_srt_replay_name(id, name);

    i = ngx_srt_replay_find(replay, name, hash);
    if (i == NGX_SRT_REPLAY_ENTRIES) {
        return;
    }

    last = replay->used - 1;

    replay->hash[i] = replay->hash[last];
    replay->expires_at[i] = replay->expires_at[last];
    replay->entry[i] = replay->entry[last];

    replay->used = last;
}


/*
 * What an entry is called, and its FNV-1a hash.  The hash only makes the search
 * quick, names are compared in full: who could choose nonces to collide could
 * as well sign fresh ones.
 */

static uint64_t
ngx_srt_replay_name(const ngx_srt_streamid_t *id,
    char name[NGX_SRT_REPLAY_ID_MAX + 1])
{
    char      *p;
    uint64_t   hash;

    memset(name, 0, NGX_SRT_REPLAY_ID_MAX + 1);

    p = name;
    memcpy(p, id->slug.data, id->slug.len);
    p += id->slug.len;
    *p++ = '\n';
    memcpy(p, id->key_id.data, id->key_id.len);
    p += id->key_id.len;
    *p++ = '\n';
    memcpy(p, id->nonce.data, id->nonce.len);

    hash = UINT64_C(0xcbf29ce484222325);

    for (p = name; *p != '\0'; p++) {
        hash ^= (unsigned char) *p;
        hash *= UINT64_C(0x100000001b3);
    }

    return hash;
}


static size_t
ngx_srt_replay_find(const ngx_srt_replay_t *replay, const char *name,
    uint64_t hash)
{
    size_t  i;

    for (i = 0; i < replay->used; i++) {
        if (replay->hash[i] == hash && strcmp(replay->entry[i].id, name) == 0) {
            return i;
        }
    }

    return NGX_SRT_REPLAY_ENTRIES;
}


/*
 * An expired entry is given up only when there is no other place, the oldest
 * first: should the clock be set back, it still counts.
 */

static size_t
ngx_srt_replay_place(const ngx_srt_replay_t *replay, int64_t forget_before)
{
    size_t  i, oldest;

    if (replay->used < NGX_SRT_REPLAY_ENTRIES) {
        return replay->used;
    }

    oldest = 0;

    for (i = 1; i < NGX_SRT_REPLAY_ENTRIES; i++) {
        if (replay->expires_at[i] < replay->expires_at[oldest]) {
            oldest = i;
        }
    }

    return replay->expires_at[oldest] < forget_before ? oldest
                                                      : NGX_SRT_REPLAY_ENTRIES;
}


static void
ngx_srt_replay_address(char target[NGX_SRT_REPLAY_ADDRESS_MAX + 1],
    const char *address)
{
    size_t  len;

    len = strlen(address);
    if (len > NGX_SRT_REPLAY_ADDRESS_MAX) {
        len = NGX_SRT_REPLAY_ADDRESS_MAX;
    }

    memcpy(target, address, len);
    target[len] = '\0';
}
