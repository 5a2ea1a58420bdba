/*
 * What the SRT thread has to itself.
 */

#ifndef _NGX_SRT_THREAD_H_INCLUDED_
#define _NGX_SRT_THREAD_H_INCLUDED_


#include "ngx_srt.h"


/* callers that are told to go; beyond that, one is told at once */

#define NGX_SRT_CLOSING_MAX  64


typedef struct {
    SRTSOCKET            sock;
    int64_t              due;
} ngx_srt_closing_t;


typedef struct {
    ngx_srt_runtime_t   *runtime;
    ngx_srt_session_t  **live;               /* room for every session */
    ngx_uint_t           nlive;
    ngx_srt_closing_t    closing[NGX_SRT_CLOSING_MAX];
    ngx_uint_t           nclosing;
    uint64_t             last_id;
    int64_t              sampled_at;
    int                  epoll;
    unsigned             changed:1;          /* nginx's thread should know */
} ngx_srt_thread_t;


/* ngx_srt_accept.c */

void ngx_srt_accept(ngx_srt_thread_t *t, ngx_srt_listener_t *listener);
int ngx_srt_option(SRTSOCKET sock, SRT_SOCKOPT option);

/* ngx_srt_close.c */

void ngx_srt_close(ngx_srt_thread_t *t, SRTSOCKET sock, int64_t since);
void ngx_srt_close_due(ngx_srt_thread_t *t, int64_t now);
void ngx_srt_close_all(ngx_srt_thread_t *t);

/* ngx_srt_receive.c */

void ngx_srt_receive_event(ngx_srt_thread_t *t, ngx_srt_session_t *s,
    int events);
void ngx_srt_receive_tend(ngx_srt_thread_t *t, ngx_srt_session_t *s);
void ngx_srt_receive_check(ngx_srt_thread_t *t, ngx_srt_session_t *s);
void ngx_srt_receive_close(ngx_srt_thread_t *t, ngx_srt_session_t *s,
    const char *reason);


#endif /* _NGX_SRT_THREAD_H_INCLUDED_ */
