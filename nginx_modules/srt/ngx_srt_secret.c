/*
 * The master secret and the fixed passphrase: read by the master process, known
 * to its worker by the fork, wiped with the cycle that they belong to.
 */

#include "ngx_srt.h"


static ngx_int_t ngx_srt_secret_read(ngx_cycle_t *cycle, ngx_str_t *secret,
    ngx_str_t *name, size_t min, size_t max);
static void ngx_srt_secret_wipe(void *data);


ngx_int_t
ngx_srt_secrets_read(ngx_cycle_t *cycle, ngx_srt_srv_conf_t *sscf)
{
    if (sscf->secret_file.len != 0) {
        return ngx_srt_secret_read(cycle, &sscf->secret, &sscf->secret_file,
                                   NGX_SRT_SECRET_MIN, NGX_SRT_SECRET_MAX);
    }

    if (sscf->passphrase_file.len != 0) {
        return ngx_srt_secret_read(cycle, &sscf->passphrase,
                                   &sscf->passphrase_file,
                                   NGX_SRT_PASSPHRASE_MIN,
                                   NGX_SRT_PASSPHRASE_MAX);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_srt_secret_read(ngx_cycle_t *cycle, ngx_str_t *secret, ngx_str_t *name,
    size_t min, size_t max)
{
    u_char           buf[2 * NGX_SRT_SECRET_MAX];
    size_t           len;
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    rc = NGX_ERROR;

    /* a FIFO in its place must not hold up the start */

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "srt: " ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "srt: " ngx_fd_info_n " \"%V\" failed", name);
        goto done;
    }

    if (!ngx_is_file(&fi)) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "srt: \"%V\" is not a file", name);
        goto done;
    }

    if (ngx_file_access(&fi) & S_IRWXO) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "srt: \"%V\" is open to everybody on this host: "
                      "chmod o= \"%V\"", name, name);
        goto done;
    }

    n = ngx_read_fd(fd, buf, sizeof(buf));
    if (n == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "srt: " ngx_read_fd_n " \"%V\" failed", name);
        goto done;
    }

    for (len = n; len != 0; len--) {
        if (ngx_strchr(" \t\n\v\f\r", buf[len - 1]) == NULL
            || buf[len - 1] == '\0')
        {
            break;
        }
    }

    if (len < min || len > max || memchr(buf, '\n', len) != NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "srt: \"%V\" must be one line of %uz to %uz bytes",
                      name, min, max);

    } else {
        rc = ngx_srt_secret_copy(cycle->pool, secret, buf, len);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

done:

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, ngx_errno,
                      "srt: " ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}


ngx_int_t
ngx_srt_secret_copy(ngx_pool_t *pool, ngx_str_t *secret, u_char *data,
    size_t len)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    secret->data = ngx_pnalloc(pool, len);
    if (secret->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(secret->data, data, len);
    secret->len = len;

    cln->handler = ngx_srt_secret_wipe;
    cln->data = secret;

    return NGX_OK;
}


static void
ngx_srt_secret_wipe(void *data)
{
    ngx_str_t  *secret = data;

    ngx_explicit_memzero(secret->data, secret->len);
    secret->len = 0;
}
