/*
 * nginx's side of a caller: one upstream connection, which gets one line about
 * the caller and then its bytes.
 */

#include "ngx_srt.h"


/*
 * A UNIX socket's peer sees only what fits into our buffer, and it wants to
 * look at the first frames before it takes any: as much as the system gives by
 * itself.
 */

#define NGX_SRT_SEND_BUFFER  (208 * 1024)

/*
 * Milliseconds in which an upstream has started, or failed to: until then its
 * end says nothing about whether the caller was ever on air.
 */

#define NGX_SRT_UPSTREAM_START  20000


static void ngx_srt_session_attach_fresh(ngx_srt_runtime_t *rt);
static void ngx_srt_session_attach(ngx_srt_session_t *s);
static void ngx_srt_session_preamble(ngx_srt_session_t *s);
static void ngx_srt_session_connected(ngx_srt_session_t *s);
static ngx_int_t ngx_srt_session_test_connect(ngx_connection_t *c);
static void ngx_srt_session_read(ngx_event_t *rev);
static void ngx_srt_session_write(ngx_event_t *wev);
static void ngx_srt_session_tend(ngx_srt_session_t *s);
static ngx_int_t ngx_srt_session_send(ngx_srt_session_t *s);
static size_t ngx_srt_session_next(ngx_srt_session_t *s, u_char **data);
static void ngx_srt_session_sent(ngx_srt_session_t *s, size_t n);
static void ngx_srt_session_abort(ngx_srt_session_t *s, const char *reason);
static void ngx_srt_session_forgive(ngx_srt_session_t *s);
static void ngx_srt_session_disconnect(ngx_srt_session_t *s);


/* the SRT thread has something for us, or the worker is told to end */

void
ngx_srt_session_notified(ngx_event_t *rev)
{
    uint64_t            count;
    ngx_queue_t        *q, *next;
    ngx_connection_t   *c;
    ngx_srt_runtime_t  *rt;
    ngx_srt_session_t  *s;

    c = rev->data;
    rt = c->data;

    /* a worker on its way out: the next one waits for our sockets */

    if (c->close) {
        atomic_store(&rt->stop, 1);
        return;
    }

    /* it has always been readable when we come here */

    if (read(c->fd, &count, sizeof(uint64_t)) == -1
        && ngx_errno != NGX_EAGAIN)
    {
        ngx_log_error(NGX_LOG_ALERT, rt->log, ngx_errno,
                      "srt: read() from eventfd failed");
    }

    ngx_srt_log_flush(rt);

    if (atomic_exchange(&rt->fresh, 0)) {
        ngx_srt_session_attach_fresh(rt);
    }

    for (q = ngx_queue_head(&rt->sessions);
         q != ngx_queue_sentinel(&rt->sessions);
         q = next)
    {
        next = ngx_queue_next(q);
        s = ngx_queue_data(q, ngx_srt_session_t, queue);

        ngx_srt_session_tend(s);
    }

    ngx_srt_log_flush(rt);
}


static void
ngx_srt_session_attach_fresh(ngx_srt_runtime_t *rt)
{
    ngx_uint_t          i, n;
    ngx_queue_t        *q, fresh;
    ngx_srt_server_t   *server;
    ngx_srt_session_t  *s;

    ngx_queue_init(&fresh);

    (void) pthread_mutex_lock(&rt->mutex);

    for (i = 0; i < rt->nservers; i++) {
        server = &rt->servers[i];

        for (n = 0; n < server->conf->max_connections; n++) {
            s = &server->sessions[n];

            if (s->state == NGX_SRT_LIVE && !s->attached) {
                s->attached = 1;
                ngx_queue_insert_tail(&fresh, &s->queue);
            }
        }
    }

    (void) pthread_mutex_unlock(&rt->mutex);

    while (!ngx_queue_empty(&fresh)) {
        q = ngx_queue_head(&fresh);
        s = ngx_queue_data(q, ngx_srt_session_t, queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&rt->sessions, q);

        ngx_srt_session_attach(s);
    }
}


static void
ngx_srt_session_attach(ngx_srt_session_t *s)
{
    int                     size;
    ngx_int_t               rc;
    ngx_connection_t       *c;
    ngx_srt_srv_conf_t     *sscf;
    ngx_peer_connection_t  *pc;

    sscf = s->server->conf;
    pc = &s->upstream;

    s->connected = 0;

    ngx_srt_session_preamble(s);

    ngx_memzero(pc, sizeof(ngx_peer_connection_t));

    pc->sockaddr = sscf->pass->sockaddr;
    pc->socklen = sscf->pass->socklen;
    pc->name = &sscf->pass->name;
    pc->get = ngx_event_get_peer;
    pc->log = s->server->log;
    pc->log_error = NGX_ERROR_ERR;

    rc = ngx_event_connect_peer(pc);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_srt_session_abort(s, "upstream cannot be reached");
        return;
    }

    c = pc->connection;

    c->data = s;
    c->read->handler = ngx_srt_session_read;
    c->write->handler = ngx_srt_session_write;

    size = NGX_SRT_SEND_BUFFER;

    if (pc->sockaddr->sa_family == AF_UNIX
        && setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(int)) == -1)
    {
        ngx_log_error(NGX_LOG_ALERT, pc->log, ngx_socket_errno,
                      "srt: setsockopt(SO_SNDBUF) failed");
    }

    if (rc == NGX_AGAIN) {
        ngx_add_timer(c->write, sscf->pass_connect_timeout);
        return;
    }

    ngx_srt_session_connected(s);
}


static void
ngx_srt_session_preamble(ngx_srt_session_t *s)
{
    const char        *mode, *nonce;
    ngx_srt_caller_t  *caller;

    caller = &s->caller;

    mode = caller->is_signed ? "signed" : "encrypted";
    nonce = caller->is_signed ? caller->nonce : "-";

    s->preamble_pos = s->preamble;
    s->preamble_last = ngx_slprintf(s->preamble,
                                    s->preamble + NGX_SRT_PREAMBLE_MAX,
                                    "HEADEND-SRT/1 slug=%s key=%s mode=%s "
                                    "nonce=%s peer=%s\n", caller->slug,
                                    caller->key_id, mode, nonce, caller->peer);
}


static void
ngx_srt_session_connected(ngx_srt_session_t *s)
{
    s->connected = 1;

    ngx_srt_session_tend(s);
}


static ngx_int_t
ngx_srt_session_test_connect(ngx_connection_t *c)
{
    int        err;
    socklen_t  len;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        (void) ngx_connection_error(c, err,
                                    "srt: connect() to upstream failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* the upstream says nothing, but it may hang up */

static void
ngx_srt_session_read(ngx_event_t *rev)
{
    u_char              buf[512];
    ssize_t             n;
    ngx_connection_t   *c;
    ngx_srt_session_t  *s;

    c = rev->data;
    s = c->data;

    if (!s->connected) {
        return;
    }

    do {
        n = c->recv(c, buf, sizeof(buf));
    } while (n > 0);

    if (n == NGX_AGAIN && ngx_handle_read_event(rev, 0) == NGX_OK) {
        return;
    }

    ngx_srt_session_abort(s, "upstream hung up");
}


static void
ngx_srt_session_write(ngx_event_t *wev)
{
    ngx_connection_t   *c;
    ngx_srt_session_t  *s;

    c = wev->data;
    s = c->data;

    if (wev->timedout) {
        ngx_srt_session_abort(s, s->connected ? "upstream takes nothing"
                                              : "upstream does not answer");
        return;
    }

    if (s->connected) {
        ngx_srt_session_tend(s);
        return;
    }

    if (ngx_srt_session_test_connect(c) != NGX_OK) {
        ngx_srt_session_abort(s, "upstream cannot be reached");
        return;
    }

    if (wev->timer_set) {
        ngx_del_timer(wev);
    }

    ngx_srt_session_connected(s);
}


/* hands on what there is; the session may be gone afterwards */

static void
ngx_srt_session_tend(ngx_srt_session_t *s)
{
    ngx_uint_t          eof;
    ngx_int_t           rc;
    ngx_event_t        *wev;
    ngx_connection_t   *c;

    /* in this order: after the end nothing is written to the ring */

    eof = atomic_load(&s->eof);

    c = s->upstream.connection;

    if (c == NULL) {
        if (eof) {
            ngx_srt_session_end(s);
        }

        return;
    }

    if (!s->connected) {
        return;
    }

    wev = c->write;

    rc = ngx_srt_session_send(s);

    if (rc == NGX_ERROR) {
        ngx_srt_session_abort(s, "upstream hung up");
        return;
    }

    if (rc == NGX_AGAIN) {

        if (!wev->timer_set) {
            ngx_add_timer(wev, s->server->conf->pass_send_timeout);
        }

        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            ngx_srt_session_abort(s, "upstream cannot be watched");
        }

        return;
    }

    if (eof) {
        ngx_srt_session_end(s);
    }
}


/* NGX_OK if all is sent, NGX_AGAIN, NGX_ERROR */

static ngx_int_t
ngx_srt_session_send(ngx_srt_session_t *s)
{
    u_char            *data;
    size_t             size;
    ssize_t            n;
    ngx_connection_t  *c;

    c = s->upstream.connection;

    for ( ;; ) {
        size = ngx_srt_session_next(s, &data);

        if (size == 0) {

            if (c->write->timer_set) {
                ngx_del_timer(c->write);
            }

            return NGX_OK;
        }

        if (!c->write->ready) {
            return NGX_AGAIN;
        }

        n = c->send(c, data, size);

        if (n == NGX_ERROR || n == 0) {
            return NGX_ERROR;
        }

        if (n == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        ngx_srt_session_sent(s, n);

        /* it took something: its time starts anew */

        if (c->write->timer_set) {
            ngx_del_timer(c->write);
        }
    }
}


static size_t
ngx_srt_session_next(ngx_srt_session_t *s, u_char **data)
{
    if (s->preamble_pos != s->preamble_last) {
        *data = s->preamble_pos;
        return s->preamble_last - s->preamble_pos;
    }

    return ngx_srt_ring_piece(&s->ring, data);
}


static void
ngx_srt_session_sent(ngx_srt_session_t *s, size_t n)
{
    if (s->preamble_pos != s->preamble_last) {
        s->preamble_pos += n;
        return;
    }

    ngx_srt_ring_read(&s->ring, n);
}


/* the caller has to go; the place is free when the SRT thread has seen it */

static void
ngx_srt_session_abort(ngx_srt_session_t *s, const char *reason)
{
    const char  *none;

    none = NULL;

    if (atomic_compare_exchange_strong(&s->abort, &none, reason)
        && ngx_srt_now() - s->since < NGX_SRT_UPSTREAM_START)
    {
        ngx_srt_session_forgive(s);
    }

    ngx_srt_session_disconnect(s);

    if (atomic_load(&s->eof)) {
        ngx_srt_session_end(s);
    }
}


/* it is our side that failed: the caller keeps its signed stream id */

static void
ngx_srt_session_forgive(ngx_srt_session_t *s)
{
    ngx_srt_runtime_t  *rt;

    rt = s->server->runtime;

    (void) pthread_mutex_lock(&rt->mutex);
    ngx_srt_gate_forgive(s);
    (void) pthread_mutex_unlock(&rt->mutex);
}


static void
ngx_srt_session_disconnect(ngx_srt_session_t *s)
{
    if (s->upstream.connection != NULL) {
        ngx_close_connection(s->upstream.connection);
        s->upstream.connection = NULL;
    }
}


/* both sides are through with it */

void
ngx_srt_session_end(ngx_srt_session_t *s)
{
    ngx_uint_t          level;
    const char         *reason;
    ngx_srt_runtime_t  *rt;

    rt = s->server->runtime;

    /* a worker that ends gives the last bytes one chance */

    if (s->upstream.connection != NULL && s->connected) {
        (void) ngx_srt_session_send(s);
    }

    ngx_srt_session_disconnect(s);

    reason = atomic_load(&s->abort);
    level = NGX_LOG_WARN;

    if (reason == NULL) {
        reason = s->reason;
        level = NGX_LOG_NOTICE;
    }

    ngx_queue_remove(&s->queue);
    s->attached = 0;

    (void) pthread_mutex_lock(&rt->mutex);

    ngx_srt_log_text(s->server, level, reason, &s->caller);
    rt->closed++;

    ngx_srt_ring_destroy(&s->ring);
    s->state = NGX_SRT_FREE;

    (void) pthread_mutex_unlock(&rt->mutex);
}
