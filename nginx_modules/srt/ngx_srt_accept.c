/*
 * A caller that the gate let in and whose passphrase libsrt found right: looked
 * at once more, since the list may have changed and a handshake takes its time.
 */

#include "ngx_srt_thread.h"


static void ngx_srt_accept_one(ngx_srt_thread_t *t,
    ngx_srt_listener_t *listener, SRTSOCKET sock);
static const char *ngx_srt_accept_check(ngx_srt_session_t *s, int *code);
static void ngx_srt_accept_trust(ngx_srt_runtime_t *rt, SRTSOCKET sock);
static void ngx_srt_accept_begin(ngx_srt_session_t *s, uint64_t id);


void
ngx_srt_accept(ngx_srt_thread_t *t, ngx_srt_listener_t *listener)
{
    SRTSOCKET  sock;

    for ( ;; ) {
        sock = srt_accept(listener->sock, NULL, NULL);

        if (sock == SRT_INVALID_SOCK) {
            return;
        }

        ngx_srt_accept_one(t, listener, sock);
    }
}


static void
ngx_srt_accept_one(ngx_srt_thread_t *t, ngx_srt_listener_t *listener,
    SRTSOCKET sock)
{
    int                 code, events;
    const char         *reason;
    ngx_srt_runtime_t  *rt;
    ngx_srt_session_t  *s;

    rt = t->runtime;

    (void) pthread_mutex_lock(&rt->mutex);

    s = ngx_srt_gate_find(listener, sock);

    if (s != NULL) {
        s->state = NGX_SRT_ACCEPTED;
        rt->npending--;
    }

    (void) pthread_mutex_unlock(&rt->mutex);

    if (s == NULL) {
        ngx_srt_close(t, sock, ngx_srt_now());
        return;
    }

    s->key_length = 0;
    s->peer_version = ngx_srt_option(sock, SRTO_PEERVERSION);
    s->latency = ngx_srt_option(sock, SRTO_RCVLATENCY);

    if (ngx_srt_option(sock, SRTO_RCVKMSTATE) == SRT_KM_S_SECURED) {
        s->key_length = ngx_srt_option(sock, SRTO_PBKEYLEN);
    }

    code = 0;
    events = SRT_EPOLL_IN | SRT_EPOLL_ERR;

    reason = ngx_srt_ring_create(&s->ring, s->server->conf->buffer_size) == 0
             ? NULL : "no memory";

    if (reason == NULL
        && srt_epoll_add_usock(t->epoll, sock, &events) == SRT_ERROR)
    {
        reason = "gone before it was accepted";
    }

    (void) pthread_mutex_lock(&rt->mutex);

    if (reason == NULL) {
        reason = ngx_srt_accept_check(s, &code);
    }

    if (reason != NULL) {
        ngx_srt_log_refusal(s->server, code ? code : SRT_REJX_ISE, reason,
                            &s->caller);

        /* before the place is anybody's */

        ngx_srt_ring_destroy(&s->ring);
        ngx_srt_gate_release(s);

    } else {
        rt->accepted++;

        ngx_srt_accept_trust(rt, sock);
        ngx_srt_accept_begin(s, ++t->last_id);
        ngx_srt_log_text(s->server, NGX_LOG_NOTICE, "on air", &s->caller);
    }

    (void) pthread_mutex_unlock(&rt->mutex);

    if (reason != NULL) {
        ngx_srt_close(t, sock, ngx_srt_now());
        return;
    }

    t->live[t->nlive++] = s;
    t->changed = 1;

    atomic_store(&rt->fresh, 1);

    ngx_srt_receive_check(t, s);
}


static const char *
ngx_srt_accept_check(ngx_srt_session_t *s, int *code)
{
    ngx_srt_srv_conf_t  *sscf;

    sscf = s->server->conf;

    *code = NGX_SRT_FORBIDDEN;

    if (!s->caller.is_signed && s->key_length == 0) {
        return "accepted without encryption";
    }

    if (!s->caller.is_signed && s->key_length < sscf->pbkeylen) {
        return "accepted with a key that is too short";
    }

    if (sscf->admit_list.len == 0) {
        return NULL;
    }

    if (s->server->list == NULL) {
        *code = NGX_SRT_DOWN;
        return "no admit list";
    }

    if (!ngx_srt_admit_has_key(s->server->list, s->caller.slug,
                               s->caller.key_id))
    {
        return "key revoked";
    }

    return NULL;
}


/* who has proved a key is not shut out with strangers */

static void
ngx_srt_accept_trust(ngx_srt_runtime_t *rt, SRTSOCKET sock)
{
    int                      len;
    struct sockaddr_storage  peer;

    len = sizeof(peer);

    if (srt_getpeername(sock, (struct sockaddr *) &peer, &len) == SRT_ERROR) {
        return;
    }

    ngx_srt_filter_admitted(&rt->filter, (struct sockaddr *) &peer,
                            ngx_srt_now());
}


static void
ngx_srt_accept_begin(ngx_srt_session_t *s, uint64_t id)
{
    ngx_memzero(&s->stats, sizeof(ngx_srt_stats_t));

    s->id = id;
    s->since = ngx_srt_now();
    s->stats.rated_at = s->since;
    s->received = 0;
    s->reason = NULL;
    s->broken = 0;

    atomic_store(&s->abort, NULL);
    atomic_store(&s->eof, 0);
    atomic_store(&s->paused, 0);

    s->state = NGX_SRT_LIVE;
}


/* 0 if there is no such */

int
ngx_srt_option(SRTSOCKET sock, SRT_SOCKOPT option)
{
    int  len, value;

    value = 0;
    len = sizeof(int);

    if (srt_getsockflag(sock, option, &value, &len) == SRT_ERROR) {
        return 0;
    }

    return value;
}
