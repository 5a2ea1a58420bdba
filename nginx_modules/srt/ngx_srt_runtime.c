/*
 * What a worker has, from its start to its end.
 */

#include "ngx_srt.h"

#include <sys/eventfd.h>
#include <sys/mman.h>


/*
 * Handshakes in a second that libsrt may see, for each caller that there may be
 * from one address, and in all.
 */

#define NGX_SRT_HANDSHAKES_PER_ADDRESS  2
#define NGX_SRT_HANDSHAKES              2

#define NGX_SRT_POLL_INTERVAL           200


static ngx_int_t ngx_srt_runtime_servers(ngx_cycle_t *cycle,
    ngx_srt_runtime_t *rt);
static ngx_int_t ngx_srt_runtime_events(ngx_cycle_t *cycle,
    ngx_srt_runtime_t *rt);
static void ngx_srt_runtime_poll(ngx_event_t *ev);


ngx_srt_runtime_t *
ngx_srt_runtime_create(ngx_cycle_t *cycle, ngx_srt_main_conf_t *smcf)
{
    int                 err;
    ngx_srt_runtime_t  *rt;

    rt = ngx_pcalloc(cycle->pool, sizeof(ngx_srt_runtime_t));
    if (rt == NULL) {
        return NULL;
    }

    rt->conf = smcf;
    rt->log = smcf->error_log != NULL ? smcf->error_log : cycle->log;
    rt->started_at = ngx_srt_now();

    ngx_queue_init(&rt->sessions);

    err = pthread_mutex_init(&rt->mutex, NULL);
    if (err != 0) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, err,
                      "srt: pthread_mutex_init() failed");
        return NULL;
    }

    rt->replay = mmap(NULL, sizeof(ngx_srt_replay_t), PROT_READ|PROT_WRITE,
                      MAP_SHARED, smcf->state_fd, 0);
    if (rt->replay == MAP_FAILED) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "srt: mmap() failed");
        return NULL;
    }

    if (ngx_srt_runtime_servers(cycle, rt) != NGX_OK) {
        return NULL;
    }

    if (ngx_srt_runtime_events(cycle, rt) != NGX_OK) {
        return NULL;
    }

    ngx_srt_list_poll(rt);

    return rt;
}


static ngx_int_t
ngx_srt_runtime_servers(ngx_cycle_t *cycle, ngx_srt_runtime_t *rt)
{
    ngx_uint_t            i, n, l, same;
    ngx_srt_listen_t     *sl;
    ngx_srt_server_t     *server;
    ngx_srt_srv_conf_t  **sscfp;

    sscfp = rt->conf->servers.elts;
    rt->nservers = rt->conf->servers.nelts;

    same = 0;

    for (i = 0; i < rt->nservers; i++) {
        rt->nlisteners += sscfp[i]->listen.nelts;
        rt->nsessions += sscfp[i]->max_connections;
        same = ngx_max(same, sscfp[i]->max_per_address);
    }

    ngx_srt_filter_init(&rt->filter, NGX_SRT_HANDSHAKES_PER_ADDRESS * same,
                        NGX_SRT_HANDSHAKES * rt->nsessions);

    rt->servers = ngx_pcalloc(cycle->pool,
                              rt->nservers * sizeof(ngx_srt_server_t));
    if (rt->servers == NULL) {
        return NGX_ERROR;
    }

    rt->listeners = ngx_pcalloc(cycle->pool,
                                rt->nlisteners * sizeof(ngx_srt_listener_t));
    if (rt->listeners == NULL) {
        return NGX_ERROR;
    }

    l = 0;

    for (i = 0; i < rt->nservers; i++) {
        server = &rt->servers[i];

        server->runtime = rt;
        server->conf = sscfp[i];
        server->log = sscfp[i]->error_log != NULL ? sscfp[i]->error_log
                                                  : rt->log;

        server->sessions = ngx_pcalloc(cycle->pool,
                                       server->conf->max_connections
                                       * sizeof(ngx_srt_session_t));
        if (server->sessions == NULL) {
            return NGX_ERROR;
        }

        for (n = 0; n < server->conf->max_connections; n++) {
            server->sessions[n].server = server;
        }

        sl = server->conf->listen.elts;

        for (n = 0; n < server->conf->listen.nelts; n++) {
            rt->listeners[l].server = server;
            rt->listeners[l].listen = &sl[n];
            rt->listeners[l].sock = SRT_INVALID_SOCK;
            l++;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_srt_runtime_events(ngx_cycle_t *cycle, ngx_srt_runtime_t *rt)
{
    ngx_connection_t  *c;

    rt->notify_fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);
    if (rt->notify_fd == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "srt: eventfd() failed");
        return NGX_ERROR;
    }

    c = ngx_get_connection(rt->notify_fd, cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = rt;
    c->log = cycle->log;
    c->read->log = cycle->log;
    c->read->handler = ngx_srt_session_notified;

    /* a worker that is told to end calls the handler */

    c->idle = 1;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_close_connection(c);
        return NGX_ERROR;
    }

    rt->notify = c;

    rt->dummy.fd = (ngx_socket_t) -1;

    rt->timer.handler = ngx_srt_runtime_poll;
    rt->timer.data = &rt->dummy;
    rt->timer.log = cycle->log;
    rt->timer.cancelable = 1;

    ngx_add_timer(&rt->timer, NGX_SRT_POLL_INTERVAL);

    return NGX_OK;
}


static void
ngx_srt_runtime_poll(ngx_event_t *ev)
{
    ngx_srt_runtime_t  *rt;

    rt = ngx_srt_runtime;

    ngx_srt_list_poll(rt);
    ngx_srt_log_flush(rt);

    if (!ngx_exiting) {
        ngx_add_timer(ev, NGX_SRT_POLL_INTERVAL);
    }
}


/* the SRT thread is gone */

void
ngx_srt_runtime_destroy(ngx_srt_runtime_t *rt)
{
    ngx_uint_t          i;
    ngx_queue_t        *q;
    ngx_srt_session_t  *s;

    while (!ngx_queue_empty(&rt->sessions)) {
        q = ngx_queue_head(&rt->sessions);
        s = ngx_queue_data(q, ngx_srt_session_t, queue);

        ngx_srt_session_end(s);
    }

    ngx_srt_log_flush(rt);

    if (rt->timer.timer_set) {
        ngx_del_timer(&rt->timer);
    }

    ngx_close_connection(rt->notify);

    for (i = 0; i < rt->nservers; i++) {
        ngx_srt_admit_free(rt->servers[i].list);
    }

    (void) munmap(rt->replay, sizeof(ngx_srt_replay_t));
    (void) pthread_mutex_destroy(&rt->mutex);
}


/* milliseconds of a clock that never goes back; nginx's own may be stale */

int64_t
ngx_srt_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


void
ngx_srt_notify(ngx_srt_runtime_t *rt)
{
    uint64_t  one;
    ssize_t   n;

    one = 1;

    /* fails only if nginx's thread has been told 2^64 - 1 times already */

    n = write(rt->notify_fd, &one, sizeof(uint64_t));
    (void) n;
}
