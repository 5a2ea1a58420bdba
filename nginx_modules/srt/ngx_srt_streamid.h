/*
 * The stream id: what an SRT caller says about itself before it is let in.
 *
 * Two spellings with one meaning, at most 512 bytes of printable ASCII:
 *
 *     #!::r=SLUG,m=publish,u=KEYID,exp=SECONDS,nonce=NONCE,sig=SIGNATURE
 *     SLUG?u=KEYID,exp=SECONDS,nonce=NONCE,sig=SIGNATURE
 *
 * In the second one '&' may stand for ','.  With ',' it is the same before and
 * after percent-decoding, and safe in a URL's query: some callers decode a
 * URL, some do not.
 *
 * Without exp, nonce and sig the caller takes the encrypted way.  This file,
 * like ngx_srt_token, ngx_srt_admit, ngx_srt_replay and ngx_srt_admission,
 * knows neither nginx nor libsrt, so that it can be fuzzed on its own.
 */

#ifndef _NGX_SRT_STREAMID_H_INCLUDED_
#define _NGX_SRT_STREAMID_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* SRT_REJX_* of libsrt's access_control.h, without libsrt */

#define NGX_SRT_BAD_REQUEST        1400
#define NGX_SRT_UNAUTHORIZED       1401
#define NGX_SRT_OVERLOAD           1402
#define NGX_SRT_FORBIDDEN          1403
#define NGX_SRT_NOTFOUND           1404
#define NGX_SRT_BAD_MODE           1405
#define NGX_SRT_CONFLICT           1409
#define NGX_SRT_NOTSUP_MEDIA       1415
#define NGX_SRT_DOWN               1503


#define NGX_SRT_STREAMID_MAX       512
#define NGX_SRT_SLUG_MAX           40
#define NGX_SRT_KEY_ID_MAX         16
#define NGX_SRT_EXPIRY_MAX         10
#define NGX_SRT_NONCE_MIN          8
#define NGX_SRT_NONCE_MAX          32
#define NGX_SRT_SIGNATURE_LEN      43


typedef struct {
    const char        *data;           /* not terminated */
    size_t             len;
} ngx_srt_slice_t;


typedef struct {
    ngx_srt_slice_t    slug;           /* [a-z0-9][a-z0-9-]{0,39} */
    ngx_srt_slice_t    key_id;         /* [A-Za-z0-9]{1,16} */
    ngx_srt_slice_t    expiry;         /* as it was sent: it is signed so */
    ngx_srt_slice_t    nonce;          /* [A-Za-z0-9_-]{8,32} */
    ngx_srt_slice_t    signature;      /* [A-Za-z0-9_-]{43} */
    int64_t            expires_at;     /* unix seconds; 0 if not signed */
    unsigned           is_signed:1;    /* expiry, nonce, signature are set */
} ngx_srt_streamid_t;


/*
 * Returns 0, or the code to refuse the caller with: NGX_SRT_BAD_REQUEST,
 * NGX_SRT_NOTSUP_MEDIA or NGX_SRT_BAD_MODE.  The slices point into data; they
 * are all empty after NGX_SRT_BAD_REQUEST, and checked in any other case, so
 * that they may be logged as they are.
 */

int ngx_srt_streamid_parse(const char *data, size_t len,
    ngx_srt_streamid_t *id);


/* the grammar of a slug and of a key id, which the admit list shares */

int ngx_srt_slug_valid(const ngx_srt_slice_t *slug);
int ngx_srt_key_id_valid(const ngx_srt_slice_t *key_id);

/*
 * Unix seconds in decimal, no sign, no leading zero, at most max_digits (which
 * must be 18 or less).  Returns -1 if it is anything else; "0" is not.
 */

int64_t ngx_srt_seconds(const ngx_srt_slice_t *text, size_t max_digits);


#endif /* _NGX_SRT_STREAMID_H_INCLUDED_ */
