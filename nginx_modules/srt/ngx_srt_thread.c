/*
 * The SRT thread.  It takes whatever every caller has, then rests a little: a
 * wake-up for each packet would cost more than the packet.
 */

#include "ngx_srt_thread.h"

#include <signal.h>


#define NGX_SRT_EVENTS           64

/* packets of one turn; then whoever waits for us is looked after */

#define NGX_SRT_TURN             4096

/* milliseconds */

#define NGX_SRT_REST             10
#define NGX_SRT_IDLE             50
#define NGX_SRT_RETRY            1000
#define NGX_SRT_LOCK_RETRY       20
#define NGX_SRT_SAMPLE_INTERVAL  1000


static void *ngx_srt_thread_run(void *data);
static ngx_int_t ngx_srt_thread_begin(ngx_srt_thread_t *t);
static void ngx_srt_thread_loop(ngx_srt_thread_t *t);
static ngx_int_t ngx_srt_thread_turn(ngx_srt_thread_t *t, int64_t timeout);
static void ngx_srt_thread_event(ngx_srt_thread_t *t, SRT_EPOLL_EVENT *event);
static ngx_int_t ngx_srt_thread_tend(ngx_srt_thread_t *t);
static ngx_int_t ngx_srt_thread_check(ngx_srt_runtime_t *rt);
static void ngx_srt_thread_failed(ngx_srt_server_t *server, const char *text);
static void ngx_srt_thread_tend_gate(ngx_srt_runtime_t *rt);
static void ngx_srt_thread_end(ngx_srt_thread_t *t);
static void ngx_srt_thread_sleep(ngx_uint_t ms);


ngx_int_t
ngx_srt_thread_start(ngx_srt_runtime_t *rt)
{
    int       err;
    sigset_t  all, before;

    /* libsrt's threads come from ours, and are as deaf */

    (void) sigfillset(&all);

    err = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (err != 0) {
        ngx_log_error(NGX_LOG_EMERG, rt->log, err,
                      "srt: pthread_sigmask() failed");
        return NGX_ERROR;
    }

    err = pthread_create(&rt->thread, NULL, ngx_srt_thread_run, rt);

    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (err != 0) {
        ngx_log_error(NGX_LOG_EMERG, rt->log, err,
                      "srt: pthread_create() failed");
        return NGX_ERROR;
    }

    rt->thread_started = 1;

    return NGX_OK;
}


void
ngx_srt_thread_stop(ngx_srt_runtime_t *rt)
{
    atomic_store(&rt->stop, 1);

    if (rt->thread_started) {
        (void) pthread_join(rt->thread, NULL);
        rt->thread_started = 0;
    }
}


static void *
ngx_srt_thread_run(void *data)
{
    ngx_srt_runtime_t *rt = data;

    ngx_srt_thread_t  t;

    ngx_memzero(&t, sizeof(ngx_srt_thread_t));

    t.runtime = rt;
    t.epoll = -1;

    t.live = ngx_alloc(rt->nsessions * sizeof(ngx_srt_session_t *), rt->log);
    if (t.live == NULL) {
        return NULL;
    }

    while (!atomic_load(&rt->stop)) {

        if (ngx_srt_state_lock(rt->conf->state_fd) != NGX_OK) {
            ngx_srt_thread_sleep(NGX_SRT_LOCK_RETRY);
            continue;
        }

        if (ngx_srt_thread_begin(&t) == NGX_OK) {
            ngx_srt_thread_loop(&t);
        }

        ngx_srt_thread_end(&t);
        ngx_srt_state_unlock(rt->conf->state_fd);

        if (!atomic_load(&rt->stop)) {
            ngx_srt_thread_sleep(NGX_SRT_RETRY);
        }
    }

    ngx_free(t.live);

    return NULL;
}


static ngx_int_t
ngx_srt_thread_begin(ngx_srt_thread_t *t)
{
    ngx_uint_t          i;
    ngx_srt_runtime_t  *rt;

    rt = t->runtime;

    (void) srt_startup();

    /* what libsrt finds worth a line can be caused by any stranger */

    srt_setloglevel(LOG_CRIT);

    t->epoll = srt_epoll_create();
    if (t->epoll == SRT_ERROR) {
        return NGX_ERROR;
    }

    for (i = 0; i < rt->nlisteners; i++) {
        if (ngx_srt_listener_start(&rt->listeners[i], t->epoll) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* until we are told to stop, or libsrt does not work any more */

static void
ngx_srt_thread_loop(ngx_srt_thread_t *t)
{
    ngx_int_t           n;
    ngx_srt_runtime_t  *rt;

    rt = t->runtime;
    n = 0;

    while (!atomic_load(&rt->stop)) {

        /* media comes in a steady flow: rest first, then look */

        if (n != 0) {
            ngx_srt_thread_sleep(NGX_SRT_REST);
        }

        n = ngx_srt_thread_turn(t, n != 0 ? 0 : NGX_SRT_IDLE);

        if (ngx_srt_thread_tend(t) != NGX_OK || n == NGX_ERROR) {
            return;
        }

        if (n != 0 || t->changed) {
            t->changed = 0;
            ngx_srt_notify(rt);
        }
    }
}


/* returns the number of events, or NGX_ERROR */

static ngx_int_t
ngx_srt_thread_turn(ngx_srt_thread_t *t, int64_t timeout)
{
    int              i, n;
    ngx_int_t        total;
    SRT_EPOLL_EVENT  events[NGX_SRT_EVENTS];

    /*
     * One packet of each caller that has any, and again.  Reading until libsrt
     * says that there is nothing would cost an exception inside it each time.
     */

    for (total = 0; total < NGX_SRT_TURN; total += n) {

        n = srt_epoll_uwait(t->epoll, events, NGX_SRT_EVENTS, timeout);

        if (n == SRT_ERROR) {
            ngx_srt_thread_failed(&t->runtime->servers[0],
                                  "libsrt starts anew, every caller is cut: "
                                  "srt_epoll_uwait() failed");
            return NGX_ERROR;
        }

        if (n <= 0) {
            break;
        }

        n = ngx_min(n, NGX_SRT_EVENTS);

        for (i = 0; i < n; i++) {
            ngx_srt_thread_event(t, &events[i]);
        }

        timeout = 0;
    }

    return total;
}


static void
ngx_srt_thread_event(ngx_srt_thread_t *t, SRT_EPOLL_EVENT *event)
{
    ngx_uint_t          i;
    ngx_srt_runtime_t  *rt;
    ngx_srt_session_t  *s;

    for (i = 0; i < t->nlive; i++) {
        s = t->live[i];

        if (s->sock == event->fd) {
            ngx_srt_receive_event(t, s, event->events);
            return;
        }
    }

    rt = t->runtime;

    for (i = 0; i < rt->nlisteners; i++) {
        if (rt->listeners[i].sock == event->fd) {
            ngx_srt_accept(t, &rt->listeners[i]);
            return;
        }
    }

    (void) srt_epoll_remove_usock(t->epoll, event->fd);
}


/* NGX_ERROR if a listener listens no more */

static ngx_int_t
ngx_srt_thread_tend(ngx_srt_thread_t *t)
{
    int64_t             now;
    ngx_uint_t          i, sample;
    const char         *reason;
    ngx_srt_session_t  *s;

    now = ngx_srt_now();
    sample = now - t->sampled_at >= NGX_SRT_SAMPLE_INTERVAL;

    if (sample) {
        t->sampled_at = now;
    }

    /* from behind, since one that is closed leaves */

    for (i = t->nlive; i > 0; i--) {
        s = t->live[i - 1];

        reason = atomic_load(&s->abort);

        if (reason != NULL) {
            ngx_srt_receive_close(t, s, reason);
            continue;
        }

        ngx_srt_receive_tend(t, s);
    }

    ngx_srt_close_due(t, now);

    for (i = t->nlive; sample && i > 0; i--) {
        ngx_srt_receive_check(t, t->live[i - 1]);
    }

    ngx_srt_thread_tend_gate(t->runtime);

    return sample ? ngx_srt_thread_check(t->runtime) : NGX_OK;
}


static ngx_int_t
ngx_srt_thread_check(ngx_srt_runtime_t *rt)
{
    ngx_uint_t           i;
    ngx_srt_listener_t  *listener;

    for (i = 0; i < rt->nlisteners; i++) {
        listener = &rt->listeners[i];

        if (srt_getsockstate(listener->sock) != SRTS_LISTENING) {
            ngx_srt_thread_failed(listener->server,
                                  "libsrt starts anew, every caller is cut: "
                                  "a listener listens no more");
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_srt_thread_failed(ngx_srt_server_t *server, const char *text)
{
    ngx_srt_runtime_t  *rt;

    rt = server->runtime;

    (void) pthread_mutex_lock(&rt->mutex);
    ngx_srt_log_text(server, NGX_LOG_ALERT, text, NULL);
    (void) pthread_mutex_unlock(&rt->mutex);
}


static void
ngx_srt_thread_tend_gate(ngx_srt_runtime_t *rt)
{
    ngx_uint_t  i;

    (void) pthread_mutex_lock(&rt->mutex);

    if (ngx_srt_filter_expire(&rt->filter, ngx_srt_now())) {
        for (i = 0; i < rt->nlisteners; i++) {
            (void) ngx_srt_filter_attach(&rt->filter,
                                         rt->listeners[i].listen->fd);
        }
    }

    for (i = 0; i < rt->nservers; i++) {
        ngx_srt_gate_reap(&rt->servers[i], NULL);
    }

    (void) pthread_mutex_unlock(&rt->mutex);
}


static void
ngx_srt_thread_end(ngx_srt_thread_t *t)
{
    ngx_uint_t          i, n;
    const char         *reason;
    ngx_srt_runtime_t  *rt;
    ngx_srt_server_t   *server;

    rt = t->runtime;
    reason = atomic_load(&rt->stop) ? "server is going" : "libsrt failed";

    /* listeners first, so that nobody comes in any more */

    for (i = 0; i < rt->nlisteners; i++) {
        if (rt->listeners[i].sock != SRT_INVALID_SOCK) {
            (void) srt_close(rt->listeners[i].sock);
        }
    }

    while (t->nlive != 0) {
        ngx_srt_receive_close(t, t->live[t->nlive - 1], reason);
    }

    ngx_srt_close_all(t);

    if (t->epoll != -1) {
        (void) srt_epoll_release(t->epoll);
        t->epoll = -1;
    }

    /* ends libsrt's threads: the gate is not called after it */

    (void) srt_cleanup();

    (void) pthread_mutex_lock(&rt->mutex);

    for (i = 0; i < rt->nlisteners; i++) {
        rt->listeners[i].sock = SRT_INVALID_SOCK;
    }

    for (i = 0; i < rt->nservers; i++) {
        server = &rt->servers[i];

        for (n = 0; n < server->conf->max_connections; n++) {
            if (server->sessions[n].state == NGX_SRT_PENDING) {
                ngx_srt_gate_release(&server->sessions[n]);
            }
        }
    }

    (void) pthread_mutex_unlock(&rt->mutex);

    ngx_srt_notify(rt);
}


static void
ngx_srt_thread_sleep(ngx_uint_t ms)
{
    struct timespec  ts;

    ts.tv_sec = ms / 1000;
    ts.tv_nsec = (ms % 1000) * 1000000;

    (void) nanosleep(&ts, NULL);
}
