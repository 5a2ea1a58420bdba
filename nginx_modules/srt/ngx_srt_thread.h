/*
 * What the SRT thread has to itself.
 */

#ifndef _NGX_SRT_THREAD_H_INCLUDED_
#define _NGX_SRT_THREAD_H_INCLUDED_


#include "ngx_srt.h"


typedef struct {
    ngx_srt_runtime_t   *runtime;
    ngx_srt_session_t  **live;               /* room for every session */
    ngx_uint_t           nlive;
    uint64_t             last_id;
    int64_t              sampled_at;
    int                  epoll;
    unsigned             changed:1;          /* nginx's thread should know */
} ngx_srt_thread_t;


/* ngx_srt_accept.c */

void ngx_srt_accept(ngx_srt_thread_t *t, ngx_srt_listener_t *listener);
int ngx_srt_option(SRTSOCKET sock, SRT_SOCKOPT option);

/* ngx_srt_receive.c */

void ngx_srt_receive_event(ngx_srt_thread_t *t, ngx_srt_session_t *s,
    int events);
void ngx_srt_receive_tend(ngx_srt_thread_t *t, ngx_srt_session_t *s);
void ngx_srt_receive_check(ngx_srt_thread_t *t, ngx_srt_session_t *s);
void ngx_srt_receive_close(ngx_srt_thread_t *t, ngx_srt_session_t *s,
    const char *reason);


#endif /* _NGX_SRT_THREAD_H_INCLUDED_ */
