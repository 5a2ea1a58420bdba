/*
 * The admit list: looked at five times a second, read when it has changed.
 */

#include "ngx_srt.h"


static void ngx_srt_list_poll_server(ngx_srt_server_t *server);
static ngx_int_t ngx_srt_list_is_same(ngx_srt_server_t *server,
    ngx_file_info_t *fi);
static ngx_int_t ngx_srt_list_read(ngx_srt_server_t *server,
    ngx_srt_admit_t **list);
static ngx_int_t ngx_srt_list_parse(ngx_srt_server_t *server, ngx_fd_t fd,
    ngx_srt_admit_t **list);
static void ngx_srt_list_failed(ngx_srt_server_t *server, ngx_err_t err,
    const char *what);
static void ngx_srt_list_swap(ngx_srt_server_t *server, ngx_srt_admit_t *list);


void
ngx_srt_list_poll(ngx_srt_runtime_t *rt)
{
    ngx_uint_t  i;

    for (i = 0; i < rt->nservers; i++) {
        if (rt->servers[i].conf->admit_list.len != 0) {
            ngx_srt_list_poll_server(&rt->servers[i]);
        }
    }
}


static void
ngx_srt_list_poll_server(ngx_srt_server_t *server)
{
    ngx_int_t         rc;
    ngx_str_t        *name;
    ngx_log_t        *log;
    ngx_file_info_t   fi;
    ngx_srt_admit_t  *list;

    list = NULL;
    name = &server->conf->admit_list;
    log = server->log;

    if (ngx_file_info(name->data, &fi) == NGX_FILE_ERROR) {

        if (!server->list_missed) {
            ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                          "srt: no admit list, nobody is let in: "
                          ngx_file_info_n " \"%V\" failed", name);
        }

        /* who is on air stays: a list that is gone revokes no key */

        if (server->list != NULL) {
            ngx_srt_list_swap(server, NULL);
        }

        server->list_missed = 1;
        server->list_seen = 0;

        return;
    }

    server->list_missed = 0;

    if (server->list_seen && ngx_srt_list_is_same(server, &fi)) {
        return;
    }

    server->list_seen = 1;
    server->list_uniq = ngx_file_uniq(&fi);
    server->list_mtime = fi.st_mtim;
    server->list_size = ngx_file_size(&fi);

    rc = ngx_srt_list_read(server, &list);

    if (rc == NGX_OK) {
        ngx_srt_list_swap(server, list);
    }

    /* what failed may work the next time; what has a fault keeps it */

    if (rc == NGX_ERROR) {
        server->list_seen = 0;

    } else {
        server->list_failed = 0;
    }
}


static ngx_int_t
ngx_srt_list_is_same(ngx_srt_server_t *server, ngx_file_info_t *fi)
{
    return server->list_uniq == ngx_file_uniq(fi)
           && server->list_mtime.tv_sec == fi->st_mtim.tv_sec
           && server->list_mtime.tv_nsec == fi->st_mtim.tv_nsec
           && server->list_size == ngx_file_size(fi);
}


/* NGX_OK with a list, NGX_DECLINED if it has a fault, NGX_ERROR */

static ngx_int_t
ngx_srt_list_read(ngx_srt_server_t *server, ngx_srt_admit_t **list)
{
    ngx_fd_t    fd;
    ngx_int_t   rc;
    ngx_str_t  *name;

    name = &server->conf->admit_list;

    /* a FIFO in its place must not hold up the worker */

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        ngx_srt_list_failed(server, ngx_errno, ngx_open_file_n);
        return NGX_ERROR;
    }

    rc = ngx_srt_list_parse(server, fd, list);

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, server->log, ngx_errno,
                      "srt: " ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}


static ngx_int_t
ngx_srt_list_parse(ngx_srt_server_t *server, ngx_fd_t fd,
    ngx_srt_admit_t **list)
{
    u_char      *buf;
    size_t       len, line;
    ssize_t      n;
    ngx_int_t    rc;
    const char  *error;

    buf = malloc(NGX_SRT_ADMIT_MAX_SIZE + 1);
    if (buf == NULL) {
        ngx_srt_list_failed(server, ngx_errno, "malloc()");
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    for (len = 0; len <= NGX_SRT_ADMIT_MAX_SIZE; len += n) {
        n = ngx_read_fd(fd, buf + len, NGX_SRT_ADMIT_MAX_SIZE + 1 - len);

        if (n == -1) {
            ngx_srt_list_failed(server, ngx_errno, ngx_read_fd_n);
            goto done;
        }

        if (n == 0) {
            break;
        }
    }

    error = NULL;
    line = 0;

    *list = ngx_srt_admit_parse((char *) buf, len, &error, &line);

    if (*list != NULL) {
        rc = NGX_OK;

    } else if (strcmp(error, NGX_SRT_ADMIT_NO_MEMORY) == 0) {
        ngx_srt_list_failed(server, ngx_errno, "malloc()");

    } else {
        rc = NGX_DECLINED;

        ngx_log_error(NGX_LOG_ERR, server->log, 0,
                      "srt: admit list \"%V\" line %uz: %s; the last good list "
                      "stays", &server->conf->admit_list, line, error);
    }

done:

    ngx_free(buf);

    return rc;
}


/* it is tried again five times a second, and said once */

static void
ngx_srt_list_failed(ngx_srt_server_t *server, ngx_err_t err, const char *what)
{
    if (!server->list_failed) {
        ngx_log_error(NGX_LOG_ERR, server->log, err,
                      "srt: admit list \"%V\" not read, the last good list "
                      "stays: %s failed", &server->conf->admit_list, what);
    }

    server->list_failed = 1;
}


/* a caller whose key is not in the new list has to go */

static void
ngx_srt_list_swap(ngx_srt_server_t *server, ngx_srt_admit_t *list)
{
    ngx_uint_t          i;
    ngx_srt_admit_t    *old;
    ngx_srt_session_t  *s;

    (void) pthread_mutex_lock(&server->runtime->mutex);

    old = server->list;
    server->list = list;

    for (i = 0; i < server->conf->max_connections && list != NULL; i++) {
        s = &server->sessions[i];

        if (s->state == NGX_SRT_LIVE
            && !ngx_srt_admit_has_key(list, s->caller.slug, s->caller.key_id))
        {
            atomic_store(&s->abort, "key revoked");
        }
    }

    (void) pthread_mutex_unlock(&server->runtime->mutex);

    ngx_srt_admit_free(old);
}
