/*
 * Directives that take more than one value, defaults and what does not fit
 * together.
 */

#include "ngx_srt.h"


#define NGX_SRT_BUFFER_MIN  (64 * 1024)
#define NGX_SRT_BUFFER_MAX  (64 * 1024 * 1024)

/* seconds; beyond them a signed stream id would hardly ever expire */

#define NGX_SRT_SKEW_MAX      (60 * 60)
#define NGX_SRT_LIFETIME_MAX  (30 * 24 * 60 * 60)


static char *ngx_srt_check_keys(ngx_conf_t *cf, ngx_srt_srv_conf_t *sscf);
static char *ngx_srt_check_buffer(ngx_conf_t *cf, const char *name,
    size_t value);


void *
ngx_srt_create_srv_conf(ngx_conf_t *cf)
{
    ngx_srt_srv_conf_t  *sscf;

    sscf = ngx_pcalloc(cf->pool, sizeof(ngx_srt_srv_conf_t));
    if (sscf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     sscf->secret_file = { 0, NULL };
     *     sscf->passphrase_file = { 0, NULL };
     *     sscf->secret = { 0, NULL };
     *     sscf->passphrase = { 0, NULL };
     *     sscf->admit_list = { 0, NULL };
     *     sscf->error_log = NULL;
     *     sscf->pass = NULL;
     */

    if (ngx_array_init(&sscf->listen, cf->pool, 2, sizeof(ngx_srt_listen_t))
        != NGX_OK)
    {
        return NULL;
    }

    sscf->latency = NGX_CONF_UNSET_MSEC;
    sscf->peer_idle_timeout = NGX_CONF_UNSET_MSEC;
    sscf->max_connections = NGX_CONF_UNSET_UINT;
    sscf->max_per_address = NGX_CONF_UNSET_UINT;
    sscf->pbkeylen = NGX_CONF_UNSET_UINT;
    sscf->enforced_encryption = NGX_CONF_UNSET;
    sscf->signed_skew = NGX_CONF_UNSET;
    sscf->signed_max_lifetime = NGX_CONF_UNSET;
    sscf->signed_reuse = NGX_CONF_UNSET_UINT;
    sscf->pass_connect_timeout = NGX_CONF_UNSET_MSEC;
    sscf->pass_send_timeout = NGX_CONF_UNSET_MSEC;
    sscf->buffer_size = NGX_CONF_UNSET_SIZE;
    sscf->receive_buffer = NGX_CONF_UNSET_SIZE;
    sscf->mss = NGX_CONF_UNSET;
    sscf->flight_window = NGX_CONF_UNSET;

    return sscf;
}


char *
ngx_srt_check_srv_conf(ngx_conf_t *cf, ngx_srt_srv_conf_t *sscf)
{
    ngx_conf_init_msec_value(sscf->latency, 120);
    ngx_conf_init_msec_value(sscf->peer_idle_timeout, 5000);
    ngx_conf_init_uint_value(sscf->max_connections, 32);
    ngx_conf_init_uint_value(sscf->max_per_address, 8);
    ngx_conf_init_uint_value(sscf->pbkeylen, 16);
    ngx_conf_init_value(sscf->enforced_encryption, 0);
    ngx_conf_init_value(sscf->signed_skew, 60);
    ngx_conf_init_value(sscf->signed_max_lifetime, 24 * 60 * 60);
    ngx_conf_init_uint_value(sscf->signed_reuse, 0);
    ngx_conf_init_msec_value(sscf->pass_connect_timeout, 3000);
    ngx_conf_init_msec_value(sscf->pass_send_timeout, 10000);
    ngx_conf_init_size_value(sscf->buffer_size, 1024 * 1024);
    ngx_conf_init_size_value(sscf->receive_buffer, 8 * 1024 * 1024);
    ngx_conf_init_value(sscf->mss, 1500);
    ngx_conf_init_value(sscf->flight_window, 8192);

    if (sscf->listen.nelts == 0) {
        return "has no \"listen\"";
    }

    if (sscf->pass == NULL) {
        return "has no \"pass\"";
    }

    /* libsrt's field has 16 bits; it looks at idle peers once a second */

    if (sscf->latency > 65535) {
        return "has a \"latency\" of more than 65535ms";
    }

    if (sscf->peer_idle_timeout < 1000 || sscf->peer_idle_timeout > 600000) {
        return "has a \"peer_idle_timeout\" that is not from 1s to 600s";
    }

    if (sscf->signed_skew > NGX_SRT_SKEW_MAX) {
        return "has a \"signed_skew\" of more than 3600s";
    }

    if (sscf->signed_max_lifetime > NGX_SRT_LIFETIME_MAX) {
        return "has a \"signed_max_lifetime\" of more than 30d";
    }

    if (ngx_srt_check_buffer(cf, "buffer_size", sscf->buffer_size)
        != NGX_CONF_OK
        || ngx_srt_check_buffer(cf, "receive_buffer", sscf->receive_buffer)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_srt_check_keys(cf, sscf);
}


static char *
ngx_srt_check_keys(ngx_conf_t *cf, ngx_srt_srv_conf_t *sscf)
{
    ngx_uint_t  n;

    n = (sscf->secret_file.len != 0) + (sscf->passphrase_file.len != 0)
        + (sscf->passphrase.len != 0);

    if (n != 1) {
        return "needs one of \"master_secret_file\", \"passphrase_file\" and "
               "\"passphrase\"";
    }

    if (sscf->secret_file.len != 0) {

        if (sscf->admit_list.len == 0) {
            return "has a \"master_secret_file\", but no \"admit_list\"";
        }

        if (ngx_conf_full_name(cf->cycle, &sscf->secret_file, 1) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (sscf->passphrase_file.len != 0
        && ngx_conf_full_name(cf->cycle, &sscf->passphrase_file, 1) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (sscf->admit_list.len != 0
        && ngx_conf_full_name(cf->cycle, &sscf->admit_list, 0) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_srt_check_buffer(ngx_conf_t *cf, const char *name, size_t value)
{
    if (value < NGX_SRT_BUFFER_MIN || value > NGX_SRT_BUFFER_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" must be from 64k to 64m", name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_srt_conf_listen(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_srt_srv_conf_t *sscf = conf;

    ngx_str_t         *value;
    ngx_url_t          u;
    ngx_uint_t         i;
    ngx_srt_listen_t  *sl;

    value = cf->args->elts;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = value[1];
    u.listen = 1;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"listen %V\"",
                           u.err ? u.err : "fault", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (u.family == AF_UNIX || u.last_port != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"listen %V\" must be one UDP address and port",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (u.no_port) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"listen %V\" has no port",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < u.naddrs; i++) {
        sl = ngx_array_push(&sscf->listen);
        if (sl == NULL) {
            return NGX_CONF_ERROR;
        }

        sl->name = u.addrs[i].name;
        sl->sockaddr = u.addrs[i].sockaddr;
        sl->socklen = u.addrs[i].socklen;
        sl->fd = NGX_INVALID_FILE;
    }

    return NGX_CONF_OK;
}


char *
ngx_srt_conf_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_srt_srv_conf_t *sscf = conf;

    ngx_str_t  *value;
    ngx_url_t   u;

    if (sscf->pass != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = value[1];

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"pass %V\"",
                           u.err ? u.err : "fault", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (u.naddrs != 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"pass %V\" must be one address", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (u.family != AF_UNIX && u.no_port) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"pass %V\" has no port",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    sscf->pass = u.addrs;

    return NGX_CONF_OK;
}


char *
ngx_srt_conf_max_connections(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_srt_srv_conf_t *sscf = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (sscf->max_connections != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    n = ngx_atoi(value[1].data, value[1].len);
    if (n < 1 || n > NGX_SRT_MAX_CONNECTIONS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"max_connections %V\" is not from 1 to %d",
                           &value[1], NGX_SRT_MAX_CONNECTIONS);
        return NGX_CONF_ERROR;
    }

    sscf->max_connections = n;
    sscf->max_per_address = n;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    n = NGX_ERROR;

    if (ngx_strncmp(value[2].data, "per_address=", 12) == 0) {
        n = ngx_atoi(value[2].data + 12, value[2].len - 12);
    }

    if (n < 1 || (ngx_uint_t) n > sscf->max_connections) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\": \"per_address=\" must be "
                           "from 1 to \"max_connections\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    sscf->max_per_address = n;

    return NGX_CONF_OK;
}


char *
ngx_srt_conf_passphrase(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_srt_srv_conf_t *sscf = conf;

    ngx_int_t   rc;
    ngx_str_t  *value;

    if (sscf->passphrase.len != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len < NGX_SRT_PASSPHRASE_MIN
        || value[1].len > NGX_SRT_PASSPHRASE_MAX)
    {
        return "must have 10 to 79 characters";
    }

    rc = ngx_srt_secret_copy(cf->pool, &sscf->passphrase, value[1].data,
                             value[1].len);

    ngx_explicit_memzero(value[1].data, value[1].len);

    return rc == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* of the block or of a server, as the command says */

char *
ngx_srt_conf_error_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_log_t  **log;

    log = (ngx_log_t **) ((char *) conf + cmd->offset);

    return ngx_log_set_log(cf, log);
}
