/*
 * The admit list: which streams there are, which way into each is open, and
 * which keys it has.  The hook app writes it, whole, by rename:
 *
 *     headend-srt 1
 *     stream SLUG any|encrypted|signed free|taken
 *     key SLUG KEYID NOT_AFTER
 *
 * Streams come before keys; NOT_AFTER is unix seconds, 0 if it never comes.  A
 * file with one fault is refused whole.
 */

#ifndef _NGX_SRT_ADMIT_H_INCLUDED_
#define _NGX_SRT_ADMIT_H_INCLUDED_


#include "ngx_srt_streamid.h"


#define NGX_SRT_ADMIT_MAX_STREAMS  1024
#define NGX_SRT_ADMIT_MAX_KEYS     4096
#define NGX_SRT_ADMIT_MAX_SIZE     (512 * 1024)

/* the one fault that is not the list's own */

#define NGX_SRT_ADMIT_NO_MEMORY    "no memory"

#define NGX_SRT_ADMIT_ENCRYPTED    0x01
#define NGX_SRT_ADMIT_SIGNED       0x02
#define NGX_SRT_ADMIT_ANY          0x03


typedef struct {
    char               slug[NGX_SRT_SLUG_MAX + 1];
    unsigned           ways:2;         /* NGX_SRT_ADMIT_* */
    unsigned           taken:1;        /* by a publisher that is not ours */
    size_t             line;
} ngx_srt_admit_stream_t;


typedef struct {
    char               slug[NGX_SRT_SLUG_MAX + 1];
    char               key_id[NGX_SRT_KEY_ID_MAX + 1];
    int64_t            not_after;      /* unix seconds, 0: never */
    size_t             line;
} ngx_srt_admit_key_t;


typedef struct ngx_srt_admit_s  ngx_srt_admit_t;


/*
 * Returns a list to be freed, or NULL with a short static sentence and the
 * number of the line, counted from 1.
 */

ngx_srt_admit_t *ngx_srt_admit_parse(const char *text, size_t len,
    const char **error, size_t *line);
void ngx_srt_admit_free(ngx_srt_admit_t *list);

size_t ngx_srt_admit_streams(const ngx_srt_admit_t *list);
size_t ngx_srt_admit_keys(const ngx_srt_admit_t *list);


/* NULL if there is none */

const ngx_srt_admit_stream_t *ngx_srt_admit_stream(const ngx_srt_admit_t *list,
    const ngx_srt_slice_t *slug);
const ngx_srt_admit_key_t *ngx_srt_admit_key(const ngx_srt_admit_t *list,
    const ngx_srt_slice_t *slug, const ngx_srt_slice_t *key_id);


/*
 * Whether a key is still listed, expired or not: one that has vanished is
 * revoked, and its caller has to go.
 */

int ngx_srt_admit_has_key(const ngx_srt_admit_t *list, const char *slug,
    const char *key_id);


#endif /* _NGX_SRT_ADMIT_H_INCLUDED_ */
