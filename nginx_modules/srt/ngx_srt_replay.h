/*
 * Which nonces were used.  A table of fixed size without pointers, so that it
 * may lie anywhere, also in shared memory.  An entry stays at least as long as
 * its ticket could be used again; when every entry is such, the table is full
 * and admits nobody else, rather than forget one.
 */

#ifndef _NGX_SRT_REPLAY_H_INCLUDED_
#define _NGX_SRT_REPLAY_H_INCLUDED_


#include "ngx_srt_streamid.h"


#define NGX_SRT_REPLAY_ENTRIES     4096

/* slug, key id and nonce, each as long as it may be, and what parts them */

#define NGX_SRT_REPLAY_ID_MAX      (NGX_SRT_SLUG_MAX + NGX_SRT_KEY_ID_MAX     \
                                    + NGX_SRT_NONCE_MAX + 2)

/* an IPv6 address as text, with a scope; longer ones are cut */

#define NGX_SRT_REPLAY_ADDRESS_MAX  63

#define NGX_SRT_REPLAY_FRESH       0
#define NGX_SRT_REPLAY_AGAIN       1   /* used, by the same address */
#define NGX_SRT_REPLAY_USED        2   /* used, by another address */


typedef struct {
    char               id[NGX_SRT_REPLAY_ID_MAX + 1];
    char               address[NGX_SRT_REPLAY_ADDRESS_MAX + 1];
} ngx_srt_replay_entry_t;


typedef struct {
    size_t                  used;                /* entries that ever were */
    uint64_t                hash[NGX_SRT_REPLAY_ENTRIES];
    int64_t                 expires_at[NGX_SRT_REPLAY_ENTRIES];
    ngx_srt_replay_entry_t  entry[NGX_SRT_REPLAY_ENTRIES];
} ngx_srt_replay_t;


void ngx_srt_replay_init(ngx_srt_replay_t *replay);


/* NGX_SRT_REPLAY_*; changes nothing.  The stream id must be signed. */

int ngx_srt_replay_look(const ngx_srt_replay_t *replay,
    const ngx_srt_streamid_t *id, const char *address);


/*
 * Marks the nonce as used.  An entry may be given up if it expired before
 * forget_before.  Returns 0, or -1 if the table is full.
 */

int ngx_srt_replay_use(ngx_srt_replay_t *replay, const ngx_srt_streamid_t *id,
    const char *address, int64_t forget_before);


/* The nonce was used for nothing: it is as if it never was. */

void ngx_srt_replay_forget(ngx_srt_replay_t *replay,
    const ngx_srt_streamid_t *id);


#endif /* _NGX_SRT_REPLAY_H_INCLUDED_ */
