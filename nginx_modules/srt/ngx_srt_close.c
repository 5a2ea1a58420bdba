/*
 * How a caller is told to go.  A blocking srt_connect() forgets what reached it
 * between the answer to its handshake and its return, our shutdown too, and
 * nothing is sent again: the caller would find out by its idle timeout, five
 * seconds later.  So a socket is closed when it is not quite new any more.
 */

#include "ngx_srt_thread.h"


/* milliseconds: it takes the caller's thread to wake up, not a round trip */

#define NGX_SRT_CLOSE_AGE  300


static void ngx_srt_close_now(ngx_srt_thread_t *t, ngx_uint_t i);


/* "since" is when it was connected; nobody reads it any more */

void
ngx_srt_close(ngx_srt_thread_t *t, SRTSOCKET sock, int64_t since)
{
    (void) srt_epoll_remove_usock(t->epoll, sock);

    if (ngx_srt_now() - since >= NGX_SRT_CLOSE_AGE
        || srt_getsockstate(sock) != SRTS_CONNECTED)
    {
        (void) srt_close(sock);
        return;
    }

    if (t->nclosing == NGX_SRT_CLOSING_MAX) {
        ngx_srt_close_now(t, 0);
    }

    t->closing[t->nclosing].sock = sock;
    t->closing[t->nclosing++].due = since + NGX_SRT_CLOSE_AGE;
}


void
ngx_srt_close_due(ngx_srt_thread_t *t, int64_t now)
{
    ngx_uint_t  i;

    /* from behind, since one that is closed leaves */

    for (i = t->nclosing; i > 0; i--) {
        if (t->closing[i - 1].due <= now) {
            ngx_srt_close_now(t, i - 1);
        }
    }
}


void
ngx_srt_close_all(ngx_srt_thread_t *t)
{
    while (t->nclosing != 0) {
        ngx_srt_close_now(t, t->nclosing - 1);
    }
}


static void
ngx_srt_close_now(ngx_srt_thread_t *t, ngx_uint_t i)
{
    (void) srt_close(t->closing[i].sock);

    t->closing[i] = t->closing[--t->nclosing];
}
