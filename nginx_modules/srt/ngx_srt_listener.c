/*
 * One UDP socket becomes a listener of libsrt.
 */

#include "ngx_srt.h"


typedef struct {
    SRT_SOCKOPT        option;
    int                value;
    const char        *name;
} ngx_srt_option_t;


static const char *ngx_srt_listener_options(ngx_srt_listener_t *listener);
static const char *ngx_srt_listener_bind(ngx_srt_listener_t *listener);


ngx_int_t
ngx_srt_listener_start(ngx_srt_listener_t *listener, int epoll)
{
    int                 events;
    char                text[NGX_SRT_RECORD_LEN];
    const char         *failed;
    ngx_srt_runtime_t  *rt;

    failed = "srt_create_socket()";

    listener->sock = srt_create_socket();

    if (listener->sock != SRT_INVALID_SOCK) {
        failed = ngx_srt_listener_options(listener);
    }

    if (failed == NULL) {
        failed = ngx_srt_listener_bind(listener);
    }

    if (failed == NULL) {
        events = SRT_EPOLL_IN | SRT_EPOLL_ERR;

        if (srt_epoll_add_usock(epoll, listener->sock, &events) == SRT_ERROR) {
            failed = "srt_epoll_add_usock()";
        }
    }

    if (failed == NULL
        && srt_listen(listener->sock,
                      (int) listener->server->conf->max_connections)
           == SRT_ERROR)
    {
        failed = "srt_listen()";
    }

    if (failed == NULL) {
        return NGX_OK;
    }

    rt = listener->server->runtime;

    ngx_memzero(text, sizeof(text));
    (void) ngx_snprintf((u_char *) text, sizeof(text) - 1,
                        "%s for udp %V failed: %s", failed,
                        &listener->listen->name, srt_getlasterror_str());

    (void) pthread_mutex_lock(&rt->mutex);
    ngx_srt_log_text(listener->server, NGX_LOG_EMERG, text, NULL);
    (void) pthread_mutex_unlock(&rt->mutex);

    return NGX_ERROR;
}


static const char *
ngx_srt_listener_options(ngx_srt_listener_t *listener)
{
    size_t               i;
    ngx_srt_srv_conf_t  *sscf;

    sscf = listener->server->conf;

    /* what an accepted socket inherits; the order matters to libsrt */

    ngx_srt_option_t     options[] = {
        { SRTO_MSS, (int) sscf->mss, "SRTO_MSS" },
        { SRTO_FC, (int) sscf->flight_window, "SRTO_FC" },
        { SRTO_RCVBUF, (int) sscf->receive_buffer, "SRTO_RCVBUF" },
        { SRTO_RCVSYN, 0, "SRTO_RCVSYN" },
        { SRTO_RCVLATENCY, (int) sscf->latency, "SRTO_RCVLATENCY" },
        { SRTO_PEERIDLETIMEO, (int) sscf->peer_idle_timeout,
          "SRTO_PEERIDLETIMEO" },
        { SRTO_MINVERSION, 0x010300, "SRTO_MINVERSION" },

        /* it would also shorten the keys of callers that ask for longer ones */

        { SRTO_PBKEYLEN, sscf->pbkeylen == 16 ? 0 : (int) sscf->pbkeylen,
          "SRTO_PBKEYLEN" },

        /* no passphrase on one side only */

        { SRTO_ENFORCEDENCRYPTION, 1, "SRTO_ENFORCEDENCRYPTION" },

        /* we send nothing */

        { SRTO_SNDBUF, 32 * (int) sscf->mss, "SRTO_SNDBUF" },

        { SRTO_IPV6ONLY, 1, "SRTO_IPV6ONLY" }
    };

    for (i = 0; i < sizeof(options) / sizeof(ngx_srt_option_t); i++) {

        if (srt_setsockflag(listener->sock, options[i].option,
                            &options[i].value, sizeof(int))
            == SRT_ERROR)
        {
            return options[i].name;
        }
    }

    return NULL;
}


static const char *
ngx_srt_listener_bind(ngx_srt_listener_t *listener)
{
    ngx_fd_t            fd;
    ngx_srt_runtime_t  *rt;

    rt = listener->server->runtime;

    /* libsrt closes what it gets; the cycle keeps its own */

    fd = fcntl(listener->listen->fd, F_DUPFD_CLOEXEC, 0);
    if (fd == -1) {
        return "fcntl(F_DUPFD_CLOEXEC)";
    }

    if (ngx_srt_filter_attach(&rt->filter, fd) == -1) {
        (void) close(fd);
        return "ngx_srt_filter_attach()";
    }

    if (srt_bind_acquire(listener->sock, fd) == SRT_ERROR) {
        (void) close(fd);
        return "srt_bind_acquire()";
    }

    if (srt_listen_callback(listener->sock, ngx_srt_gate, listener)
        == SRT_ERROR)
    {
        return "srt_listen_callback()";
    }

    return NULL;
}
