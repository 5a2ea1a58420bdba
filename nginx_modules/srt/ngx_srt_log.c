/*
 * Only nginx's thread writes to the log.  What the others have to say waits in
 * a list of fixed length; strangers cannot make it write more than a few lines
 * a second.  No line has a stream id, a passphrase, a signature or a nonce.
 */

#include "ngx_srt.h"


#define NGX_SRT_LINES_PER_SECOND  10


static ngx_srt_record_t *ngx_srt_log_record(ngx_srt_server_t *server,
    const ngx_srt_caller_t *caller);
static void ngx_srt_log_write(ngx_srt_record_t *record);
static void ngx_srt_log_say_unsaid(ngx_srt_runtime_t *rt);


static ngx_srt_refused_t  ngx_srt_refused[] = {
    { NGX_SRT_HANDSHAKE, 0 },
    { NGX_SRT_BAD_REQUEST, 0 },
    { NGX_SRT_UNAUTHORIZED, 0 },
    { NGX_SRT_OVERLOAD, 0 },
    { NGX_SRT_FORBIDDEN, 0 },
    { NGX_SRT_NOTFOUND, 0 },
    { NGX_SRT_BAD_MODE, 0 },
    { NGX_SRT_CONFLICT, 0 },
    { NGX_SRT_NOTSUP_MEDIA, 0 },
    { SRT_REJX_ISE, 0 },
    { NGX_SRT_DOWN, 0 },
    { SRT_REJX_VERSION, 0 }
};


void
ngx_srt_log_refusal(ngx_srt_server_t *server, int code, const char *reason,
    const ngx_srt_caller_t *caller)
{
    ngx_uint_t         i;
    ngx_srt_record_t  *record;

    for (i = 0; i < sizeof(ngx_srt_refused) / sizeof(ngx_srt_refused_t); i++) {
        if (ngx_srt_refused[i].code == code) {
            ngx_srt_refused[i].count++;
        }
    }

    record = ngx_srt_log_record(server, caller);
    if (record == NULL) {
        return;
    }

    record->level = NGX_LOG_WARN;
    record->code = code;
    (void) ngx_cpystrn((u_char *) record->text, (u_char *) reason,
                       NGX_SRT_RECORD_LEN);
}


void
ngx_srt_log_text(ngx_srt_server_t *server, ngx_uint_t level, const char *text,
    const ngx_srt_caller_t *caller)
{
    ngx_srt_record_t  *record;

    record = ngx_srt_log_record(server, caller);
    if (record == NULL) {
        return;
    }

    record->level = level;
    record->code = 0;
    (void) ngx_cpystrn((u_char *) record->text, (u_char *) text,
                       NGX_SRT_RECORD_LEN);
}


static ngx_srt_record_t *
ngx_srt_log_record(ngx_srt_server_t *server, const ngx_srt_caller_t *caller)
{
    ngx_srt_record_t   *record;
    ngx_srt_runtime_t  *rt;

    rt = server->runtime;

    if (rt->nrecords == NGX_SRT_RECORDS) {
        rt->nunsaid++;
        return NULL;
    }

    record = &rt->records[rt->nrecords++];

    ngx_memzero(record, sizeof(ngx_srt_record_t));

    record->log = server->log;

    if (caller != NULL) {
        ngx_memcpy(record->slug, caller->slug, sizeof(record->slug));
        ngx_memcpy(record->key_id, caller->key_id, sizeof(record->key_id));
        ngx_memcpy(record->peer, caller->peer, sizeof(record->peer));
    }

    return record;
}


void
ngx_srt_log_flush(ngx_srt_runtime_t *rt)
{
    ngx_uint_t         i, n;
    ngx_srt_record_t   records[NGX_SRT_RECORDS];

    (void) pthread_mutex_lock(&rt->mutex);

    n = rt->nrecords;
    ngx_memcpy(records, rt->records, n * sizeof(ngx_srt_record_t));
    rt->nrecords = 0;

    rt->log_unsaid += rt->nunsaid;
    rt->nunsaid = 0;

    (void) pthread_mutex_unlock(&rt->mutex);

    if (rt->log_second != ngx_time()) {
        ngx_srt_log_say_unsaid(rt);
        rt->log_second = ngx_time();
        rt->log_lines = 0;
    }

    for (i = 0; i < n; i++) {

        if (records[i].code != 0
            && rt->log_lines++ >= NGX_SRT_LINES_PER_SECOND)
        {
            rt->log_unsaid++;
            continue;
        }

        ngx_srt_log_write(&records[i]);
    }
}


static void
ngx_srt_log_write(ngx_srt_record_t *record)
{
    u_char      *p;
    const char  *slug, *key_id;
    u_char       code[sizeof("refused ") + NGX_INT_T_LEN + 1];

    p = code;

    if (record->code != 0) {
        p = ngx_sprintf(p, "refused %d ", record->code);
    }

    *p = '\0';

    if (record->peer[0] == '\0') {
        ngx_log_error(record->level, record->log, 0, "srt: %s%s", code,
                      record->text);
        return;
    }

    slug = record->slug[0] == '\0' ? "-" : record->slug;
    key_id = record->key_id[0] == '\0' ? "-" : record->key_id;

    ngx_log_error(record->level, record->log, 0,
                  "srt: %s%s, stream=%s key=%s peer=%s", code, record->text,
                  slug, key_id, record->peer);
}


static void
ngx_srt_log_say_unsaid(ngx_srt_runtime_t *rt)
{
    if (rt->log_unsaid != 0) {
        ngx_log_error(NGX_LOG_WARN, rt->log, 0,
                      "srt: refused %ui more callers", rt->log_unsaid);
        rt->log_unsaid = 0;
    }
}


/* every code that there is, with the mutex */

ngx_uint_t
ngx_srt_log_refused(ngx_srt_runtime_t *rt, ngx_srt_refused_t **refused)
{
    *refused = ngx_srt_refused;

    return sizeof(ngx_srt_refused) / sizeof(ngx_srt_refused_t);
}
