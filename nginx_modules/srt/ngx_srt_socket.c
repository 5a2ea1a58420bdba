/*
 * What outlives a worker: the bound UDP sockets, and a piece of memory with the
 * used nonces.  A lock on that memory says which process may read the sockets:
 * during a reload the new worker waits until the old one has let go, since two
 * readers of one UDP socket would take each other's packets.
 */

#include "ngx_srt.h"

#include <sys/mman.h>


static ngx_int_t ngx_srt_socket_open(ngx_cycle_t *cycle, ngx_srt_listen_t *sl);
static ngx_fd_t ngx_srt_socket_bind(ngx_cycle_t *cycle, ngx_srt_listen_t *sl);
static ngx_int_t ngx_srt_state_open(ngx_cycle_t *cycle,
    ngx_srt_main_conf_t *smcf);
static ngx_srt_main_conf_t *ngx_srt_old_conf(ngx_cycle_t *cycle);
static ngx_fd_t ngx_srt_inherit(ngx_cycle_t *cycle, ngx_fd_t fd);
static void ngx_srt_sockets_close(void *data);


ngx_int_t
ngx_srt_sockets_open(ngx_cycle_t *cycle, ngx_srt_main_conf_t *smcf)
{
    ngx_uint_t            i, n;
    ngx_srt_listen_t     *sl;
    ngx_pool_cleanup_t   *cln;
    ngx_srt_srv_conf_t  **sscfp;

    cln = ngx_pool_cleanup_add(cycle->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_srt_sockets_close;
    cln->data = smcf;

    if (ngx_srt_state_open(cycle, smcf) != NGX_OK) {
        return NGX_ERROR;
    }

    sscfp = smcf->servers.elts;

    for (i = 0; i < smcf->servers.nelts; i++) {
        sl = sscfp[i]->listen.elts;

        for (n = 0; n < sscfp[i]->listen.nelts; n++) {
            if (ngx_srt_socket_open(cycle, &sl[n]) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* the socket of the cycle before, if it has one for this address */

static ngx_int_t
ngx_srt_socket_open(ngx_cycle_t *cycle, ngx_srt_listen_t *sl)
{
    ngx_uint_t             i, n;
    ngx_srt_listen_t      *old;
    ngx_srt_srv_conf_t   **sscfp;
    ngx_srt_main_conf_t   *smcf;

    smcf = ngx_srt_old_conf(cycle);

    if (smcf == NULL) {
        sl->fd = ngx_srt_socket_bind(cycle, sl);
        return sl->fd == NGX_INVALID_FILE ? NGX_ERROR : NGX_OK;
    }

    sscfp = smcf->servers.elts;

    for (i = 0; i < smcf->servers.nelts; i++) {
        old = sscfp[i]->listen.elts;

        for (n = 0; n < sscfp[i]->listen.nelts; n++) {

            if (ngx_cmp_sockaddr(old[n].sockaddr, old[n].socklen,
                                 sl->sockaddr, sl->socklen, 1)
                == NGX_OK)
            {
                sl->fd = ngx_srt_inherit(cycle, old[n].fd);
                return sl->fd == NGX_INVALID_FILE ? NGX_ERROR : NGX_OK;
            }
        }
    }

    sl->fd = ngx_srt_socket_bind(cycle, sl);

    return sl->fd == NGX_INVALID_FILE ? NGX_ERROR : NGX_OK;
}


static ngx_fd_t
ngx_srt_socket_bind(ngx_cycle_t *cycle, ngx_srt_listen_t *sl)
{
    int               on;
    ngx_fd_t          fd;
    ngx_srt_filter_t  filter;

    fd = socket(sl->sockaddr->sa_family, SOCK_DGRAM|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_socket_errno,
                      "srt: socket() for udp %V failed", &sl->name);
        return NGX_INVALID_FILE;
    }

#if (NGX_HAVE_INET6)

    on = 1;

    if (sl->sockaddr->sa_family == AF_INET6
        && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(int)) == -1)
    {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_socket_errno,
                      "srt: setsockopt(IPV6_V6ONLY) for udp %V failed",
                      &sl->name);
        goto failed;
    }

#endif

    /* before the first packet can come */

    ngx_srt_filter_init(&filter, 0, 0);

    if (ngx_srt_filter_attach(&filter, fd) == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_socket_errno,
                      "srt: the filter of udp %V could not be attached",
                      &sl->name);
        goto failed;
    }

    if (bind(fd, sl->sockaddr, sl->socklen) == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_socket_errno,
                      "srt: bind() to udp %V failed", &sl->name);
        goto failed;
    }

    return fd;

failed:

    (void) close(fd);

    return NGX_INVALID_FILE;
}


static ngx_int_t
ngx_srt_state_open(ngx_cycle_t *cycle, ngx_srt_main_conf_t *smcf)
{
    ngx_srt_main_conf_t  *old;

    old = ngx_srt_old_conf(cycle);

    if (old != NULL) {
        smcf->state_fd = ngx_srt_inherit(cycle, old->state_fd);
        return smcf->state_fd == NGX_INVALID_FILE ? NGX_ERROR : NGX_OK;
    }

    smcf->state_fd = memfd_create("nginx-srt", MFD_CLOEXEC);
    if (smcf->state_fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "srt: memfd_create() failed");
        return NGX_ERROR;
    }

    /* all zero, which is what ngx_srt_replay_init() makes of it */

    if (ftruncate(smcf->state_fd, sizeof(ngx_srt_replay_t)) == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "srt: ftruncate() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* that of the running cycle, if it has sockets */

static ngx_srt_main_conf_t *
ngx_srt_old_conf(ngx_cycle_t *cycle)
{
    ngx_srt_main_conf_t  *smcf;

    if (cycle->old_cycle == NULL
        || ngx_is_init_cycle(cycle->old_cycle)
        || ngx_srt_module.index >= cycle->old_cycle->modules_n
        || cycle->old_cycle->modules[ngx_srt_module.index] != &ngx_srt_module)
    {
        return NULL;
    }

    smcf = (ngx_srt_main_conf_t *) ngx_get_conf(cycle->old_cycle->conf_ctx,
                                                ngx_srt_module);

    if (smcf == NULL || smcf->state_fd == NGX_INVALID_FILE) {
        return NULL;
    }

    return smcf;
}


/* each cycle has descriptors of its own, and closes them with itself */

static ngx_fd_t
ngx_srt_inherit(ngx_cycle_t *cycle, ngx_fd_t fd)
{
    ngx_fd_t  copy;

    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "srt: fcntl(F_DUPFD_CLOEXEC) failed");
    }

    return copy;
}


static void
ngx_srt_sockets_close(void *data)
{
    ngx_srt_main_conf_t *smcf = data;

    ngx_uint_t            i, n;
    ngx_srt_listen_t     *sl;
    ngx_srt_srv_conf_t  **sscfp;

    sscfp = smcf->servers.elts;

    for (i = 0; i < smcf->servers.nelts; i++) {
        sl = sscfp[i]->listen.elts;

        for (n = 0; n < sscfp[i]->listen.nelts; n++) {
            if (sl[n].fd != NGX_INVALID_FILE) {
                (void) close(sl[n].fd);
                sl[n].fd = NGX_INVALID_FILE;
            }
        }
    }

    if (smcf->state_fd != NGX_INVALID_FILE) {
        (void) close(smcf->state_fd);
        smcf->state_fd = NGX_INVALID_FILE;
    }
}


/* NGX_OK, or NGX_AGAIN while another worker reads the sockets */

ngx_int_t
ngx_srt_state_lock(ngx_fd_t fd)
{
    struct flock  fl;

    ngx_memzero(&fl, sizeof(struct flock));

    fl.l_type = F_WRLCK;
    fl.l_whence = SEEK_SET;

    return fcntl(fd, F_SETLK, &fl) == -1 ? NGX_AGAIN : NGX_OK;
}


void
ngx_srt_state_unlock(ngx_fd_t fd)
{
    struct flock  fl;

    ngx_memzero(&fl, sizeof(struct flock));

    fl.l_type = F_UNLCK;
    fl.l_whence = SEEK_SET;

    (void) fcntl(fd, F_SETLK, &fl);
}
