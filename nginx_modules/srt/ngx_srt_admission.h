/*
 * The decision whether a caller comes in.  Everything that it needs is given:
 * no clock, no file, no lock.
 */

#ifndef _NGX_SRT_ADMISSION_H_INCLUDED_
#define _NGX_SRT_ADMISSION_H_INCLUDED_


#include <time.h>

#include "ngx_srt_admit.h"
#include "ngx_srt_replay.h"
#include "ngx_srt_streamid.h"
#include "ngx_srt_token.h"


typedef struct {
    time_t             now;
    int                skew;           /* seconds between two clocks */
    int64_t            max_lifetime;   /* seconds, of a signed stream id */
    unsigned           reuse_same_address:1;
    unsigned           enforced_encryption:1;
} ngx_srt_policy_t;


typedef struct {
    int                code;           /* 0 to admit, or NGX_SRT_* */
    const char        *reason;         /* for the log; never NULL, static */
    unsigned           is_signed:1;
    unsigned           is_first:1;     /* the nonce was not used before */
} ngx_srt_verdict_t;


/*
 * The list may be NULL: nobody comes in.  The stream id is one that parsed.
 * The peer's address is text without a port, always spelled in the same way.
 * Nothing is changed: whoever is let in has yet to use up the nonce.
 */

ngx_srt_verdict_t ngx_srt_admission_decide(const ngx_srt_admit_t *list,
    const ngx_srt_streamid_t *id, const unsigned char *master,
    size_t master_len, const ngx_srt_policy_t *policy,
    const ngx_srt_replay_t *replay, const char *peer_address);


/*
 * Uses up the nonce of a signed stream id that is let in, under the same lock.
 * The verdict is an OVERLOAD if there is no room to remember it, or as it was.
 */

ngx_srt_verdict_t ngx_srt_admission_use(ngx_srt_verdict_t verdict,
    const ngx_srt_streamid_t *id, const ngx_srt_policy_t *policy,
    ngx_srt_replay_t *replay, const char *peer_address);


#endif /* _NGX_SRT_ADMISSION_H_INCLUDED_ */
