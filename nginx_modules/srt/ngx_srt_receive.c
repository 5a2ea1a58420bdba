/*
 * From libsrt into a caller's ring, until one of them ends.
 */

#include "ngx_srt_thread.h"


/* a broken connection with packets that are not due yet is given this longer */

#define NGX_SRT_REST_EXTRA  1000

/* milliseconds that a bitrate is the mean of, at least */

#define NGX_SRT_RATE_MIN    500


static ngx_int_t ngx_srt_receive(ngx_srt_thread_t *t, ngx_srt_session_t *s);
static void ngx_srt_receive_break(ngx_srt_thread_t *t, ngx_srt_session_t *s);
static void ngx_srt_receive_rest(ngx_srt_thread_t *t, ngx_srt_session_t *s);
static void ngx_srt_receive_sample(ngx_srt_session_t *s);
static void ngx_srt_receive_pause(ngx_srt_thread_t *t, ngx_srt_session_t *s);
static void ngx_srt_receive_add(ngx_srt_stats_t *totals,
    const ngx_srt_stats_t *now, const ngx_srt_stats_t *before);


void
ngx_srt_receive_event(ngx_srt_thread_t *t, ngx_srt_session_t *s, int events)
{
    if ((events & SRT_EPOLL_ERR) || ngx_srt_receive(t, s) == NGX_ERROR) {
        ngx_srt_receive_break(t, s);
    }
}


/*
 * Now and then, and at the beginning: libsrt has no event for a connection that
 * broke before we watched it.
 */

void
ngx_srt_receive_check(ngx_srt_thread_t *t, ngx_srt_session_t *s)
{
    ngx_srt_receive_sample(s);

    if (!s->broken && srt_getsockstate(s->sock) != SRTS_CONNECTED) {
        ngx_srt_receive_break(t, s);
    }
}


/* one message: NGX_OK, NGX_AGAIN if there is none or no room, NGX_ERROR */

static ngx_int_t
ngx_srt_receive(ngx_srt_thread_t *t, ngx_srt_session_t *s)
{
    int             n;
    unsigned char  *room;

    room = ngx_srt_ring_room(&s->ring);

    if (room == NULL) {
        ngx_srt_receive_pause(t, s);
        return NGX_AGAIN;
    }

    n = srt_recvmsg(s->sock, (char *) room, NGX_SRT_MESSAGE_MAX);

    if (n > 0) {
        s->received += n;
        t->changed = 1;
        ngx_srt_ring_write(&s->ring, n);
        return NGX_OK;
    }

    if (n == SRT_ERROR && srt_getlasterror(NULL) == SRT_EASYNCRCV) {
        return NGX_AGAIN;
    }

    return NGX_ERROR;
}


/* it would be ready for ever: from now on we look by ourselves */

static void
ngx_srt_receive_break(ngx_srt_thread_t *t, ngx_srt_session_t *s)
{
    (void) srt_epoll_remove_usock(t->epoll, s->sock);

    s->broken = 1;
    s->broken_at = ngx_srt_now();

    ngx_srt_receive_rest(t, s);
}


/*
 * libsrt still hands out what it has received, each packet at its time, which
 * is the latency after it was sent.
 */

static void
ngx_srt_receive_rest(ngx_srt_thread_t *t, ngx_srt_session_t *s)
{
    int64_t    passed;
    ngx_int_t  rc;

    do {
        rc = ngx_srt_receive(t, s);
    } while (rc == NGX_OK);

    if (atomic_load(&s->paused)) {
        return;
    }

    passed = ngx_srt_now() - s->broken_at;

    if (ngx_srt_option(s->sock, SRTO_RCVDATA) == 0
        || passed > s->latency + NGX_SRT_REST_EXTRA)
    {
        ngx_srt_receive_close(t, s, "caller hung up");
    }
}


/* the upstream is slow: libsrt's buffer fills, and its window tells the peer */

static void
ngx_srt_receive_pause(ngx_srt_thread_t *t, ngx_srt_session_t *s)
{
    int  events;

    atomic_store(&s->paused, 1);

    if (!s->broken) {
        events = SRT_EPOLL_ERR;
        (void) srt_epoll_update_usock(t->epoll, s->sock, &events);
    }
}


/* may close the session */

void
ngx_srt_receive_tend(ngx_srt_thread_t *t, ngx_srt_session_t *s)
{
    int  events;

    if (atomic_load(&s->paused)) {

        if (ngx_srt_ring_used(&s->ring) > s->ring.size / 2) {
            return;
        }

        atomic_store(&s->paused, 0);

        if (!s->broken) {
            events = SRT_EPOLL_IN | SRT_EPOLL_ERR;
            (void) srt_epoll_update_usock(t->epoll, s->sock, &events);
        }
    }

    if (s->broken) {
        ngx_srt_receive_rest(t, s);
    }
}


static void
ngx_srt_receive_sample(ngx_srt_session_t *s)
{
    int64_t             passed;
    SRT_TRACEBSTATS     perf;
    ngx_srt_stats_t     stats;
    ngx_srt_runtime_t  *rt;

    rt = s->server->runtime;

    /* libsrt tells nothing of a broken connection; what we have, we know */

    stats = s->stats;
    stats.bytes = s->received;

    if (srt_bistats(s->sock, &perf, 0, 1) != SRT_ERROR) {
        stats.packets = perf.pktRecvTotal;
        stats.lost = perf.pktRcvLossTotal;
        stats.dropped = perf.pktRcvDropTotal;
        stats.undecrypted = perf.pktRcvUndecryptTotal;
        stats.buffer = perf.byteRcvBuf;
        stats.latency = perf.msRcvTsbPdDelay;
        stats.rtt = perf.msRTT;

        /* not a total by its name, but nobody sets it back */

        stats.retransmitted = perf.pktRcvRetrans;
    }

    passed = ngx_srt_now() - s->stats.rated_at;

    if (passed >= NGX_SRT_RATE_MIN) {
        stats.bitrate = (stats.bytes - s->stats.rated) * 8 * 1000
                        / (uint64_t) passed;
        stats.rated = stats.bytes;
        stats.rated_at += passed;
    }

    (void) pthread_mutex_lock(&rt->mutex);

    ngx_srt_receive_add(&rt->totals, &stats, &s->stats);
    s->stats = stats;

    (void) pthread_mutex_unlock(&rt->mutex);
}


static void
ngx_srt_receive_add(ngx_srt_stats_t *totals, const ngx_srt_stats_t *now,
    const ngx_srt_stats_t *before)
{
    totals->bytes += now->bytes - before->bytes;
    totals->packets += now->packets - before->packets;
    totals->lost += now->lost - before->lost;
    totals->retransmitted += now->retransmitted - before->retransmitted;
    totals->dropped += now->dropped - before->dropped;
    totals->undecrypted += now->undecrypted - before->undecrypted;
}


/* after this the session is nginx's thread's alone */

void
ngx_srt_receive_close(ngx_srt_thread_t *t, ngx_srt_session_t *s,
    const char *reason)
{
    ngx_uint_t  i;

    ngx_srt_receive_sample(s);

    ngx_srt_close(t, s->sock, s->since);

    for (i = 0; i < t->nlive; i++) {
        if (t->live[i] == s) {
            t->live[i] = t->live[--t->nlive];
            break;
        }
    }

    s->reason = reason;
    t->changed = 1;

    atomic_store(&s->eof, 1);
}
